/**
 * The arrows between folders point one way. Reads every import with the TypeScript parser and holds it to the rules
 * of docs/decisions/0012-one-way-arrows.md. `node scripts/arrows.mjs` prints the offences and exits non-zero on any.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow } from './lib/files.mjs';
import { inRoot } from './lib/paths.mjs';
import { tableOwners } from './tables.mjs';

/**
 * @typedef {{ from: string, to: string, names: string[], line: number }} Arrow
 * `from` and `to` are paths from the root with `/`; a package keeps its bare name in `to`. `names` are what is taken,
 * `*` for everything.
 */

/**
 * Every import, re-export and dynamic import of one file.
 * @param {typeof import('typescript')} ts
 * @param {string} file path from the root
 * @param {string} text
 * @returns {Arrow[]}
 */
export function arrowsOf(ts, file, text) {
  /** @type {Arrow[]} */
  const arrows = [];
  const blocks = file.endsWith('.vue') ? scriptBlocks(text) : [{ text, before: 0 }];
  for (const block of blocks) {
    const source = ts.createSourceFile(file, block.text, ts.ScriptTarget.Latest, false, ts.ScriptKind.TS);
    /** @param {import('typescript').Node | undefined} literal @param {string[]} names */
    const add = (literal, names) => {
      if (!literal || !ts.isStringLiteralLike(literal)) return;
      const line = source.getLineAndCharacterOfPosition(literal.end).line + 1 + block.before;
      arrows.push({ from: file, to: targetOf(file, literal.text), names, line });
    };
    /** @param {import('typescript').NamedImportBindings | import('typescript').NamedExportBindings | undefined} bindings */
    const namesOf = (bindings) =>
      bindings && 'elements' in bindings
        ? bindings.elements.map((element) => (element.propertyName ?? element.name).text)
        : ['*'];
    /** @param {import('typescript').Node} node */
    const visit = (node) => {
      if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, namesOf(node.importClause?.namedBindings));
      else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, namesOf(node.exportClause));
      else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, []);
      else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
        add(node.arguments[0], ['*']);
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return arrows;
}

/** The `<script>` parts of a Vue file, with how many lines come before each. @param {string} text */
function scriptBlocks(text) {
  return [...text.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g)].map((match) => {
    const start = match.index + match[0].indexOf('>') + 1;
    return { text: match[1] ?? '', before: text.slice(0, start).split('\n').length - 1 };
  });
}

/** @param {string} file @param {string} specifier */
function targetOf(file, specifier) {
  if (specifier.startsWith('.')) return path.posix.join(path.posix.dirname(file), specifier);
  if (specifier.startsWith('@/')) return path.posix.join(file.split('/')[0] ?? '', 'src', specifier.slice(2));
  if (specifier === '@parley/contract' || specifier.startsWith('@parley/contract/')) return 'packages/contract/src';
  return specifier;
}

/** The rooms of the server below the composition root. */
const domains = ['features', 'channels', 'turn', 'engine', 'ai', 'knowledge', 'insight'];

/** The composition root, what it is set to, and the list of what it composes. */
const isRoot = (/** @type {Place} */ place) =>
  ['app', 'settings'].includes(place.room) ||
  (place.room === 'features' && place.noun === '' && place.name === 'index');

/** Features that put others together: the sockets, whose events are of several nouns, and the demo, which makes one of each. */
const composing = ['connections', 'demo'];

/** Tests, and the `test-*.ts` helpers beside them. @param {string} file */
const isTest = (file) =>
  /\.(test|spec|e2e)\.ts$|\/test-[\w-]+\.ts$/.test(file) ||
  /\/__fixtures__\//.test(file) ||
  file.startsWith('server/src/test/');

/**
 * Where a file lives: the application, inside the server the room, inside the features the noun.
 * @param {string} file
 */
function placeOf(file) {
  const parts = file.split('/');
  const [application, , room, noun] = parts;
  if (application === 'packages') return { application: 'contract', room: '', noun: '', name: '' };
  if (application !== 'server') return { application: application ?? '', room: '', noun: '', name: '' };
  const inFolder = parts.length > 3;
  return {
    application: 'server',
    room: inFolder ? (room ?? '') : (room ?? '').replace(/\.ts$/, ''),
    noun: parts.length > 4 ? (noun ?? '') : '',
    name: (parts.at(-1) ?? '').replace(/\.ts$/, ''),
  };
}

/**
 * Why an arrow must not be there, or null.
 * @param {Arrow} arrow
 * @returns {string | null}
 */
