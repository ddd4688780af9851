import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { channels, describeChannel } from './registry.ts';

const page = readFileSync(new URL('../../../docs/channels/README.md', import.meta.url), 'utf8');
const cells = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map(cells);

test('the table of channels says what the channels say of themselves', () => {
  for (const channel of Object.values(channels)) {
    const { title, fields, capabilities } = describeChannel(channel);
    const wanted = fields.map(({ name, required }) => (required ? `\`${name}\`` : `\`${name}\`?`)).join(', ') || 'none';
    const { receipts, window, templates, textLength } = capabilities;
    const row = rows.find(([first]) => first?.startsWith(`[${title}]`));
    assert.deepEqual(
      row?.slice(1),
      [
        wanted,
        capabilities.intake,
        receipts,
        window ? `${window.hours} h${templates ? ', then templates' : ''}` : 'none',
        String(textLength),
      ],
      title,
    );
  }
});
