const MAX_LENGTH = 200;

/** A file's name as people may see it: no folders, no control characters, nothing that turns the direction of writing. */
export function cleanName(name: string): string {
  const last = name.toWellFormed().split(/[\\/]/).at(-1) ?? '';
  const plain = last.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').trim();
  if (!/[^.\s]/.test(plain)) return 'file';
  if (plain.length <= MAX_LENGTH) return plain;
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(plain)?.[0] ?? '';
  return plain.slice(0, MAX_LENGTH - extension.length).toWellFormed() + extension;
}

/** RFC 6266: saved, never shown. Old clients read the ASCII form, all others the encoded one. */
export function attachmentHeader(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
