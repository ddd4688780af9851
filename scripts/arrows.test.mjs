import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import ts from 'typescript';
import { arrowsOf, exportOf, offence } from './arrows.mjs';
import { filesBelow } from './lib/files.mjs';
import { inRoot } from './lib/paths.mjs';
import { tableOwners } from './tables.mjs';

/** @param {string} from @param {string} text */
const reasons = (from, text) => arrowsOf(ts, from, text).map((arrow) => offence(arrow));

const refused = {
  'a front end imports the server': [
    'dashboard/src/api/bots.ts',
    '../../../server/src/features/bots/routes.ts',
    /contract and nothing else/,
  ],
  'the widget imports the dashboard': [
    'widget/src/chat.ts',
    '../../dashboard/src/ui/button.ts',
    /contract and nothing else/,
  ],
  'the contract imports the server': [
    'packages/contract/src/api.ts',
    '../../../server/src/platform/data/ids.ts',
    /nothing of ours/,
  ],
  'the platform imports a domain': ['server/src/platform/http/server.ts', '../../features/bots/routes.ts', /no domain/],
  'a channel imports a feature': [
    'server/src/channels/telegram/parse.ts',
    '../../features/contacts/queries.ts',
    /no features/,
  ],
  'a channel imports the tables': ['server/src/channels/web/send.ts', '../../db/schema/messages.ts', /no db/],
  'a feature imports another feature’s routes': [
    'server/src/features/bots/routes.ts',
    '../inboxes/routes.ts',
    /may not use this file/,
  ],
  'a room reaches up to the composition root': ['server/src/turn/turn.ts', '../app.ts', /composition root/],
  'a feature takes from the list of features': [
    'server/src/features/bots/routes.ts',
    '../index.ts',
    /list of features/,
  ],
  'a feature reads the settings of all': [
    'server/src/features/bots/feature.ts',
    '../../settings.ts',
    /main.ts and cli.ts/,
  ],
  'somebody imports main': ['server/src/app.ts', './main.ts', /nothing imports main/],
  'main composes by itself': ['server/src/main.ts', './features/bots/routes.ts', /app.ts knows the rest/],
  'the product uses test tools': ['server/src/turn/turn.ts', '../test/factories.ts', /only tests/],
};

for (const [what, [from, to, reason]] of Object.entries(refused)) {
  test(`refused: ${what}`, () => {
    const [found, ...others] = reasons(String(from), `import { thing } from '${String(to)}';`);
    assert.equal(others.length, 0);
    assert.match(String(found), new RegExp(reason ?? /no reason given/));
  });
}

test('refused in every way an import can be written', () => {
  const found = reasons(
    'server/src/platform/jobs/jobs.ts',
    [
      `import type { Bot } from '../../features/bots/present.ts';`,
      `export { ask } from '../../ai/answer.ts';`,
      `export * from '../../knowledge/index.ts';`,
      `const late = await import('../../turn/turn.ts');`,
      `type Hit = import('../../knowledge/search.ts').Hit;`,
    ].join('\n'),
  );
  assert.deepEqual(found, Array(5).fill('the platform imports no domain'));
});

test('refused inside both scripts of a Vue file, with the line of the file', () => {
  const text = `<template><p/></template>\n<script lang="ts">\nimport '../../server/src/app.ts';\n</script>\n<script setup lang="ts">\nimport { a } from '@/api/client.ts';\nimport { b } from '../../server/src/app.ts';\n</script>\n`;
  const arrows = arrowsOf(ts, 'dashboard/src/App.vue', text);
  assert.deepEqual(
    arrows.map((arrow) => [arrow.line, arrow.to, offence(arrow) === null]),
    [
      [3, 'server/src/app.ts', false],
      [6, 'dashboard/src/api/client.ts', true],
      [7, 'server/src/app.ts', false],
    ],
  );
});

const allowed = {
  'a front end imports the contract': ['widget/src/chat.ts', '@parley/contract'],
  'a feature shows another’s row as that feature does': [
    'server/src/features/contacts/queries.ts',
    '../messages/present.ts',
  ],
  'a feature calls another feature’s commands': [
    'server/src/features/handoffs/commands.ts',
    '../conversations/commands.ts',
  ],
  'the composition root knows everybody': ['server/src/app.ts', './channels/telegram/index.ts'],
  'the list of features does too': ['server/src/features/index.ts', '../turn/feature.ts'],
  'main knows the composition root': ['server/src/main.ts', './app.ts'],
  'main reads the settings': ['server/src/main.ts', './settings.ts'],
  'what is set is put together of the features': ['server/src/settings.ts', './features/index.ts'],
  'a test uses the whole application': ['server/src/features/bots/bots.test.ts', '../../test/app.ts'],
  'a channel uses the platform': ['server/src/channels/telegram/parse.ts', '../../platform/errors.ts'],
  'a package is nobody’s room': ['server/src/platform/http/server.ts', 'fastify'],
};

for (const [what, [from, to]] of Object.entries(allowed)) {
  test(`allowed: ${what}`, () => {
    assert.deepEqual(reasons(String(from), `import { thing } from '${String(to)}';`), [null]);
  });
}

test('a feature takes its own tables by name and nobody else’s', () => {
  const from = 'server/src/features/bots/queries.ts';
  assert.match(
    String(reasons(from, `import { bots, contacts as people } from '../../db/schema/index.ts';`)),
    /contacts belongs to features\/contacts/,
  );
  assert.match(String(reasons(from, `import * as tables from '../../db/schema/index.ts';`)), /name the tables/);
  assert.deepEqual(reasons(from, `import { bots, botKnowledgeBases } from '../../db/schema/index.ts';`), [null]);
});

test('a feature takes no table of the message path or of the platform', () => {
  const from = 'server/src/features/bots/queries.ts';
  const reasonOf = (/** @type {string} */ table) =>
    String(reasons(from, `import { ${table} } from '../../db/schema/index.ts';`));
  assert.match(reasonOf('deliveries'), /deliveries belongs to turn/);
  assert.match(reasonOf('outbox'), /outbox belongs to platform/);
});

test('the schema exports every table under the name its owner is found by', () => {
  const owners = tableOwners();
  const exported = filesBelow('server/src/db/schema').flatMap((file) => [
    ...readFileSync(inRoot(file), 'utf8').matchAll(/export const (\w+) = pgTable\(\s*'(\w+)'/g),
  ]);
  assert.ok(exported.length > 20);
  for (const [, name, table = ''] of exported) {
    assert.equal(exportOf(table), name);
    assert.ok(owners.has(table), `${table} has an owner`);
  }
});

test('an import inside a comment or a string is no import', () => {
  assert.deepEqual(
    reasons('server/src/platform/telemetry/log.ts', `// import '../app.ts'\nconst text = "import '../app.ts'";`),
    [],
  );
});
