import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anchor,
  deadLinks,
  emitsElsewhere,
  fixedSleeps,
  isWritten,
  length,
  machinePaths,
  switchedOffTests,
} from './text.mjs';

// The samples are put together from parts, so that this file passes the rules it tests.
const slash = '/';

test('paths of one machine are found, paths inside the project are not', () => {
  assert.equal(machinePaths('a.md', `see ${slash}home${slash}ada${slash}parley`).length, 1);
  assert.deepEqual(machinePaths('a.md', 'docs/home/start.md and https://example.com/Users/list'), []);
});

test('switched-off tests are found in test files only', () => {
  const text = `test.${'skip'}('later', () => {});\n// ${'TO'}DO write\nit.${'only'}('x');`;
  assert.equal(switchedOffTests('server/src/a.test.ts', text).length, 3);
  assert.deepEqual(switchedOffTests('server/src/a.ts', text), []);
  assert.deepEqual(switchedOffTests('server/src/a.test.ts', 'const skip = list.skip(3); readOnly.only;'), []);
});

test('fixed waits are found in test files only', () => {
  const timers = "'node:timers/promises';";
  for (const text of [
    `await new ${'Promise'}((resolve) => setTimeout(resolve, 5));`,
    `const wait = (ms) => new ${'Promise'}<void>((done) => {\n  setTimeout(() => done(), ms);\n});`,
    `import { setTimeout as doze } from ${timers}\nawait doze(5);`,
    `import { once, setTimeout } from ${timers}\nawait setTimeout(5);`,
    `import * as timers from ${timers}\nawait timers.setTimeout(5);`,
    `import { scheduler } from ${timers}\nawait scheduler.wait(5);`,
    `await page${'.wait'}ForTimeout(5);`,
    `await new ${'Promise'}((resolve) => setTimeout(resolve, 5)); // so long:`,
  ]) {
    assert.equal(fixedSleeps('server/src/a.test.ts', text).length, 1, text);
    assert.equal(fixedSleeps('e2e/a.e2e.ts', text).length, 1, text);
    assert.deepEqual(fixedSleeps('server/src/test/until.ts', text), []);
  }
});

test('limits, mocked timers and waits with a reason are none', () => {
  for (const text of [
    `await new ${'Promise'}((resolve) => setTimeout(resolve, 5)); // so long: the platform looks every 5 ms`,
    "import { setTimeout as wait } from 'node:timers/promises';\nawait Promise.race([answer(), wait(300)]);",
    "context.mock.timers.enable({ apis: ['setTimeout'] });",
    'setTimeout(() => slow.end(), 200);',
    'await new Promise((resolve) => setImmediate(resolve));',
    "import { setImmediate as turn } from 'node:timers/promises';\nawait turn();",
  ])
    assert.deepEqual(fixedSleeps('server/src/a.test.ts', text), [], text);
});

test('events are emitted by changes.ts alone', () => {
  const text = "live.emit(rooms.workspace(id), 'queue:update', { handoffs });";
  assert.equal(emitsElsewhere('server/src/features/handoffs/commands.ts', text).length, 1);
  assert.equal(emitsElsewhere('server/src/turn/turn.ts', `parts.${text}`).length, 1);
  assert.deepEqual(emitsElsewhere('server/src/features/handoffs/changes.ts', text), []);
  assert.deepEqual(emitsElsewhere('server/src/features/handoffs/handoffs.test.ts', text), []);
  assert.deepEqual(emitsElsewhere('server/src/turn/turn.ts', "socket.emit('session:created', session);"), []);
  assert.deepEqual(emitsElsewhere('server/src/turn/turn.ts', "at.socket.emit('session:created', session);"), []);
  assert.deepEqual(emitsElsewhere('server/src/turn/turn.ts', '/* may\n emit */ emitTyping(x); // live.emit'), []);
});

