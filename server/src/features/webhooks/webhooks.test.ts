import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import type {
  ApiKeyCreated,
  Conversation,
  Inbox,
  Me,
  Message,
  SessionCreated,
  Webhook as WebhookOut,
  WebhookCreated,
  WebhookDelivery,
  WebhookRotated,
} from '@parley/contract';
import { connect, startTestApp, until } from '../../test/app.ts';
import type { Call, TestApp, TestSocket } from '../../test/app.ts';
import { startHttpDouble } from '../../test/doubles/http-double.ts';
import type { HttpDouble } from '../../test/doubles/http-double.ts';
import { join } from '../../test/security/world.ts';
import { stays } from '../../test/stays.ts';

type Got = { path: string; headers: Record<string, string>; body: string; at: number };
const Sent = z.object({ type: z.string(), timestamp: z.iso.datetime(), data: z.record(z.string(), z.unknown()) });

describe('webhooks', () => {
  let test: TestApp;
  let receiver: HttpDouble;
  let workspaceId: string;
  let agent: Call;
  let visitor: TestSocket;
  let conversationId: string;
  let got: Got[];
  /** by path: what to answer, the last again and again */
  let answers: Record<string, { status: number; headers?: Record<string, string>; after?: Promise<unknown> }[]>;
  const lines: string[] = [];

  before(async () => {
    receiver = await startHttpDouble(async ({ path, headers, rawBody }, response) => {
      got.push({ path, headers, body: rawBody.toString(), at: performance.now() });
      const mine = answers[path] ?? [];
      const answer = (mine.length > 1 ? mine.shift() : mine[0]) ?? { status: 200 };
      await answer.after;
      response.writeHead(answer.status, answer.headers).end('thanks');
    });
    test = await startTestApp(
      { PARLEY_WEBHOOKS_PRIVATE: '1', LOG_LEVEL: 'debug' },
      { writeLog: (line) => void lines.push(line) },
    );
    workspaceId = (await test.owner<Me>('GET', '/me')).data.workspace?.id ?? '';
    agent = (await join(test, test.owner, 'agent@acme.test', 'agent')).call;
    const inbox = await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: null });
    visitor = await connect(test.url, { inbox: inbox.data.token });
    const started = await visitor.call<SessionCreated>('customer:start_chat', { name: 'Vera', email: 'v@x.test' });
    assert.ok(started.success);
    ({ conversationId } = started.data);
  });
  beforeEach(async () => {
    got = [];
    answers = {};
    const { data } = await test.owner<WebhookOut[]>('GET', '/webhooks');
    for (const { id } of data) await test.owner('DELETE', `/webhooks/${id}`);
  });
  after(async () => {
    visitor?.close();
    await test?.close();
    await receiver?.close();
  });

  const create = async (path: string, events: string[] = []): Promise<WebhookCreated> => {
    const made = await test.owner<WebhookCreated>('POST', '/webhooks', { url: receiver.url + path, events });
    assert.equal(made.status, 201, JSON.stringify(made.error));
    return made.data;
  };
  const find = async (id: string) => (await test.owner<WebhookOut>('GET', `/webhooks/${id}`)).data;
  const log = async (id: string) => (await test.owner<WebhookDelivery[]>('GET', `/webhooks/${id}/deliveries`)).data;
  const sendTest = async (id: string) => (await test.owner<WebhookDelivery>('POST', `/webhooks/${id}/test`)).data;
  const arrived = (path: string, number = 1): Promise<unknown> =>
    until(async () => got.filter((one) => one.path === path).length >= number, `${number} at ${path}`);
  const settled = async (id: string): Promise<WebhookDelivery> => {
    await until(async () => {
      const [last] = await log(id);
      return last !== undefined && (last.state !== 'pending' || last.error !== null);
    }, 'a delivery has an outcome');
    const [last] = await log(id);
    assert.ok(last);
    return last;
  };
  const say = (text: string) =>
    visitor.call('customer:send_message', { conversationId, text, clientId: `c-${Math.random()}` });
  const execute = (query: ReturnType<typeof sql>) => test.app.store.inWorkspace(workspaceId, (tx) => tx.execute(query));

  it('are not for agents, not for programs, and not for outsiders', async () => {
    const { id } = await create('/mine');
    const { id: deliveryId } = await sendTest(id);
    const stranger = (await test.stranger()).call;
    const { data: key } = await test.owner<ApiKeyCreated>('POST', '/api-keys', {
      name: 'All',
      scopes: ['conversations:read', 'members:write'],
    });
    assert.equal((await test.owner('POST', '/api-keys', { name: 'X', scopes: ['webhooks:write'] })).status, 400);
    for (const [method, path, body] of [
      ['GET', `/webhooks/${id}`, undefined],
      ['PATCH', `/webhooks/${id}`, { url: 'https://evil.example/' }],
      ['POST', `/webhooks/${id}/test`, undefined],
      ['POST', `/webhooks/${id}/rotate-secret`, undefined],
      ['GET', `/webhooks/${id}/deliveries`, undefined],
      ['POST', `/webhooks/${id}/deliveries/${deliveryId}/replay`, undefined],
      ['DELETE', `/webhooks/${id}`, undefined],
    ] as const) {
      assert.equal((await stranger(method, path, body)).status, 404, `${method} ${path}`);
      for (const call of [agent, test.as(key.key)])
        assert.equal((await call(method, path, body)).status, 403, `${method} ${path}`);
    }
    assert.deepEqual((await stranger<WebhookOut[]>('GET', '/webhooks')).data, []);
    const other = await stranger<WebhookCreated>('POST', '/webhooks', { url: `${receiver.url}/theirs` });
    const replayed = await test.owner('POST', `/webhooks/${other.data.id}/deliveries/${deliveryId}/replay`);
    assert.equal(replayed.status, 404);
    assert.equal((await find(id)).url, `${receiver.url}/…`);
  });

  it('take known fields, web addresses and events there are', async () => {
    const url = 'https://example.com/';
    for (const body of [
      {},
      { url: 'ftp://example.com' },
      { url: 'javascript:alert(1)' },
      { url: 'https://user:password@example.com/' },
      { url: 'nonsense' },
      { url, events: ['note.written'] },
      { url, events: ['*'] },
      { url, secret: 'whsec_bWluZQ==' },
      { url, workspaceId },
      { url, enabled: false },
    ])
      assert.equal((await test.owner('POST', '/webhooks', body)).status, 400, JSON.stringify(body));
  });

  it('are signed as a receiver verifies it, and tell in the shapes of the API', async () => {
    const { id, secret } = await create('/signed', ['message.received']);
    assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    await say('Where is my parcel?');
    await arrived('/signed');
    const [call] = got;
    assert.ok(call);
    const sent = Sent.parse(new Webhook(secret).verify(call.body, call.headers));
    assert.throws(() => new Webhook(secret).verify(`${call.body} `, call.headers), {
      name: 'WebhookVerificationError',
    });
    const { data: messages } = await test.owner<Message[]>('GET', `/conversations/${conversationId}/messages`);
    const { data: conversation } = await test.owner<Conversation>('GET', `/conversations/${conversationId}`);
    assert.equal(sent.type, 'message.received');
    assert.ok(Math.abs(Date.parse(sent.timestamp) - Date.now()) < 60_000);
    assert.deepEqual(
      sent.data['message'],
      messages.find(({ text }) => text === 'Where is my parcel?'),
    );
    assert.equal(z.object({ id: z.string() }).parse(sent.data['conversation']).id, conversation.id);
    const delivery = await settled(id);
    assert.deepEqual(
      [delivery.state, delivery.status, delivery.attempts, delivery.eventId, delivery.error],
      ['delivered', 200, 1, call.headers['webhook-id'], null],
    );
    assert.equal((await find(id)).lastDelivery?.id, delivery.id);
  });

  it('never tell a note between colleagues, and tell each event once, to those who asked', async () => {
    // What was said before they came is not handed over when they are there already.
    await until(async () => {
      const { rows } = await test.app.store.asSystem((tx) =>
        tx.execute(sql`select 1 from outbox where relayed_at is null`),
      );
      return rows.length === 0;
    }, 'all facts of before are relayed');
    const all = await create('/all');
    await create('/resolved', ['conversation.resolved']);
    const note = { text: 'He is lying, refuse the refund.', private: true };
    assert.equal((await agent('POST', `/conversations/${conversationId}/messages`, note)).status, 201);
    const reply = { text: 'We look into it.' };
    assert.equal((await agent('POST', `/conversations/${conversationId}/messages`, reply)).status, 201);
    assert.equal((await agent('POST', `/conversations/${conversationId}/resolve`)).status, 200);
    assert.equal((await agent('POST', `/conversations/${conversationId}/reopen`)).status, 200);
    await arrived('/all', 4);
    await arrived('/resolved');
    await until(async () => (await log(all.id)).every(({ state }) => state === 'delivered'), 'all are told');
    const types = got.filter(({ path }) => path === '/all').map(({ body }) => Sent.parse(JSON.parse(body)).type);
    assert.deepEqual(types.sort(), [
      'conversation.reopened',
      'conversation.resolved',
      'conversation.taken_over',
      'message.sent',
    ]);
    assert.deepEqual(got.filter(({ path }) => path === '/resolved').length, 1);
    assert.ok(!got.some(({ body }) => body.includes('He is lying')));
  });

  it('are sent again under the same id until they arrive, at other times signed anew', async () => {
    const { id, secret } = await create('/flaky', ['message.received']);
    answers['/flaky'] = [{ status: 500 }, { status: 204 }];
    await say('Again and again.');
    const failed = await settled(id);
    assert.deepEqual([failed.state, failed.status, failed.error], ['pending', 500, 'It answered 500.']);
    assert.ok((await find(id)).failingSince);
    await arrived('/flaky', 2);
    await until(async () => (await log(id))[0]?.state === 'delivered', 'it arrives');
    const [first, second] = got;
    assert.ok(first && second);
    assert.ok(second.at - first.at > 3_900, 'it waited');
    assert.equal(first.headers['webhook-id'], second.headers['webhook-id']);
    assert.notEqual(first.headers['webhook-signature'], second.headers['webhook-signature']);
    for (const one of [first, second]) new Webhook(secret).verify(one.body, one.headers);
    assert.equal((await find(id)).failingSince, null);
  });

  it('a sender that was paused past its lease changes nothing of what its successor did', async () => {
    const { promise: paused, resolve } = Promise.withResolvers<void>();
    answers['/paused'] = [{ status: 500, after: paused }, { status: 200 }];
    const { id } = await create('/paused');
    const { id: deliveryId } = await sendTest(id);
    await arrived('/paused');
    await execute(
      sql`update webhook_deliveries set lease_until = now() - interval '1 second' where id = ${deliveryId}::uuid`,
    );
    await test.app.jobs.add('webhooks', { workspaceId, deliveryId });
    await until(async () => (await log(id))[0]?.state === 'delivered', 'the successor delivers it');
    const noted = lines.filter((line) => line.includes('a webhook was not delivered')).length;
    resolve();
    await until(
      async () => lines.filter((line) => line.includes('a webhook was not delivered')).length > noted,
      'the first one hears that it failed',
    );
    await stays(async () => (await log(id))[0]?.state === 'delivered', 'it is delivered', 300);
    assert.equal((await find(id)).failingSince ?? null, null);
  });

  it('can be sent again by hand, also after the last attempt', async () => {
    const { id } = await create('/later');
    answers['/later'] = [{ status: 503, headers: { 'retry-after': '7200' } }];
    const made = await sendTest(id);
    const waiting = await settled(id);
    const wait = Date.parse(waiting.nextAttemptAt ?? '') - Date.now();
    assert.ok(wait > 7_100_000 && wait < 7_300_000, `Retry-After is heeded: ${wait}`);
    await execute(sql`update webhook_deliveries set attempts = 8 where id = ${made.id}::uuid`);
    answers['/later'] = [{ status: 302, headers: { location: `${receiver.url}/elsewhere` } }];
    // The ninth attempt is the last one; its time has come.
    await execute(
      sql`update webhook_deliveries set next_attempt_at = now() - interval '1 minute' where id = ${made.id}::uuid`,
    );
    await until(async () => (await log(id))[0]?.state === 'failed', 'it is given up');
    assert.deepEqual(
      (await log(id)).map(({ attempts, error }) => [attempts, error]),
      [[9, 'It answered 302: redirects are not followed.']],
    );
    assert.ok(!got.some(({ path }) => path === '/elsewhere'));
    answers['/later'] = [{ status: 200 }];
    const replayed = await test.owner<WebhookDelivery>('POST', `/webhooks/${id}/deliveries/${made.id}/replay`);
    assert.deepEqual([replayed.status, replayed.data.state, replayed.data.eventId], [200, 'pending', made.eventId]);
    await until(async () => (await log(id))[0]?.state === 'delivered', 'it arrives');
    assert.equal(new Set(got.map(({ headers }) => headers['webhook-id'])).size, 1);
  });

  it('leave an endpoint alone that fails again and again, and no other', async () => {
    const ill = await create('/ill');
    const well = await create('/well');
    answers['/ill'] = [{ status: 500 }];
    for (let failures = 0; failures < 5; failures++) {
      const { id } = await sendTest(ill.id);
      await until(async () => (await log(ill.id)).find((one) => one.id === id)?.status === 500, 'it failed');
    }
    const { id } = await sendTest(ill.id);
    const sixth = async () => (await log(ill.id)).find((one) => one.id === id);
    await until(async () => ((await sixth())?.error ?? null) !== null, 'it is put off');
    assert.deepEqual(
      [(await sixth())?.status, (await sixth())?.error],
      [null, 'It failed again and again, and is left alone for a minute.'],
    );
    await sendTest(well.id);
    await arrived('/well');
  });

  it('end with 410, and with five days of failures, until somebody switches them on', async () => {
    const gone = await create('/gone');
    answers['/gone'] = [{ status: 410 }];
    await sendTest(gone.id);
    await until(async () => !(await find(gone.id)).enabled, 'it is off');
    assert.equal((await find(gone.id)).disabledReason, 'It answered 410: it wants no more webhooks.');
    assert.equal((await test.owner('POST', `/webhooks/${gone.id}/test`)).status, 409);

    const ill = await create('/ill');
    answers['/ill'] = [{ status: 500 }];
    await execute(
      sql`update webhook_endpoints set failing_since = now() - interval '121 hours' where id = ${ill.id}::uuid`,
    );
    await sendTest(ill.id);
    await until(async () => !(await find(ill.id)).enabled, 'it is off');
    assert.match((await find(ill.id)).disabledReason ?? '', /for 5 days.*answered 500/);
    const { data: on } = await test.owner<WebhookOut>('PATCH', `/webhooks/${ill.id}`, { enabled: true });
    assert.deepEqual([on.enabled, on.disabledReason, on.failingSince], [true, null, null]);
  });

  it('are signed by the old secret too for a day after a rotation', async () => {
    const { id, secret: old } = await create('/rotated');
    const { data } = await test.owner<WebhookRotated>('POST', `/webhooks/${id}/rotate-secret`);
    assert.notEqual(data.secret, old);
    assert.ok(Math.abs(Date.parse(data.oldSecretUntil) - Date.now() - 86_400_000) < 60_000);
    await sendTest(id);
    await arrived('/rotated');
    const [both] = got;
    assert.ok(both);
    for (const secret of [old, data.secret]) new Webhook(secret).verify(both.body, both.headers);
    // A day later.
    await execute(
      sql`update webhook_endpoints set secrets = replace(secrets::text, ${data.oldSecretUntil}, ${new Date().toISOString()})::jsonb`,
    );
    await sendTest(id);
    await arrived('/rotated', 2);
    const [, one] = got;
    assert.ok(one);
    new Webhook(data.secret).verify(one.body, one.headers);
    assert.throws(() => new Webhook(old).verify(one.body, one.headers), { name: 'WebhookVerificationError' });
  });

  it('keep their address sealed and show it masked; the mask in a PATCH leaves it', async () => {
    const path = '/services/T012/B345/token-of-somebody-wxyz';
    const { id, url } = await create(path);
    assert.equal(url, `${receiver.url}/…wxyz`);
    const stored = async () => (await execute(sql`select url from webhook_endpoints where id = ${id}::uuid`)).rows[0];
    assert.ok(!JSON.stringify(await stored()).includes('token-of-somebody'));
    const before = await stored();
    await execute(sql`update webhook_endpoints set failing_since = now() where id = ${id}::uuid`);
    const patched = await test.owner<WebhookOut>('PATCH', `/webhooks/${id}`, { url, description: 'Ours' });
    assert.deepEqual([patched.status, patched.data.url, patched.data.description], [200, url, 'Ours']);
    assert.ok(patched.data.failingSince, 'its five days go on');
    assert.deepEqual(await stored(), before);
    for (const other of [`${receiver.url}/…abcd`, 'https://example.com/…']) {
      assert.equal((await test.owner('PATCH', `/webhooks/${id}`, { url: other })).status, 400);
      assert.equal((await test.owner('POST', '/webhooks', { url: other })).status, 400);
    }
    answers[path] = [{ status: 500 }, { status: 200 }];
    await sendTest(id);
    await settled(id);
    const seen = JSON.stringify([
      await log(id),
      await test.owner('GET', '/webhooks'),
      lines,
      got.map(({ body }) => body),
    ]);
    assert.ok(!seen.includes('token-of-somebody'));
    const changed = await test.owner<WebhookOut>('PATCH', `/webhooks/${id}`, { url: `${receiver.url}/new` });
    assert.equal(changed.data.url, `${receiver.url}/…`);
    await sendTest(id);
    await arrived('/new');
  });

  it('show their secret once, and nowhere else', async () => {
    const { id, secret } = await create('/secret');
    const { data } = await test.owner<WebhookRotated>('POST', `/webhooks/${id}/rotate-secret`);
    await sendTest(id);
    await arrived('/secret');
    const seen = JSON.stringify([await find(id), await log(id), await test.owner('GET', '/webhooks')]);
    const { rows } = await execute(sql`select row_to_json(e)::text as row from webhook_endpoints e`);
    for (const one of [secret, data.secret])
      for (const text of [seen, JSON.stringify(rows), lines.join('\n')])
        assert.ok(!text.includes(one) && !text.includes(one.slice('whsec_'.length)));
  });

  it('fit into 20 kB, whatever is said', async () => {
    const { secret } = await create('/long', ['message.received']);
    await say('ä"\n'.repeat(9_000));
    await arrived('/long');
    const [call] = got;
    assert.ok(call);
    assert.ok(Buffer.byteLength(call.body) <= 20_000 && Buffer.byteLength(call.body) > 19_900);
    const { data } = Sent.parse(new Webhook(secret).verify(call.body, call.headers));
    assert.equal(data['truncated'], true);
  });

  it('cost workspaces without them no job and no delivery', async () => {
    const counted = async () => {
      const { rows } = await execute(sql`select count(*)::int as count from webhook_deliveries`);
      const { facts, webhooks } = await test.app.jobs.counts();
      // In all their states: those of before may move on meanwhile.
      const sum = (counts = {}): number => Object.values<number>(counts).reduce((total, one) => total + one, 0);
      return [rows[0]?.['count'], sum(facts), sum(webhooks)];
    };
    const settledFacts = () =>
      until(async () => {
        const { rows } = await execute(sql`select count(*)::int as count from outbox where handled_at is null`);
        return rows[0]?.['count'] === 0;
      }, 'all facts are dealt with');
    await settledFacts();
    const without = await counted();
    await say('Does anybody listen?');
    await settledFacts();
    assert.deepEqual(await counted(), without);
    // Which would have been otherwise with one.
    await create('/heard');
    await say('And now?');
    await arrived('/heard');
    assert.notDeepEqual(await counted(), without);
  });
});

