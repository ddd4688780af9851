import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Ask, Bot, KnowledgeBase, Trace } from '@parley/contract';
import { newId } from '../../platform/data/ids.ts';
import { startContentApp, until } from '../../test/content-app.ts';
import type { ContentApp, Person } from '../../test/content-app.ts';
import type { TraceRecord } from '../../db/schema/index.ts';
import { recordTrace } from './commands.ts';

type Failed = { success: false; error: { code: string; message: string; details?: { field: string }[] } };
type Found<T> = { success: true; data: T; meta: { total: number; nextCursor: string | null } };

let app: ContentApp;
let owner: Person;
let outsider: Person;
let agent: Person;

before(async () => {
  app = await startContentApp();
  owner = await app.workspace();
  outsider = await app.workspace();
  agent = { ...owner, role: 'agent' };
});
after(() => app.close());

const newBot = async (who: Person, input: object = {}): Promise<Bot> => {
  const answer = await app.send<Found<Bot>>(who, 'POST', '/bots', { name: 'Robin', ...input });
  assert.equal(answer.status, 201);
  return answer.body.data;
};
const newBase = async (who: Person): Promise<string> => {
  const answer = await app.send<Found<KnowledgeBase>>(who, 'POST', '/knowledge-bases', { name: 'Help' });
  return answer.body.data.id;
};
const record: TraceRecord = {
  model: 'builtin/extractive',
  terms: ['invoice'],
  passages: [],
  prompt: 'p',
  verdict: 'YES',
  confidence: 0.8,
  outcome: 'answered',
  answer: 'Yes.',
  usage: { inputTokens: 1, outputTokens: 2 },
  timings: { terms: 1, retrieval: 2, model: 3, total: 6 },
  error: null,
};

describe('what is refused', () => {
  it('a bot of another workspace is not there, whatever is done to it', async () => {
    const bot = await newBot(owner);
    for (const [method, path, body] of [
      ['GET', `/bots/${bot.id}`],
      ['PATCH', `/bots/${bot.id}`, { name: 'Mine' }],
      ['DELETE', `/bots/${bot.id}`],
      ['POST', `/bots/${bot.id}/ask`, { question: 'Hi?' }],
      ['GET', `/bots/${bot.id}/traces`],
    ] as const) {
      assert.equal((await app.send(outsider, method, path, body)).status, 404, `${method} ${path}`);
    }
    assert.equal((await app.send<Found<Bot>>(owner, 'GET', `/bots/${bot.id}`)).body.data.name, 'Robin');
    assert.equal(app.asked.length, 0);
    assert.equal(await app.bots.byId(outsider.workspaceId, bot.id), null);
  });

  it('a trace of another workspace is not there (attack 4)', async () => {
    const bot = await newBot(owner);
    const { workspaceId } = owner;
    const id = await app.store.inWorkspace(workspaceId, (tx) =>
      recordTrace(tx, { workspaceId, botId: bot.id, question: 'Where is my invoice?', record }),
    );
    assert.equal((await app.send(outsider, 'GET', `/traces/${id}`)).status, 404);
    assert.equal((await app.send(owner, 'GET', `/traces/${id}`)).status, 200);
  });

  it('knowledge of another workspace cannot be given to a bot, new or old', async () => {
    const foreign = await newBase(outsider);
    const own = await newBase(owner);
    const made = await app.send(owner, 'POST', '/bots', { name: 'Thief', knowledgeBaseIds: [own, foreign] });
    assert.equal(made.status, 404);
    const bot = await newBot(owner, { knowledgeBaseIds: [own] });
    assert.equal((await app.send(owner, 'PATCH', `/bots/${bot.id}`, { knowledgeBaseIds: [foreign] })).status, 404);
    const after = await app.send<Found<Bot>>(owner, 'GET', `/bots/${bot.id}`);
    assert.deepEqual(after.body.data.knowledgeBaseIds, [own]);
    const all = await app.send<Found<Bot[]>>(owner, 'GET', '/bots?limit=100');
    assert.ok(!all.body.data.some(({ name }) => name === 'Thief'));
  });

  it('agents may look and ask, not change', async () => {
    const bot = await newBot(owner);
    assert.equal((await app.send(agent, 'POST', '/bots', { name: 'X' })).status, 403);
    assert.equal((await app.send(agent, 'PATCH', `/bots/${bot.id}`, { name: 'X' })).status, 403);
    assert.equal((await app.send(agent, 'DELETE', `/bots/${bot.id}`)).status, 403);
    assert.equal((await app.send(agent, 'GET', `/bots/${bot.id}`)).status, 200);
    assert.equal((await app.send(agent, 'POST', `/bots/${bot.id}/ask`, { question: 'Hi?' })).status, 200);
  });

  it('fields that are not a bot’s are named and refused (attack 2)', async () => {
    const bot = await newBot(owner);
    const body = { name: 'X', workspaceId: outsider.workspaceId, createdAt: '2020-01-01T00:00:00Z' };
    const answer = await app.send<Failed>(owner, 'PATCH', `/bots/${bot.id}`, body);
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.body.error.details?.map(({ field }) => field).sort(), ['createdAt', 'workspaceId']);
    for (const wrong of [
      { model: 'acme/x' },
      { temperature: 3 },
      { handoffThreshold: -1 },
      { knowledgeBaseIds: ['x'] },
    ]) {
      assert.equal((await app.send(owner, 'PATCH', `/bots/${bot.id}`, wrong)).status, 400, JSON.stringify(wrong));
    }
  });

  it('a cursor nobody gave', async () => {
    const bot = await newBot(owner);
    assert.equal((await app.send(owner, 'GET', `/bots/${bot.id}/traces?cursor=zzz`)).status, 400);
  });
});

