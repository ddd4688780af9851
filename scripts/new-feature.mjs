/**
 * `npm run new:feature -- NOUN`: the files of a new noun (plural, such as `labels`), which start, are tested and are served,
 * as an example to change: list, create, read, change and delete something with a name. Nothing that is there is overwritten.
 * What else its feature.ts may declare (settings, metrics, socket events, reactions, sweeps …) is in `server/src/feature.ts`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensure } from './ensure.mjs';
import { behaviourOf } from './lib/noun-feature.mjs';
import { namesOf, oneOf } from './lib/noun-names.mjs';
import { shapesOf } from './lib/noun-shapes.mjs';
import { inRoot } from './lib/paths.mjs';

/** As they are written; the checks are held to these. @param {string} noun @param {string} [migration] */
export async function formattedFilesOf(noun, migration) {
  const { format, resolveConfig } = await import('prettier');
  const options = await resolveConfig(inRoot('package.json'));
  const formatted = async (/** @type {{ file: string, text: string }} */ { file, text }) => ({
    file,
    text: file.endsWith('.ts') ? await format(text, { ...options, filepath: inRoot(file) }) : text,
  });
  return Promise.all(filesOf(noun, migration).map(formatted));
}

/** @param {string} noun @returns {{ file: string, text: string }[]} */
export function filesOf(noun, migration = '0000') {
  const names = namesOf(noun, migration);
  return [...shapesOf(names), ...behaviourOf(names)];
}

/** The one line in each list that makes it part of the product. @param {string} noun */
export const linesOf = (noun) => {
  const { nouns, key } = namesOf(noun, '');
  return [
    {
      file: 'packages/contract/src/nouns.ts',
      change: (/** @type {string} */ text) =>
        text.replace(
          '} as const satisfies Record<string, Noun>;',
          `  ${key}: { read: 'admin', write: 'admin', keys: false },\n$&`,
        ),
    },
    {
      file: 'server/src/features/index.ts',
      change: (/** @type {string} */ text) =>
        text
          .replace('\n/**\n * The product', `import { ${nouns} } from './${noun}/feature.ts';\n$&`)
          .replace('  visitors,\n', `  ${nouns},\n$&`),
    },
  ];
};

const MOST_OUTSIDE = 3;

/**
 * What a noun costs outside of its own folder and its file in the contract: two lists and a migration.
 * @param {(file: string) => string} [read] contents of a file of the repository
 * @returns {string[]} why it costs more today, or cannot be added at all
 */
export function nounOffences(read = (file) => readFileSync(inRoot(file), 'utf8')) {
  const noun = 'saved-replies';
  const own = [`packages/contract/src/${noun}.ts`, `server/src/features/${noun}/`];
  const made = filesOf(noun).map(({ file }) => file);
  const lists = linesOf(noun);
  const outside = [
    ...made.filter((file) => !own.some((start) => file.startsWith(start))),
    ...lists.map(({ file }) => file),
  ];
  return [
    ...(outside.length > MOST_OUTSIDE
      ? [`a new noun touches ${outside.length} files of others, not ${MOST_OUTSIDE}: ${outside.join(', ')}`]
      : []),
    ...lists.flatMap(({ file, change }) => {
      const before = read(file);
      const added = change(before).split('\n').length - before.split('\n').length;
      return added > 0 ? [] : [`${file} has another shape than scripts/new-feature.mjs knows`];
    }),
  ];
}

/** Why this cannot be the name of a noun, in a line, or null. @param {string} noun */
export function refusal(noun) {
  if (!/^[a-z]+(?:-[a-z]+)*$/.test(noun))
    return 'a noun in plural, lower case, words joined by hyphens: `saved-replies`';
  return reserved.has(noun) ? `\`${noun}\` is a word of TypeScript or SQL` : null;
}
const reserved = new Set(['case', 'class', 'default', 'delete', 'export', 'group', 'import', 'new', 'order', 'user']);

async function main() {
  const [noun = ''] = process.argv.slice(2);
  const reason = refusal(noun);
  if (reason) {
    console.error(`npm run new:feature -- NOUN: ${reason}.`);
    process.exit(2);
  }
  await ensure();
  const last = readdirSync(inRoot('server/src/db/migrations'))
    .filter((name) => /^\d{4}_/.test(name))
    .sort()
    .at(-1);
  const migration = String(Number(last?.slice(0, 4)) + 1).padStart(4, '0');
  const files = await formattedFilesOf(noun, migration);
  const there = files.filter(({ file }) => existsSync(inRoot(file)));
  if (there.length > 0) {
    console.error(`${there.map(({ file }) => file).join(', ')}: there already. Nothing was written.`);
    process.exit(1);
  }
  for (const { file, text } of files) {
    mkdirSync(path.dirname(inRoot(file)), { recursive: true });
    writeFileSync(inRoot(file), text);
    console.log(`made     ${file}`);
  }
  for (const { file, change } of linesOf(noun)) {
    const before = readFileSync(inRoot(file), 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`${file} has another shape than this script knows`);
    writeFileSync(inRoot(file), after);
    console.log(`changed  ${file}`);
  }
  console.log(`
One of them is called "${oneOf(noun).replaceAll('-', ' ')}". Now: npm run check, npm test -- ${noun}. It is for admins until you open it:
- to agents: \`read: 'agent'\` in nouns.ts, and its line in AGENT_MAY of server/src/test/security/isolation.test.ts, which is written by hand
  on purpose;
- to API keys: without \`keys: false\` in nouns.ts, and its name in apiKeys.noun of the three dashboard/src/features/settings/locales.`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
