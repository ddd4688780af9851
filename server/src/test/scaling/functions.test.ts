import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MIGRATIONS } from '../../platform/data/index.ts';
import { createTestDatabase } from '../database.ts';
import type { TestDatabase } from '../database.ts';
import { assertFeltLinear } from './felt.ts';
import { filled, growth, hostilePatterns } from './scaling.ts';

/** More that PostgreSQL's own parsers of text and patterns read ahead for. */
const patterns: Record<string, string> = {
  ...hostilePatterns,
  numbers: '1e',
  'signed numbers': '-1.',
  versions: '1.',
  hosts: 'a.b/',
  'named entities': '&#x',
  'joined words': 'a-',
  'camel case': 'aA',
  'wild cards': '%_',
  'escaped wild cards': '\\%',
};

/** Each statement is run on `$1`; `size` is the most it meets in the product, or more. */
const walk: [what: string, statement: string, size: number][] = [
  ['what is indexed of a message', `select length(to_tsvector('simple', search_text($1)))`, 50_000],
  ['what is indexed of a passage', `select length(chunk_words(left($1, 300), left($1, 300), $1))`, 20_000],
  ['a search', `select numnode(search_query('simple', $1))`, 50_000],
  ['a search of passages', `select numnode(search_query('english', $1))`, 50_000],
  ['a name or address looked for', `select $1 ilike '%' || left($1, 200) || 'x%'`, 20_000],
  ['the key of a thread', `select hashtextextended($1, 0)`, 50_000],
  ['a message as JSON', `select length((jsonb_build_object('text', $1::text) ->> 'text'))`, 50_000],
  [
    'rows of JSON',
    `select sum(length(text)) from jsonb_to_recordset(jsonb_build_array(jsonb_build_object('text', $1::text))) as r(text text)`,
    50_000,
  ],
  ['a checksum', `select md5($1)`, 50_000],
  ['lower case', `select length(lower($1))`, 50_000],
];

/** What in SQL reads text, and where the walk has it. Something new is put here, and in the walk where it meets strangers. */
const known: Record<string, string[]> = {
  '0001_spine.sql': ['to_tsvector', 'regexp_replace'],
  '0002_search_in_workspace.sql': ['websearch_to_tsquery'],
  '0003_partitions.sql': ['to_tsvector'],
  '0018_search_text.sql': ['to_tsvector', 'websearch_to_tsquery', 'regexp_replace', 'regexp_matches'],
};
const READS_TEXT =
  /\b(to_tsvector|\w*to_tsquery|ts_headline|regexp_\w+|similarity|word_similarity|levenshtein|unaccent|string_to_table|xmlparse)\s*\(/g;

describe('functions of the database that meet text from outside', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database?.remove());

  it('are all in the walk', () => {
    const found = Object.fromEntries(
      readdirSync(MIGRATIONS)
        .filter((file) => file.endsWith('.sql'))
        .sort()
        .map((file) => {
          const sql = readFileSync(join(MIGRATIONS, file), 'utf8').replace(/--.*$/gm, '');
          return [file, [...new Set([...sql.matchAll(READS_TEXT)].map(([, name]) => name ?? ''))].sort()] as const;
        })
        .filter(([, names]) => names.length > 0),
    );
    assert.deepEqual(
      found,
      Object.fromEntries(Object.entries(known).map(([file, names]) => [file, [...names].sort()])),
    );
  });

  it('are what indexes, triggers and functions call today', async () => {
    const { rows } = await database.database.asOwner((client) =>
      client.query<{ what: string; text: string }>(`
        select indexname::text as what, indexdef as text from pg_indexes where schemaname = 'public'
        union all
        select proname::text, coalesce(pg_get_functiondef(oid), '') from pg_proc
        where pronamespace = 'public'::regnamespace and prokind = 'f'
          and not exists (select from pg_depend d where d.objid = pg_proc.oid and d.deptype = 'e')
        union all
        select table_name || '.' || column_name, coalesce(generation_expression, '') from information_schema.columns
        where table_schema = 'public'`),
    );
    // Nothing reads words but what was put through `search_text`.
    for (const { what, text } of rows)
      for (const [call] of text.matchAll(/(?<!array_)to_tsvector\([^)]*\)?|websearch_to_tsquery\([^)]*\)?/gi))
        assert.ok(/search_text\(|websearch_to_tsquery\((search_query\.)?config/i.test(call), `${what}: ${call}`);
  });

  it('would be noticed: the parser itself on the same text', async () => {
    await database.database.asOwner(async (client) => {
      const bare = (n: number) => () => client.query(`select length(to_tsvector('simple', $1))`, [filled('_a', n)]);
      assert.ok((await growth(bare, 2_500, 0)) > 2.5);
    });
  });

  for (const [what, statement, size] of walk)
    it(`${what}: twice the text takes twice the time at most`, async () => {
      await database.database.asOwner(async (client) => {
        for (const [kind, piece] of Object.entries(patterns))
          await assertFeltLinear(
            `${what}, ${kind}`,
            (n) => {
              const text = filled(piece, n);
              return () => client.query(statement, [text]);
            },
            size,
          );
      });
    });
});
