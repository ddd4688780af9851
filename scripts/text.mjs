/**
 * What no tracked file may hold: paths of the machine it was written on, tests that are switched off or sleep, dead links,
 * files too long to read. Each rule is a function from a file to the lines to print.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { inRoot, root } from './lib/paths.mjs';

/** Files git knows or would take: no build output, nothing ignored. */
export function trackedFiles() {
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  return list.split('\0').filter((file) => file && existsSync(inRoot(file)) && statSync(inRoot(file)).isFile());
}

const written = /\.(ts|mts|mjs|js|vue|css|html|md|json|ya?ml|sql|sh|toml)$|^\.ci\/run$|^\.env\.example$/;
/** Made by tools; nobody reads or writes them line by line. */
const generated = /(^|\/)package-lock\.json$|\.generated\.[a-z]+$|\/__fixtures__\/|\/fixtures\//;

/** @param {string} file */
export const isWritten = (file) => written.test(file) && !generated.test(file);

/** @param {string} text @param {RegExp} pattern @param {string} file @param {string} reason */
const linesMatching = (text, pattern, file, reason) =>
  text.split('\n').flatMap((line, index) => {
    const found = pattern.exec(line);
    return found ? [`${file}:${index + 1}: ${reason}: ${found[0]}`] : [];
  });

/** Somebody's home folder: what works on one machine alone. The two names are put together so that this file passes. */
const homeFolder = new RegExp(`(?<![\\w.])/(?:${'ho'}me|${'Us'}ers)/\\w+/`);

/** Paths of the machine a file was written on. @param {string} file @param {string} text */
export const machinePaths = (file, text) => linesMatching(text, homeFolder, file, 'a path of one machine');

const isTestFile = /\.(test|spec|e2e)\.(ts|mjs)$/;

/** Where what a commit changed becomes events, and the machinery below it. */
const mayEmit = /^server\/src\/(?:platform\/|test\/|features\/[\w-]+\/changes\.ts$)/;

/**
 * `emit` by whatever way it is got at: called, taken, in brackets, or out of an object. Only `socket.emit(…)`, the answer to the one
 * who asks, is anybody's.
 */
