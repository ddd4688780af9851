/**
 * Whose tables are touched. Every table of the migrations is owned by one feature, which names it in `tables` of its
 * feature.ts; the platform's own are named here. SQL of another file names a table of somebody else only where the file says
 * so and why, in a line `// Foreign tables: users, inboxes. <why>`. The platform names no table of a feature, whatever the reason:
 * what it has to know of them (which are kept by month, which change all the time) features declare in their feature.ts.
 */
import { filesBelow } from './lib/files.mjs';
import { readOrNull } from './text.mjs';

/** Tables of the machinery itself. */
const ofPlatform = ['installation', 'outbox', 'schema_migrations'];
const ofPlacement = ['placed_inboxes', 'placements'];

const isTest = /\.test\.ts$|\/test-[\w-]+\.ts$|^server\/src\/(?:test|ai\/evals)\//;

/** Every table the migrations make. @param {string[]} migrations their texts */
export function tablesOf(migrations) {
  const made = migrations.flatMap((text) =>
    [...text.matchAll(/^\s*create table (?:if not exists )?([a-z_]+)/gm)].map((found) => found[1] ?? ''),
  );
  // Made under another name and given the old one's.
  return new Set(made.filter((name) => !name.endsWith('_new')));
}

/**
 * Table → the folder of the feature that names it.
 * @param {{ file: string, text: string }[]} features the feature.ts files
 * @param {string[]} problems gets a line for each table that is named twice
 */
export function ownersOf(features, problems = []) {
  const owners = new Map(ofPlatform.map((name) => [name, 'server/src/platform/']));
  for (const name of ofPlacement) owners.set(name, 'server/src/placement/');
  for (const { file, text } of features) {
    const folder = file.slice(0, file.lastIndexOf('/') + 1);
    const listed = /\btables: \[([^\]]*)\]/.exec(text)?.[1] ?? '';
    for (const [, name = ''] of listed.matchAll(/'([a-z_]+)'/g)) {
      if (owners.has(name)) problems.push(`${file}: the table ${name} is owned twice, also by ${owners.get(name)}`);
      owners.set(name, folder);
    }
  }
  return owners;
}

/** Table → the folder of its owner, by the repository's feature.ts files. @param {string[]} problems as in `ownersOf` */
export function tableOwners(problems = []) {
  const features = filesBelow('server/src', (file) => file.endsWith('/feature.ts'));
  return ownersOf(
    features.map((file) => ({ file, text: readOrNull(file) ?? '' })),
    problems,
  );
}

/** @param {string} text */
const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/[^\n]*/g, '');

/** The tables that SQL in this text names. @param {string} text @param {Set<string>} tables */
export function tablesIn(text, tables) {
  const code = withoutComments(text);
  const named = new Set();
  for (const found of code.matchAll(/^(.*?)\b(?:from|join|into|update)\s+(?:only\s+)?([a-z_]+)\b(?!['"])/gm)) {
    if (tables.has(found[2] ?? '') && !/^\s*(?:import|export)\b/.test(found[1] ?? '')) named.add(found[2]);
  }
  // More than one in a line.
  for (const found of code.matchAll(/\b(?:from|join|into|update)\s+(?:only\s+)?([a-z_]+)\b(?=[\s,)`])/g))
    if (tables.has(found[1] ?? '')) named.add(found[1]);
  return named;
}

/**
 * Tables a text names outside of SQL, in a list. Only names of several words: `messages` and `files` are also something else.
 * @param {string} text @param {Set<string>} tables
 */
function wordsIn(text, tables) {
  const words = withoutComments(text).match(/\b[a-z]+(?:_[a-z]+)+\b/g) ?? [];
  return new Set(words.filter((word) => tables.has(word)));
}

/** @param {string} file @param {string} text @param {Map<string, string>} owners @param {Set<string>} tables @returns {string[]} */
export function foreignTables(file, text, owners, tables) {
  const said = /^\/\/ Foreign tables: ([a-z_, ]+)\. \S/m.exec(text)?.[1]?.split(/,\s*/) ?? [];
  const named = tablesIn(text, tables);
  const foreign = [...named].filter((name) => !file.startsWith(owners.get(name) ?? 'nobody'));
  if (file.startsWith('server/src/platform/')) {
    const listed = [...wordsIn(text, tables)].filter((name) => !ofPlatform.includes(name));
    return [...new Set([...foreign, ...listed, ...said])].map(
      (name) =>
        `${file}: the platform names ${name}, which belongs to ${owners.get(name) ?? 'nobody'}: let a feature declare it`,
    );
  }
  return [
    ...foreign
      .filter((name) => !said.includes(name))
      .map((name) => `${file}: SQL names ${name}, which belongs to ${owners.get(name) ?? 'nobody'}`),
    ...said.filter((name) => !foreign.includes(name)).map((name) => `${file}: says it names ${name}, and does not`),
  ];
}

/** Everything that is wrong in the repository. */
export function tableOffences() {
  const read = (/** @type {string} */ file) => ({ file, text: readOrNull(file) ?? '' });
  const tables = tablesOf(
    filesBelow('server/src/db/migrations', (file) => file.endsWith('.sql')).map((file) => read(file).text),
  );
  const code = filesBelow('server/src', (file) => file.endsWith('.ts') && !isTest.test(file)).map(read);
  /** @type {string[]} */
  const problems = [];
  const owners = tableOwners(problems);
  for (const name of tables) if (!owners.has(name)) problems.push(`the table ${name} is owned by no feature`);
  return [...problems, ...code.flatMap(({ file, text }) => foreignTables(file, text, owners, tables))];
}
