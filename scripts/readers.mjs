/** Fields of types that no code reads: an adapter fills them in, and the product does nothing with them. */
import ts from 'typescript';
import { inRoot } from './lib/paths.mjs';

/**
 * Names of the fields declared in `file` of which no file that `reads` reads one, as the compiler finds references.
 * @param {{ files: string[], options: import('typescript').CompilerOptions, file: string, reads: (file: string) => boolean, except?: string[], text?: (file: string) => string | undefined }} of
 * @returns {string[]} `line: field`
 */
export function unreadFields({ files, options, file, reads, except = [], text = ts.sys.readFile }) {
  const service = ts.createLanguageService({
    getScriptFileNames: () => files,
    getScriptVersion: () => '1',
    getScriptSnapshot: (name) => {
      const content = text(name);
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
    },
    getCurrentDirectory: () => inRoot('.'),
    getCompilationSettings: () => options,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (name) => text(name) !== undefined,
    readFile: text,
  });
  const source = service.getProgram()?.getSourceFile(file);
  if (!source) throw new Error(`${file} is not part of the program`);
  /** @type {string[]} */
  const unread = [];
  /** @param {import('typescript').Node} node */
  const visit = (node) => {
    if (ts.isPropertySignature(node) && ts.isIdentifier(node.name)) {
      const found = service.findReferences(file, node.name.getStart(source)) ?? [];
      const isRead = found.some(({ references }) =>
        references.some(
          (reference) => reads(reference.fileName) && (!reference.isWriteAccess || isTaken(service, reference)),
        ),
      );
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      if (!isRead) unread.push(`${line + 1}: ${node.name.text}`);
      // What a field holds goes on as a whole: its own fields have their readers where it ends.
      return;
    }
    if (ts.isTypeAliasDeclaration(node) && except.includes(node.name.text)) return;
    ts.forEachChild(node, visit);
  };
  visit(source);
  return unread;
}

/**
 * `const { field } = event` declares a name, which counts as writing it; it reads the field.
 * @param {import('typescript').LanguageService} service @param {import('typescript').ReferenceEntry} reference
 */
function isTaken(service, { fileName, textSpan }) {
  const source = service.getProgram()?.getSourceFile(fileName);
  /** @param {import('typescript').Node} node @returns {boolean} */
  const inBinding = (node) =>
    ts.isBindingElement(node)
      ? (node.propertyName ?? node.name).getStart(source) === textSpan.start || !!ts.forEachChild(node, inBinding)
      : node.pos <= textSpan.start && textSpan.start < node.end && !!ts.forEachChild(node, inBinding);
  return source !== undefined && inBinding(source);
}

/** What is wrong with the fields of inbound events: every one has a reader outside the channels. @returns {string[]} */
export function unreadInbound() {
  const config = ts.getParsedCommandLineOfConfigFile(
    inRoot('server/tsconfig.json'),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (problem) => {
        throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, ' '));
      },
    },
  );
  if (!config) throw new Error('server/tsconfig.json cannot be read');
  const file = inRoot('server/src/channels/inbound.ts');
  const files = config.fileNames.filter((name) => !name.endsWith('.test.ts'));
  const reads = (/** @type {string} */ name) => !name.includes('/server/src/channels/') && !name.endsWith('.test.ts');
  return unreadFields({ files, options: config.options, file, reads, except: ['MediaReference'] }).map(
    (field) => `server/src/channels/inbound.ts:${field} has no reader outside the channels`,
  );
}
