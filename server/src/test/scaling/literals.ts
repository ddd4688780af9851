import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

export type FoundExpression = { file: string; line: number; source: string; flags: string };
export type FoundExpressions = {
  literals: FoundExpression[];
  /** where one is put together at run time */
  made: { file: string; line: number }[];
};

const isSource = (name: string): boolean => /\.(ts|vue)$/.test(name) && !/\.(test|spec|d)\.ts$/.test(name);

/** A Vue file's program: what its script elements hold, on the lines they are on. */
const scriptOf = (text: string): string => {
  const scripts = [...text.matchAll(/<script[^>]*>([^]*?)<\/script>/g)];
  return (
    scripts.map(([whole, program = ''], at) => {
      const start = (scripts[at]?.index ?? 0) + whole.indexOf(program);
      return '\n'.repeat(text.slice(0, start).split('\n').length - 1) + program;
    })[0] ?? ''
  );
};

/** Every regular expression below these folders, as the compiler sees it. */
export function findExpressions(folders: string[], leaveOut: RegExp): FoundExpressions {
  const found: FoundExpressions = { literals: [], made: [] };
  for (const folder of folders)
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !isSource(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      const file = relative(root, path);
      if (leaveOut.test(file)) continue;
      const text = readFileSync(path, 'utf8');
      const program = extname(path) === '.vue' ? scriptOf(text) : text;
      const parsed = ts.createSourceFile(path, program, ts.ScriptTarget.Latest, true);
      const visit = (node: ts.Node): void => {
        const line = parsed.getLineAndCharacterOfPosition(node.getStart(parsed)).line + 1;
        if (ts.isRegularExpressionLiteral(node)) {
          const end = node.text.lastIndexOf('/');
          found.literals.push({ file, line, source: node.text.slice(1, end), flags: node.text.slice(end + 1) });
        } else if (
          (ts.isNewExpression(node) || ts.isCallExpression(node)) &&
          node.expression.getText(parsed) === 'RegExp'
        )
          found.made.push({ file, line });
        ts.forEachChild(node, visit);
      };
      visit(parsed);
    }
  return found;
}
