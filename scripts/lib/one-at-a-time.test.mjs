import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { oneAtATime, StillBusy } from './one-at-a-time.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'parley-one-'));
after(() => rmSync(folder, { recursive: true }));
const module = new URL('./one-at-a-time.mjs', import.meta.url).href;

/** A process that holds the lock until it is killed. */
async function holder() {
  const text = `import { oneAtATime } from ${JSON.stringify(module)};
    await oneAtATime(() => new Promise((resolve) => (console.log('held'), setInterval(() => {}, 1000))), { folder: ${JSON.stringify(folder)} });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

test('several at once take turns', async () => {
  let inside = 0;
  const order = await Promise.all(
    [1, 2, 3, 4].map((number) =>
      oneAtATime(
        async () => {
          assert.equal(++inside, 1);
          await new Promise((resolve) => setImmediate(resolve));
          inside -= 1;
          return number;
        },
        { folder, say: () => undefined },
      ),
    ),
  );
  assert.deepEqual(order, [1, 2, 3, 4]);
});

test('who waits says for whom, gives up with a reason, and goes on at once when the other dies', async () => {
  const child = await holder();
  /** @type {string[]} */
  const said = [];
  const say = (/** @type {string} */ line) => void said.push(line);
  await assert.rejects(
    oneAtATime(async () => 'never', { folder, patienceMs: 300, say }),
    (error) => error instanceof StillBusy && error.message.includes(String(child.pid)),
  );
  assert.deepEqual(said, [`Another process (${child.pid}) is setting this checkout up; waiting for it…`]);
  const waiting = Promise.all([1, 2].map(() => oneAtATime(async () => 'mine', { folder, say })));
  child.kill('SIGKILL');
  assert.deepEqual(await waiting, ['mine', 'mine']);
});