describe('a bot', () => {
  it('is made with defaults, changed in part, and read by the path of a message at once', async () => {
    const bot = await newBot(owner);
    assert.equal(bot.model, 'builtin/extractive');
    assert.equal(bot.temperature, 0.2);
    assert.equal((await app.bots.byId(owner.workspaceId, bot.id))?.name, 'Robin');
    const changed = await app.send<Found<Bot>>(owner, 'PATCH', `/bots/${bot.id}`, { name: 'Wren', temperature: 0.7 });
    assert.equal(changed.body.data.temperature, 0.7);
    assert.equal(changed.body.data.greeting, bot.greeting);
    await until(async () => (await app.bots.byId(owner.workspaceId, bot.id))?.name === 'Wren');
  });

  it('reads several knowledge bases, each once, and loses one that is deleted', async () => {
    const [one, two] = [await newBase(owner), await newBase(owner)];
    const bot = await newBot(owner, { knowledgeBaseIds: [one, two, one] });
    assert.deepEqual(bot.knowledgeBaseIds, [one, two].sort());
    assert.deepEqual((await app.bots.byId(owner.workspaceId, bot.id))?.knowledgeBaseIds.length, 2);
    assert.equal((await app.send(owner, 'DELETE', `/knowledge-bases/${one}`)).status, 200);
    await until(async () => (await app.bots.byId(owner.workspaceId, bot.id))?.knowledgeBaseIds.length === 1);
    const gone = await app.send(owner, 'PATCH', `/bots/${bot.id}`, { knowledgeBaseIds: [one] });
    assert.equal(gone.status, 404);
  });

  it('is gone after deletion, from its inboxes too', async () => {
    const bot = await newBot(owner);
    const inbox = await app.send<Found<{ id: string; token: string }>>(owner, 'POST', '/inboxes', {
      name: 'Site',
      channel: 'web',
      botId: bot.id,
    });
    assert.equal((await app.inboxes.byToken(inbox.body.data.token))?.botId, bot.id);
    assert.equal((await app.send(owner, 'DELETE', `/bots/${bot.id}`)).status, 200);
    assert.equal((await app.send(owner, 'DELETE', `/bots/${bot.id}`)).status, 404);
    await until(async () => (await app.bots.byId(owner.workspaceId, bot.id)) === null);
    await until(async () => (await app.inboxes.byToken(inbox.body.data.token))?.botId === null);
  });

  it('answers in the playground with its own settings', async () => {
    const bot = await newBot(owner, { systemPrompt: 'Be brief.' });
    const history = [{ role: 'customer', text: 'Hello' }];
    const answer = await app.send<Found<Ask>>(owner, 'POST', `/bots/${bot.id}/ask`, { question: 'Why?', history });
    assert.equal(answer.body.data.answer, 'Yes.');
    assert.equal(app.asked.at(-1)?.bot.systemPrompt, 'Be brief.');
    const state = { misses: 0, waiting: false };
    assert.deepEqual(app.asked.at(-1)?.input, { question: 'Why?', history, state });
    assert.equal(app.asked.at(-1)?.workspaceId, owner.workspaceId);
  });

  it('shows its traces newest first, page by page; one kept twice is one', async () => {
    const bot = await newBot(owner);
    const { workspaceId } = owner;
    const ids = [newId(), newId(), newId()];
    await app.store.inWorkspace(workspaceId, async (tx) => {
      for (const id of [...ids, ...ids])
        await recordTrace(tx, { id, workspaceId, botId: bot.id, question: id, record });
    });
    const first = await app.send<Found<Trace[]>>(owner, 'GET', `/bots/${bot.id}/traces?limit=2`);
    assert.deepEqual(
      first.body.data.map(({ question }) => question),
      [ids[2], ids[1]],
    );
    const rest = await app.send<Found<Trace[]>>(
      owner,
      'GET',
      `/bots/${bot.id}/traces?limit=2&cursor=${first.body.meta.nextCursor}`,
    );
    assert.deepEqual(
      rest.body.data.map(({ id }) => id),
      [ids[0]],
    );
    assert.equal(rest.body.meta.nextCursor, null);
    assert.deepEqual(rest.body.data[0]?.terms, ['invoice']);
  });
});