const emits = new RegExp(
  [
    /(?<!\bsocket)\.emit(?:WithAck)?\b/,
    /\.emit(?:WithAck)?\b(?!\()/,
    /\[\s*['"`]emit(?:WithAck)?['"`]\s*\]/,
    /(?:^|[{,])\s*emit(?:WithAck)?\s*(?:[,:}]|$)/,
  ]
    .map(({ source }) => source)
    .join('|'),
);

/** Whoever wakes for a feature. The path of a message (`turn/`) wakes itself. */
const mayWake = /^server\/src\/(?!features\/)|^server\/src\/features\/[\w-]+\/(?:changes|topics)\.ts$/;

/** By whatever way it is got at; the line above may say why it stays: `// Wakes here: <why>`. */
const wakes = /\bwake(?:\?|!)?\.wake\b|\bwake\s*\[|\{[^{}]*\bwake\b[^{}]*\}\s*=\s*(?:\w+\.)*wake\b/;
const saysWhyItWakes = /\/\/ Wakes here: \S[^\n]*\n[^\n]*/g;

/** @param {string} text */
const withoutComments = (text) =>
  text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, '')).replace(/(?<!:)\/\/[^\n]*/g, '');

/**
 * One place tells the world, by events and by wakes: other files return changes, which are published.
 * @param {string} file @param {string} text
 */
export function emitsElsewhere(file, text) {
  if (!file.startsWith('server/src/') || isTestFile.test(file)) return [];
  return [
    ...(mayEmit.test(file) ? [] : linesMatching(withoutComments(text), emits, file, 'emits outside of changes.ts')),
    ...(mayWake.test(file)
      ? []
      : linesMatching(withoutComments(text.replace(saysWhyItWakes, '\n')), wakes, file, 'wakes outside of changes.ts')),
  ];
}

/** Tests that are switched off, and promises to write one. @param {string} file @param {string} text */
export function switchedOffTests(file, text) {
  if (!isTestFile.test(file)) return [];
  const pattern = new RegExp(
    `\\b(?:it|test|describe|suite|t)\\.(?:${'on'}ly|${'sk'}ip|${'to'}do)\\b|\\b(?:${'TO'}DO|${'FIX'}ME)\\b`,
  );
  return linesMatching(text, pattern, file, 'a test that is switched off or promised');
}

/** Files that are to stay short for a reason of their own: the most lines, and where what is more belongs. @type {Record<string, { most: number, instead: string }>} */
const short = {
  'server/src/app.ts': {
    most: 150,
    instead: 'it walks the features and names none: the rest belongs to a feature or to kit.ts',
  },
};

const promiseOfTimeout =
  /new Promise(?:<[^>]*>)?\(\s*(?:async\s*)?\(?\s*(\w+)[^)=]*\)?\s*=>\s*\{?\s*(?:void |return |const \w+ = )?setTimeout\(\s*(?:\1\b|\(\)\s*=>\s*\{?\s*\1\()/g;
const importsTimers = /import\s*(\{[^}]*\}|\* as \w+|\w+)\s*from\s*['"](?:node:)?timers\/promises['"]/g;

/** What a text calls the waiting functions of node:timers/promises. @param {string} text */
const namesOfSleep = (text) =>
  [...text.matchAll(importsTimers)].flatMap(([, names = '']) => {
    if (!names.startsWith('{')) return [`${names.replace('* as ', '')}\\.(?:setTimeout|scheduler\\.wait)`];
    return names
      .slice(1, -1)
      .split(',')
      .flatMap((name) => {
        const [imported = '', own = imported] = name.trim().split(/\s+as\s+/);
        return imported === 'setTimeout' ? [own] : imported === 'scheduler' ? [`${own}\\.wait`] : [];
      });
  });

/**
 * Waits of a fixed time in tests: too long on every machine but the slowest, and too short on that one. `until` waits for what is to
 * happen, `stays` looks at what must not, a mocked clock passes at once. What has to wait says so at the end of its line,
 * `// so long: <why>`. A limit in a Promise.race is no wait. @param {string} file @param {string} text
 */
export function fixedSleeps(file, text) {
  if (!isTestFile.test(file)) return [];
  const lines = text.split('\n');
  const calls = namesOfSleep(text).map((name) => new RegExp(`(?<![\\w.])${name}(?:<[^>]*>)?\\(`, 'g'));
  const found = [promiseOfTimeout, ...calls, /\.waitForTimeout\(/g].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ 0: call, index }) => ({
      line: text.slice(0, index).split('\n').length,
      call: call.replace(/\s+/g, ' '),
      isLimit: /Promise\.race\(\[[^;]*$/.test(text.slice(Math.max(0, index - 300), index)),
    })),
  );
  return found
    .filter(({ line, isLimit }) => !isLimit && !/\/\/ so long: \S/.test(lines[line - 1] ?? ''))
    .map(({ line, call }) => `${file}:${line}: a fixed wait in a test: ${call}`);
}

/** @param {string} file @param {string} text @returns {{ warnings: string[], errors: string[] }} */
export function length(file, text) {
  const lines = text.split('\n').length;
  const own = short[file];
  if (own && text.trimEnd().split('\n').length > own.most)
    return { warnings: [], errors: [`${file}: more than ${own.most} lines: ${own.instead}`] };
  // SQL is left out: a migration is one step and is never edited again, so splitting it later is no choice.
  const isCode = /\.(ts|mjs|vue|css)$/.test(file);
  if (!isCode || lines <= 300) return { warnings: [], errors: [] };
  const message = `${file}: ${lines} lines (think at 300, split at 500)`;
  return lines > 500 ? { warnings: [], errors: [message] } : { warnings: [message], errors: [] };
}

/** GitHub's anchor of a heading. @param {string} heading */
export const anchor = (heading) =>
  heading
    .replace(/`|\*|\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

/** @param {string} text */
const withoutCode = (text) =>
  text.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, '')).replace(/`[^`\n]*`/g, '');

/**
 * Relative links and anchors of a Markdown file that lead nowhere.
 * @param {string} file @param {string} text @param {(file: string) => string | null} read contents of a file, null when absent
 */
export function deadLinks(file, text, read) {
  if (!file.endsWith('.md')) return [];
  const bare = withoutCode(text);
  return [...bare.matchAll(/\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)].flatMap((match) => {
    const target = match[1] ?? '';
    if (/^[a-z][a-z0-9+.-]*:/i.test(target) || target.startsWith('/')) return [];
    const line = bare.slice(0, match.index).split('\n').length;
    const [place = '', fragment] = target.split('#');
    const linked = place === '' ? file : path.posix.join(path.posix.dirname(file), decodeURIComponent(place));
    const content = place === '' ? text : read(linked);
    if (content === null) return [`${file}:${line}: leads nowhere: ${target}`];
    if (!fragment || !linked.endsWith('.md')) return [];
    const anchors = [...content.matchAll(/^#{1,6}\s+(.+)$/gm)].map((heading) => anchor(heading[1] ?? ''));
    return anchors.includes(fragment) ? [] : [`${file}:${line}: no such heading: ${target}`];
  });
}

/** @param {string} file */
export function readOrNull(file) {
  if (!existsSync(inRoot(file))) return null;
  return statSync(inRoot(file)).isFile() ? readFileSync(inRoot(file), 'utf8') : '';
}
