import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { compress } from './fronts.mjs';

test('a build gets smaller forms of what is worth it, and keeps none of an older one', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-fronts-'));
  const at = (/** @type {string} */ name) => path.join(folder, name);
  mkdirSync(at('assets'));
  const text = 'export const word = "again";\n'.repeat(100);
  writeFileSync(at('assets/index-1.js'), text);
  writeFileSync(at('assets/small-1.js'), '1');
  writeFileSync(at('assets/picture-1.png'), text);
  writeFileSync(at('assets/gone-0.js.br'), 'old');
  await compress(folder);
  assert.equal(brotliDecompressSync(readFileSync(at('assets/index-1.js.br'))).toString(), text);
  assert.equal(gunzipSync(readFileSync(at('assets/index-1.js.gz'))).toString(), text);
  for (const name of ['assets/small-1.js.br', 'assets/picture-1.png.br', 'assets/gone-0.js.br'])
    assert.ok(!existsSync(at(name)), name);
  rmSync(folder, { recursive: true });
});
