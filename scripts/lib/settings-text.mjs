/**
 * What the declarations of settings (server/src/platform/config/define.ts) become: `.env.example`, and the table in
 * docs/operations.md.
 */

/**
 * @typedef {{ group: string, description: string, default?: string, unset?: string, example?: string, secret?: true,
 *   more?: string }} Variable
 * @typedef {{ variables: Record<string, Variable> }} Settings
 */

const WIDTH = 118;
const HEAD = `# Parley's settings. Nothing here is needed to start: \`npm start\` runs everything in one process, with its data in ./data.
# Set what you want in the environment of the process; empty means unset.
# A wrong setting stops the start with one line that names the variable and what it takes.
# Written by \`npm run settings\` from where the settings are declared.
`;
export const BEGIN = '<!-- settings, written by npm run settings -->';
export const END = '<!-- end of settings -->';

/**
 * @param {readonly Settings[]} declared
 * @param {Record<string, string>} groups titles, in order
 * @returns {{ title: string, variables: [string, Variable][] }[]}
 */
function grouped(declared, groups) {
  const all = declared.flatMap(({ variables }) => Object.entries(variables));
  return Object.entries(groups).map(([group, title]) => ({
    title,
    variables: all.filter(([, variable]) => variable.group === group),
  }));
}

/** @param {string} text @returns {string[]} comments, no line of which looks like a variable that is set */
function comment(text) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last && last.length + word.length + 1 > WIDTH - 2) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines.map((line) => `# ${line}`);
}

/** @param {readonly Settings[]} declared @param {Record<string, string>} groups */
export function envExample(declared, groups) {
  const parts = grouped(declared, groups).map(({ title, variables }) => {
    const lines = variables.flatMap(([name, { description, unset, ...variable }]) => [
      ...comment(unset ? `${description} Unset: ${unset}.` : description),
      `# ${name}=${variable.example ?? variable.default ?? ''}`,
    ]);
    return [`# ── ${title} `.padEnd(79, '─'), ...lines].join('\n');
  });
  return `${[HEAD.trimEnd(), ...parts].join('\n\n')}\n`;
}

/** @param {string} text */
const cell = (text) => text.replaceAll('|', '\\|');

/** Markdown, not yet formatted. @param {readonly Settings[]} declared @param {Record<string, string>} groups */
export function table(declared, groups) {
  const rows = grouped(declared, groups).flatMap(({ title, variables }) => [
    `| **${title}** | | |`,
    ...variables.map(([name, { description, more, default: usual, unset }]) => {
      const words = more ? `${description} ${more}.` : description;
      return `| \`${name}\` | ${cell(words)} | ${cell(usual === undefined ? (unset ?? 'none') : `\`${usual}\``)} |`;
    }),
  ]);
  return ['| variable | meaning | default |', '| --- | --- | --- |', ...rows].join('\n');
}

/**
 * The page with this table between its markers.
 * @param {string} page @param {string} text
 */
export function withTable(page, text) {
  const [before, rest] = page.split(`${BEGIN}\n`);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/operations.md needs "${BEGIN}" and "${END}"`);
  return `${before}${BEGIN}\n\n${text}\n\n${END}${after}`;
}