test('events are emitted by changes.ts alone, by whatever way emit is got at', () => {
  const ways = [
    'const { emit } = live;',
    'const { live: { emit: send } } = kit;',
    'const send = live.emit;',
    'const send = live.emit.bind(live);',
    "live['emit'](room, event);",
    'live?.emit(room, event);',
    'realtime.io.to(room).emit(event);',
    'realtime.io.emit(event);',
    '  .emit(event);',
    'socket.broadcast.emit(event);',
    'socket.to(room).emit(event);',
    'const send = socket.emit;',
    'websocket.emit(event)',
    'await io.in(room).emitWithAck(event);',
    '/* a comment\n over lines */\nnotify(live.emit)',
  ];
  for (const way of ways) assert.equal(emitsElsewhere('server/src/turn/turn.ts', way).length, 1, way);
  assert.match(String(emitsElsewhere('server/src/turn/turn.ts', ways.at(-1) ?? '')), /turn\.ts:3: emits/);
});

test('features wake by changes alone, or say why not', () => {
  const text = 'wake.wake(BOT_CHANGED, botKey(workspaceId, bot.id));';
  const routes = 'server/src/features/bots/routes.ts';
  assert.match(String(emitsElsewhere(routes, `a();\n${text}`)), /routes\.ts:2: wakes outside of changes\.ts/);
  for (const way of [
    `parts.${text}`,
    'const { wake: notify } = wake;',
    'const f = wake.wake;',
    "wake['wake'](TOPIC, id);",
  ])
    assert.equal(emitsElsewhere(routes, way).length, 1, way);
  for (const place of [
    'features/bots/changes.ts',
    'features/bots/topics.ts',
    'features/bots/bots.test.ts',
    'turn/receive.ts',
  ])
    assert.deepEqual(emitsElsewhere(`server/src/${place}`, text), [], place);
  assert.deepEqual(emitsElsewhere(routes, 'wake.on(TOPIC, f); createBotDirectory({ store, wake }); // wake.wake'), []);
  assert.deepEqual(emitsElsewhere(routes, `// Wakes here: of no workspace.\n${text}`), []);
  for (const unsaid of [`// Wakes here:\n${text}`, `// Wakes here: once.\n${text}\n${text}`])
    assert.equal(emitsElsewhere(routes, unsaid).length, 1, unsaid);
});

test('length: silent to 300, a warning to 500, an error above', () => {
  assert.deepEqual(length('a.ts', '\n'.repeat(299)), { warnings: [], errors: [] });
  assert.equal(length('a.ts', '\n'.repeat(300)).warnings.length, 1);
  assert.equal(length('a.ts', '\n'.repeat(500)).errors.length, 1);
  assert.deepEqual(length('a.md', '\n'.repeat(900)), { warnings: [], errors: [] });
});

test('app.ts has a limit of its own, and the line says where the rest belongs', () => {
  assert.deepEqual(length('server/src/app.ts', 'x;\n'.repeat(150)), { warnings: [], errors: [] });
  assert.match(String(length('server/src/app.ts', 'x;\n'.repeat(151)).errors), /150 lines: .*kit\.ts/);
});

test('generated files are nobody’s writing', () => {
  assert.equal(isWritten('package-lock.json'), false);
  assert.equal(isWritten('server/src/channels/telegram/__fixtures__/photo.json'), false);
  assert.equal(isWritten('server/src/app.ts'), true);
});

/** @type {Record<string, string>} */
const files = { 'docs/bots.md': '# Bots\n## When the bot is unsure\n', 'README.md': '# Parley\n' };
/** @param {string} text @param {string} [file] */
const dead = (text, file = 'docs/start.md') => deadLinks(file, text, (name) => files[name] ?? null);

test('dead links and dead anchors are found', () => {
  assert.match(String(dead('see [x](./nothing.md)')), /leads nowhere/);
  assert.match(String(dead('\n[x](bots.md#nothing)')), /docs\/start.md:2: no such heading/);
  assert.match(String(dead('[here](#gone)\n# Here')), /no such heading/);
});

test('live links, outside links and code are left alone', () => {
  assert.deepEqual(
    dead('[x](bots.md) [y](bots.md#when-the-bot-is-unsure) [z](../README.md) [w](https://example.com/a)'),
    [],
  );
  assert.deepEqual(dead('`[x](no.md)`\n```\n[x](no.md)\n```\n'), []);
});

test('an anchor is what GitHub makes of the heading', () => {
  assert.equal(anchor('What does `DATA_DIR` hold?'), 'what-does-data_dir-hold');
});