describe('webhooks into places that are not public', () => {
  let test: TestApp;
  let reached = 0;
  let receiver: HttpDouble;
  before(async () => {
    receiver = await startHttpDouble(async (_request, response) => {
      reached += 1;
      response.end();
    });
    test = await startTestApp();
  });
  after(async () => {
    await test?.close();
    await receiver?.close();
  });

  it('are refused when they are named, or when their name leads there', async () => {
    for (const host of [
      '127.0.0.1',
      '2130706433',
      '[::1]',
      '[::ffff:169.254.169.254]',
      '169.254.169.254',
      '10.0.0.1',
    ]) {
      const refused = await test.owner('POST', '/webhooks', { url: `http://${host}/` });
      assert.deepEqual([refused.status, refused.error?.details?.[0]?.field], [400, 'url'], host);
    }
    const url = receiver.url.replace('127.0.0.1', 'localhost');
    const { data: made, status } = await test.owner<WebhookCreated>('POST', '/webhooks', { url });
    assert.equal(status, 201);
    assert.equal((await test.owner('PATCH', `/webhooks/${made.id}`, { url: receiver.url })).status, 400);
    await test.owner('POST', `/webhooks/${made.id}/test`);
    const last = async () => (await test.owner<WebhookDelivery[]>('GET', `/webhooks/${made.id}/deliveries`)).data[0];
    await until(async () => (await last())?.error !== null, 'it was tried');
    assert.equal((await last())?.error, 'The address is not on the public internet.');
    assert.equal(reached, 0);
  });

  it('are only taken without TLS where Parley itself has none', async () => {
    const safe = await startTestApp({ PUBLIC_URL: 'https://parley.example', PARLEY_WEBHOOKS_PRIVATE: '1' });
    try {
      const refused = await safe.owner('POST', '/webhooks', { url: 'http://example.com/' });
      assert.equal(refused.status, 400);
      assert.equal((await safe.owner('POST', '/webhooks', { url: 'https://example.com/' })).status, 201);
    } finally {
      await safe.close();
    }
  });
});
