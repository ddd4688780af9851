/**
 * `npm run bench -- attack`: what one stranger can do to everybody. While each attack runs, a visitor of another workspace
 * asks a question and a program makes a REST call, again and again; the slowest of each counts, and the memory left behind.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Bot, Inbox, KnowledgeBase } from '@parley/contract';
import { startOpenAiDouble } from '../server/src/test/doubles/openai.ts';
import { filled, hostilePatterns } from '../server/src/test/scaling/scaling.ts';
import { replySteps, visit } from '../server/src/test/talk.ts';
import { residentMb } from './lib/process-memory.ts';
import { startProduct } from './lib/product.ts';
import { openProfile } from './lib/profile.ts';
import { openReport, some } from './lib/report.ts';

const MEGABYTE = 1024 * 1024;
const LONGEST_MS = 120_000;

const profile = await openProfile();
const report = openReport(profile);
const model = await startOpenAiDouble();
const product = await startProduct(profile, ['api,worker'], { OPENAI_BASE_URL: model.url });
const { url } = product;
const pid = product.processes[0]?.pid ?? 0;
const rows: string[][] = [];

/** As the owner of a second workspace: the attackers' own. */
async function openTheirs() {
  const headers = { 'content-type': 'application/json' };
  const made = await product.call<{ id: string }>('POST', '/workspaces', { name: 'Strangers' });
  const { accessToken } = await product.call<{ accessToken: string }>('POST', '/auth/switch', { workspaceId: made.id });
  return async <T>(method: string, path: string, body: unknown): Promise<T> => {
    const isForm = body instanceof FormData;
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${accessToken}`, ...(isForm ? {} : headers) },
      body: isForm ? body : JSON.stringify(body),
    });
    return ((await response.json()) as { data: T }).data;
  };
}

const refused = (): void => undefined;
const post = (path: string, body: string): Promise<unknown> =>
  fetch(`${url}/api/v1${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    .then((response) => response.arrayBuffer())
    .catch(refused);

async function ask(inbox: Inbox): Promise<number> {
  const visitor = await visit(url, inbox);
  try {
    const started = performance.now();
    const answer = visitor.socket.wait('message:received', (message) => message.author.type === 'bot');
    await visitor.say('Is somebody there?');
    await answer;
    return performance.now() - started;
  } finally {
    visitor.socket.close();
  }
}

async function restCall(): Promise<number> {
  const started = performance.now();
  await product.call('GET', '/conversations?limit=5');
  return performance.now() - started;
}

/** Again and again until `over`; the slowest. What failed counts as the longest. */
async function slowest(over: () => boolean, once: () => Promise<number>): Promise<number> {
  let most = 0;
  do {
    most = Math.max(most, await once().catch(() => LONGEST_MS));
    // Slower than the limit of new conversations from one address, which all of this machine share.
    await pause(1_500);
  } while (!over());
  return most;
}

try {
  const theirs = await openTheirs();
  const inbox = await product.webInbox();
  const bot = await theirs<Bot>('POST', '/bots', { name: 'Long', model: 'openai/long' });
  const theirInbox = await theirs<Inbox>('POST', '/inboxes', { name: 'Web', channel: 'web', botId: bot.id });
  const base = await theirs<KnowledgeBase>('POST', '/knowledge-bases', { name: 'Theirs' });
  const lines = 'a\n'.repeat(some(200_000));
  model.otherwise({ kind: 'answer', steps: replySteps('YES', [lines]) });
  const keys = JSON.stringify(
    Object.fromEntries(Array.from({ length: some(7 * MEGABYTE) / 14 }, (_, key) => [`k${String(key).padStart(7)}`, 1])),
  );
  const document = [...Object.values(hostilePatterns)].map((piece) => filled(piece, some(200_000))).join('\n\n');

  const attacks: [name: string, run: () => Promise<unknown>][] = [
    [
      'ten hostile messages of 99,000 characters',
      async () => {
        const stranger = await visit(url, inbox);
        for (const piece of ['_a', 'a_', '~/', './', '<!--', '1.', 'a@', '-1e', '&#x', 'a-'])
          await stranger.say(filled(piece, 99_000), `hostile ${piece}`).catch(refused);
        stranger.socket.close();
      },
    ],
    ['7 MB of JSON keys, three at once', () => Promise.all([1, 2, 3].map(() => post('/auth/login', keys)))],
    [
      'a reply of 200,000 lines',
      async () => {
        const reader = await visit(url, theirInbox);
        await reader.say('Tell me everything').catch(refused);
        await pause(some(15_000));
        reader.socket.close();
      },
    ],
    [
      'a hostile document of another workspace',
      async () => {
        const form = new FormData();
        form.append('file', new Blob([document], { type: 'text/markdown' }), 'hostile.md');
        await theirs('POST', `/knowledge-bases/${base.id}/documents`, form).catch(refused);
        await pause(some(15_000));
      },
    ],
    [
      'guesses at a login, twenty at once',
      async () => {
        const guess = (n: number) =>
          post('/auth/login', JSON.stringify({ email: 'bench@parley.test', password: `guess ${n}` }));
        for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 20 }, (_, n) => guess(n)));
      },
    ],
  ];

  // Who knows the way is not timed: connections, plans and models are made at the first question.
  for (let warm = 0; warm < 3; warm++) await ask(inbox).catch(refused);
  report.figure('nobody attacks: a question', await ask(inbox), 'ms');
  for (const [name, run] of attacks) {
    const before = residentMb(pid);
    let over = false;
    const attack = Promise.race([run(), pause(LONGEST_MS, undefined, { ref: false })]).finally(() => (over = true));
    const [question, call] = await Promise.all([
      slowest(
        () => over,
        () => ask(inbox),
      ),
      slowest(() => over, restCall),
      attack,
    ]);
    await pause(some(10_000));
    const left = residentMb(pid) - before;
    report.figure(`${name}: a neighbour’s question at most`, question, 'ms', { bar: { atMost: 3_000 } });
    report.figure(`${name}: a REST call at most`, call, 'ms', { bar: { atMost: 1_000 } });
    report.figure(`${name}: memory after − before`, left, 'MB', { bar: { atMost: 200 } });
    rows.push([name, `${question.toFixed(0)} ms`, `${call.toFixed(0)} ms`, `${left.toFixed(0)} MB`]);
  }
  const header = ['attack', 'a neighbour’s question, at most', 'a REST call, at most', 'memory after − before'];
  report.table('What one stranger can do', header, rows);
  await report.close();
} finally {
  await product.close();
  await model.close();
  await profile.close();
}