export function offence({ from, to, names }) {
  if (!/^(server|packages|dashboard|widget|e2e|bench|chaos|scripts)\//.test(to)) return null;
  const a = placeOf(from);
  const b = placeOf(to);

  if (a.application === 'contract') return b.application === 'contract' ? null : 'the contract imports nothing of ours';
  if (a.application === 'dashboard' || a.application === 'widget') {
    return b.application === a.application || b.application === 'contract'
      ? null
      : `the ${a.application} knows the contract and nothing else of ours`;
  }
  if (a.application !== 'server') return null;
  if (b.application === 'contract') return null;
  if (b.application !== 'server') return 'the server imports only itself and the contract';
  if (isTest(from)) return null;
  if (b.room === 'test') return 'only tests use server/src/test';
  if (b.room === 'main') return 'nothing imports main.ts';
  if (b.room === 'app') return a.room === 'main' ? null : 'only main.ts imports the composition root app.ts';
  if (b.room === 'settings')
    return ['main', 'cli'].includes(a.room) ? null : 'only main.ts and cli.ts read the settings';
  if (isRoot(b)) return isRoot(a) ? null : 'only app.ts imports the list of features';
  if (b.room === 'cli') return 'nothing imports cli.ts';
  if (a.room === 'main')
    return domains.includes(b.room) ? 'main.ts knows app.ts and the platform, app.ts knows the rest' : null;
  if (isRoot(a)) return null;

  if (a.room === 'platform')
    return [...domains, 'placement'].includes(b.room) ? 'the platform imports no domain' : null;
  if (a.room === 'placement') return domains.includes(b.room) ? 'placement imports no domain' : null;
  if (a.room === 'channels' && !['channels', 'platform'].includes(b.room)) {
    return `a channel knows its wire format and the platform: no ${b.room}`;
  }
  if (a.room === 'features' && b.room === 'features') return betweenFeatures(a, b);
  if (a.room === 'features' && b.room === 'db') return tableOfAnother(from, to, names);
  if (a.room === 'db' && domains.includes(b.room)) return 'tables and migrations import no domain';
  return null;
}

/** @typedef {ReturnType<typeof placeOf>} Place */

/**
 * What a feature shows to other features: what it does (commands, queries, changes, facts), what it keeps in memory for them
 * (directory) and what is pure (policy, present, topics). Its routes, processors and helpers are its own.
 */
const publicInterface = ['commands', 'queries', 'changes', 'facts', 'directory', 'policy', 'present', 'topics'];

/** @param {Place} a @param {Place} b */
function betweenFeatures(a, b) {
  if (a.noun === b.noun || a.noun === '' || b.noun === '' || composing.includes(a.noun)) return null;
  return publicInterface.includes(b.name)
    ? null
    : `feature ${a.noun} may not use this file of ${b.noun}, only ${publicInterface.join(', ')}`;
}

/** The name the schema exports a table under. @param {string} table */
export const exportOf = (table) => table.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** @type {Map<string, string> | undefined} */
let known;

/** The table the schema exports under a name → the folder of the feature that names it in `tables`. */
function owners() {
  known ??= new Map([...tableOwners()].map(([table, folder]) => [exportOf(table), folder]));
  return known;
}

/** @param {string} from @param {string} to @param {string[]} names */
function tableOfAnother(from, to, names) {
  if (!to.startsWith('server/src/db/schema/')) return null;
  if (names.includes('*')) return 'name the tables you use, so that it shows whose they are';
  for (const name of names) {
    const folder = owners().get(name);
    if (folder && !from.startsWith(folder))
      return `the table ${name} belongs to ${folder.replace(/^server\/src\/|\/$/g, '')}: call its commands or queries`;
  }
  return null;
}

/** All offences of the repository, as lines to print. */
export async function offences() {
  const { default: ts } = await import('typescript');
  const files = ['server/src', 'packages', 'dashboard/src', 'widget/src'].flatMap((start) =>
    filesBelow(start, (file) => /\.(ts|vue)$/.test(file) && !file.endsWith('.d.ts')),
  );
  return files.flatMap((file) =>
    arrowsOf(ts, file, readFileSync(inRoot(file), 'utf8')).flatMap((arrow) => {
      const reason = offence(arrow);
      return reason ? [`${arrow.from}:${arrow.line} → ${arrow.to}: ${reason}`] : [];
    }),
  );
}

if (process.argv[1] && path.resolve(process.argv[1]) === inRoot('scripts/arrows.mjs')) {
  const found = await offences();
  for (const each of found) console.log(each);
  process.exitCode = found.length > 0 ? 1 : 0;
}
