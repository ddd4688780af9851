import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { decodeJwt } from 'jose';
import type {
  Attachment,
  Contact,
  Inbox,
  KnowledgeBase,
  Message,
  Missed,
  SessionCreated,
  Source,
} from '@parley/contract';
import { endVisitor } from '../../features/contacts/commands.ts';
import { RESYNC } from '../../platform/cluster/wake.ts';
import { connect, startTestApp, until } from '../app.ts';
import type { TestApp, TestSocket } from '../app.ts';
import { payloadsFor } from './socket-payloads.ts';
import { asVisitor, fileForm } from './requests.ts';
import { populate } from './world.ts';
import type { Company } from './world.ts';

type Visit = { socket: TestSocket; conversationId: string; token: string };

describe('visitors and the widget', () => {
  let test: TestApp;
  let acme: Company;
  let other: Inbox;
  let bob: Visit;

  const visit = async (auth: Record<string, unknown>, said: object = {}): Promise<Visit> => {
    const socket = await connect(test.url, auth);
    const started = await socket.call<SessionCreated>('customer:start_chat', said);
    assert.ok(started.success, JSON.stringify(started));
    return { socket, conversationId: started.data.conversationId, token: started.data.visitor };
  };
  const isAlive = async (): Promise<void> => {
    const { status } = await fetch(`${test.url}/health/live`, { signal: AbortSignal.timeout(5_000) });
    assert.equal(status, 200);
  };

  before(async () => {
    test = await startTestApp();
    acme = await populate(test, { call: test.owner, accessToken: test.ownerToken, refreshToken: '' }, 'acmecanary');
    other = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Other', channel: 'web', botId: acme.ids.bot })).data;
    bob = await visit({ inbox: acme.ids.inboxToken }, { name: 'Bob' });
  });
  after(async () => {
    for (const socket of [acme?.visitor, bob?.socket]) socket?.close();
    await test?.close();
  });

  it('attack 7: a visitor speaks and hears in their own conversation alone', async () => {
    const conversationId = acme.ids.conversation;
    const events = payloadsFor(test.app.socketEvents.visitor, conversationId).filter((one) => one.isOfConversation);
    assert.ok(events.length >= 5);
    for (const { event, payload } of events) {
      const answer = await bob.socket.call(event, payload);
      assert.equal(!answer.success && answer.error.code, 'not_found', `${event} ${JSON.stringify(answer)}`);
    }
    const said = await acme.visitor.call('customer:send_message', { conversationId, text: 'mine', clientId: 'a2' });
    assert.ok(said.success);
    await acme.visitor.wait('message:received', ({ text }) => text === 'mine');
    const { data } = await test.owner<Message[]>('GET', `/conversations/${conversationId}/messages?limit=100`);
    assert.ok(!data.some(({ text }) => text === 'planted'));
    assert.deepEqual(
      bob.socket.seen('message:received').filter((one) => one.conversationId === conversationId),
      [],
    );
  });

  it('attack 3: a visitor neither reads nor attaches a file of another', async () => {
    const { inboxToken, file } = acme.ids;
    const path = `/widget/${inboxToken}/files/${file}`;
    assert.equal((await asVisitor(test.url, acme.visitorToken, 'GET', path)).status, 200);
    assert.equal((await asVisitor(test.url, bob.token, 'GET', path)).status, 404);
    const note = await test.owner<Attachment>('POST', '/files', fileForm('plans.txt', 'plans'));
    for (const id of [file, note.data.id, acme.ids.bot]) {
      const sent = await bob.socket.call('customer:send_message', {
        conversationId: bob.conversationId,
        text: 'see this',
        clientId: `steal-${id}`,
        attachmentIds: [id],
      });
      assert.equal(!sent.success && sent.error.code, 'not_found', id);
    }
  });

  it('a token is for one inbox, and is no key to anything else', async () => {
    const files = (inbox: string) => `/widget/${inbox}/files/${acme.ids.file}`;
    assert.equal((await asVisitor(test.url, acme.visitorToken, 'GET', files(other.token))).status, 401);
    const elsewhere = await visit({ inbox: other.token, visitor: acme.visitorToken });
    assert.notEqual(elsewhere.conversationId, acme.ids.conversation);
    assert.notEqual(decodeJwt(elsewhere.token).sub, decodeJwt(acme.visitorToken).sub);
    elsewhere.socket.close();
    const again = await visit({ inbox: acme.ids.inboxToken, visitor: acme.visitorToken });
    assert.equal(again.conversationId, acme.ids.conversation);
    again.socket.close();
    const [header, body, signature] = acme.visitorToken.split('.');
    const forged = [
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`,
      `${header}.${Buffer.from(JSON.stringify({ ...decodeJwt(bob.token), exp: 9_999_999_999, sub: decodeJwt(acme.visitorToken).sub })).toString('base64url')}.${signature}`,
      test.ownerToken,
      'x'.repeat(1_500),
    ];
    for (const visitor of forged) {
      const got = await visit({ inbox: acme.ids.inboxToken, visitor });
      assert.notEqual(got.conversationId, acme.ids.conversation, visitor);
      got.socket.close();
      assert.equal((await asVisitor(test.url, visitor, 'GET', files(acme.ids.inboxToken))).status, 401);
    }
  });

  it('attack 11: the token lasts a month at most and is never taken from an address', async () => {
    const { exp = 0, iat = 0 } = decodeJwt(acme.visitorToken);
    assert.ok(exp - iat <= 31 * 24 * 3_600);
    const path = `${test.url}/api/v1/widget/${acme.ids.inboxToken}/files/${acme.ids.file}`;
    for (const name of ['token', 'visitor', 'authorization', 'access_token'])
      assert.equal((await fetch(`${path}?${name}=${acme.visitorToken}`)).status, 400, name);
    assert.equal((await fetch(path)).status, 401);
    const { link } = Object.fromEntries((await fetch(`${test.url}/chat/${acme.ids.inboxToken}`)).headers);
    assert.equal(link, undefined);
    assert.equal((await test.owner('GET', `/widget/${acme.ids.inboxToken}/files/${acme.ids.file}`)).status, 401);
  });

  it('attack 38: whoever forgets the chat takes the key with them, also one that was copied', async () => {
    const path = `/widget/${acme.ids.inboxToken}`;
    const first = await visit({ inbox: acme.ids.inboxToken }, { name: 'First' });
    const file = await asVisitor<Attachment>(test.url, first.token, 'POST', `${path}/files`, fileForm('a.txt', 'mine'));
    assert.equal(file.status, 201);
    const copied = first.token;
    const thief = await visit({ inbox: acme.ids.inboxToken, visitor: copied });
    assert.equal(thief.conversationId, first.conversationId);

    assert.equal((await asVisitor(test.url, 'nonsense', 'POST', `${path}/forget`)).status, 401);
    assert.equal((await fetch(`${test.url}/api/v1${path}/forget`, { method: 'POST' })).status, 401);
    assert.equal((await asVisitor(test.url, copied, 'POST', `/widget/${other.token}/forget`)).status, 401);
    assert.ok(first.socket.socket.connected && thief.socket.socket.connected);

    const cut = [first, thief].map(
      ({ socket }) => new Promise<string>((resolve) => socket.socket.once('disconnect', resolve)),
    );
    assert.equal((await asVisitor(test.url, copied, 'POST', `${path}/forget`)).status, 200);
    assert.deepEqual(await Promise.all(cut), ['io server disconnect', 'io server disconnect']);
    assert.equal((await asVisitor(test.url, copied, 'POST', `${path}/forget`)).status, 200, 'asked again: done');

    // The copied token, and a renewed one of the same visitor, open nothing.
    for (const token of [copied, thief.token]) {
      assert.equal((await asVisitor(test.url, token, 'GET', `${path}/files/${file.data.id}`)).status, 401);
      assert.equal((await asVisitor(test.url, token, 'POST', `${path}/files`, fileForm('b.txt', 'x'))).status, 401);
      const socket = await connect(test.url, { inbox: acme.ids.inboxToken, visitor: token });
      const missed = await socket.call('customer:resume', { conversationId: first.conversationId, after: 0 });
      assert.equal(!missed.success && missed.error.code, 'not_found');
      const started = await socket.call<SessionCreated>('customer:start_chat', {});
      assert.ok(started.success);
      assert.notEqual(started.data.conversationId, first.conversationId);
      assert.notEqual(decodeJwt(started.data.visitor).sub, decodeJwt(copied).sub);
      socket.close();
    }
    await until(async () => {
      const { data } = await test.owner<{ status: string }>('GET', `/conversations/${first.conversationId}`);
      return data.status === 'resolved';
    }, 'the desk sees that the chat is over');
    first.socket.close();
    thief.socket.close();
  });

  it('attack 38: an end holds where the word of it is lost, and where the inbox is closed', async () => {
    const inbox = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Closing', channel: 'web', botId: null })).data;
    const path = `/widget/${inbox.token}`;
    const left = await visit({ inbox: inbox.token }, { name: 'Left' });
    const { conversationId } = left;
    const file = await asVisitor<Attachment>(test.url, left.token, 'POST', `${path}/files`, fileForm('a.txt', 'mine'));
    const read = await fetch(`${test.url}/api/v1${path}/files/${file.data.id}`, {
      headers: { authorization: `Visitor ${left.token}` },
    });
    assert.equal(read.headers.get('cache-control'), 'no-store', 'a shared computer keeps no copy');
    await read.arrayBuffer();
    // As another process writes it, whose word does not arrive.
    const end = (visitorId: string) =>
      test.app.store.inWorkspace(acme.ids.workspace, (tx) => endVisitor(tx, inbox.id, visitorId));
    await end(String(decodeJwt(left.token).sub));
    const dropped = new Promise((resolve) => left.socket.socket.once('disconnect', resolve));
    const said = left.socket.call('customer:send_message', { conversationId, text: 'still here?', clientId: 'x1' });
    await assert.rejects(said, /disconnected/);
    await dropped;
    // One that only listens is looked for when words may have been lost.
    const silent = await visit({ inbox: inbox.token }, { name: 'Silent' });
    const gone = new Promise((resolve) => silent.socket.socket.once('disconnect', resolve));
    await end(String(decodeJwt(silent.token).sub));
    test.app.wake.wake(RESYNC, 'all');
    await gone;

    const last = await visit({ inbox: inbox.token }, { name: 'Last' });
    await test.owner('PATCH', `/inboxes/${inbox.id}`, { status: 'disabled' });
    assert.equal((await asVisitor(test.url, last.token, 'POST', `${path}/forget`)).status, 200, 'leaving always works');
    await test.owner('PATCH', `/inboxes/${inbox.id}`, { status: 'connected' });
    const again = await connect(test.url, { inbox: inbox.token, visitor: last.token });
    const missed = await again.call('customer:resume', { conversationId: last.conversationId, after: 0 });
    assert.equal(!missed.success && missed.error.code, 'not_found');
    again.close();
  });

  it('a page may say anything of its visitor: the chat begins', async () => {
    for (const email of ['müller@firma.de', 'o&m@example.com', 'x'.repeat(300), 'no address', 'a@b.co']) {
      const begun = await visit({ inbox: acme.ids.inboxToken }, { name: 'Mia', email });
      begun.socket.close();
    }
  });

  it('attack 12: an address somebody types makes nobody somebody else, and changes nobody', async () => {
    const victim = await visit({ inbox: acme.ids.inboxToken }, { name: 'Victor', email: 'victor@x.test' });
    const thief = await visit({ inbox: acme.ids.inboxToken }, { name: 'Thief', email: 'victor@x.test' });
    assert.notEqual(victim.conversationId, thief.conversationId);
    const find = async () => (await test.owner<Contact[]>('GET', '/contacts?q=victor@x.test')).data;
    const contacts = await find();
    assert.deepEqual(contacts.map(({ name }) => name).sort(), ['Thief', 'Victor']);
    const missed = await thief.socket.call<Missed>('customer:resume', {
      conversationId: thief.conversationId,
      after: 0,
    });
    assert.ok(missed.success && !JSON.stringify(missed).includes('Victor'));
    await victim.socket.call('customer:start_chat', { name: 'Changed', email: 'changed@x.test' });
    const unchanged = (all: Contact[]) => all.map(({ lastSeenAt: _seen, ...contact }) => contact);
    assert.deepEqual(unchanged(await find()), unchanged(contacts));
    victim.socket.close();
    thief.socket.close();
  });

  it('hears no agent events on a visitor socket, and no visitor events on an agent socket', async () => {
    const { conversation: conversationId, handoff } = acme.ids;
    const agent = await connect(test.url, { token: test.ownerToken });
    const silent = async (socket: TestSocket, event: string, payload: object) =>
      assert.rejects(socket.socket.timeout(300).emitWithAck(event, payload), /timed out/, event);
    const { agent: ofAgents, visitor: ofVisitors } = test.app.socketEvents;
    assert.ok(Object.keys(ofAgents).length >= 10 && Object.keys(ofVisitors).length >= 6);
    await Promise.all([
      ...payloadsFor(ofAgents, conversationId).map(({ event, payload }) => silent(bob.socket, event, payload)),
      ...['__proto__', 'constructor'].map((event) => silent(bob.socket, event, { conversationId })),
      ...payloadsFor(ofVisitors, conversationId).map(({ event, payload }) => silent(agent, event, payload)),
    ]);
    const { data } = await test.owner<{ id: string }[]>('GET', '/handoffs');
    assert.ok(data.some(({ id }) => id === handoff));
    agent.close();
  });

  it('shows a visitor no private note and no colleague’s id', async () => {
    const path = `/conversations/${acme.ids.conversation}/messages`;
    await test.owner('POST', path, { text: 'a note among us', private: true });
    await test.owner('POST', path, { text: 'an answer for you' });
    await acme.visitor.wait('message:received', ({ text }) => text === 'an answer for you');
    const missed = await acme.visitor.call<Missed>('customer:resume', {
      conversationId: acme.ids.conversation,
      after: 0,
    });
    assert.ok(missed.success);
    const heard = JSON.stringify([
      missed.data,
      acme.visitor.seen('message:received'),
      acme.visitor.seen('message:updated'),
    ]);
    assert.ok(heard.includes('an answer for you'));
    assert.ok(!heard.includes('a note among us'));
    assert.ok(!heard.includes(acme.ids.user));
  });

  it('opens a passage only of what the inbox’s bot may cite', async () => {
    const base = (await test.owner<KnowledgeBase>('POST', '/knowledge-bases', { name: 'Internal' })).data;
    const secret = { type: 'faq', question: 'What is the margin?', answer: 'The margin is forty percent.' };
    const source = (await test.owner<Source>('POST', `/knowledge-bases/${base.id}/sources`, secret)).data;
    const [chunk] = await until(async () => {
      const { data } = await test.owner<{ id: string }[]>('GET', `/sources/${source.id}/chunks`);
      return data.length > 0 && data;
    }, 'the passage is there');
    const open = (id = '') => test.anonymous('GET', `/widget/${acme.ids.inboxToken}/passages/${id}`);
    assert.equal((await open(acme.ids.chunk)).status, 200);
    assert.equal((await open(chunk?.id)).status, 404);
  });

  it('keeps a chat to the pages its inbox allows, and closes with it', async () => {
    const made = await test.owner<Inbox>('POST', '/inboxes', {
      name: '</title><script>alert(1)</script>',
      channel: 'web',
      settings: { allowedOrigins: ['https://shop.example'] },
    });
    const { id, token } = made.data;
    const from = (origin: string) => connect(test.url, { inbox: token }, { origin });
    (await from('https://shop.example')).close();
    for (const origin of ['https://evil.example', 'https://shop.example.evil.example', 'http://shop.example', 'null']) {
      await assert.rejects(from(origin), /may not embed/, origin);
      const { status } = await fetch(`${test.url}/api/v1/widget/${token}`, { headers: { origin } });
      assert.equal(status, 403, origin);
    }
    const chat = await fetch(`${test.url}/chat/${token}`);
    const policy = chat.headers.get('content-security-policy') ?? '';
    assert.deepEqual(policy.match(/frame-ancestors[^;]*/g), ["frame-ancestors 'self' https://shop.example"]);
    const page = await chat.text();
    assert.ok(!page.includes('<script>alert'));
    const inside = await visit({ inbox: token });
    await test.owner('PATCH', `/inboxes/${id}`, { enabled: false });
    // A person who follows such a link reads words, and learns nothing about the inbox from them.
    const pages = [token, 'nobody-has-this-token', '%00%3Cscript%3E'].map((gone) => fetch(`${test.url}/chat/${gone}`));
    const texts = await Promise.all((await Promise.all(pages)).map(async (page) => [page.status, await page.text()]));
    assert.equal(new Set(texts.map(([, text]) => text)).size, 1);
    for (const [status, text] of texts)
      assert.match(`${status} ${text}`, /^404 <!doctype html>[^]*This chat is not here/);
    const late = await inside.socket.call('customer:send_message', {
      conversationId: inside.conversationId,
      text: 'hello?',
      clientId: 'late',
    });
    assert.equal(!late.success && late.error.code, 'forbidden');
    await assert.rejects(connect(test.url, { inbox: token }), /not found/);
    inside.socket.close();
  });

  it('answers every malformed payload with an error, and never falls over one', async () => {
    const { conversationId, socket } = bob;
    const deep = JSON.parse('['.repeat(1_000) + ']'.repeat(1_000)) as unknown;
    const payloads: unknown[] = [null, 1, 'text', [], [[]], true, Buffer.from('bytes'), deep, { conversationId: deep }];
    const isDeep = (payload: unknown): boolean => payload === deep || payload === payloads.at(-1);
    for (const event of Object.keys(test.app.socketEvents.visitor)) {
      for (const payload of payloads) {
        const answer = await socket.call(event, payload);
        const code = isDeep(payload) ? 'json_too_complex' : 'bad_request';
        assert.equal(!answer.success && answer.error.code, code, event);
      }
      socket.socket.emit(event);
      socket.socket.emit(event, 'no acknowledgement');
    }
    const texts: [object, string][] = [
      [{ text: 'x'.repeat(100_001), clientId: 'long' }, 'text'],
      [{ text: ' \u0000\u0000 ', clientId: 'nul' }, 'text'],
      [{ text: 'x', clientId: '\u0000' }, 'clientId'],
      [{ text: 'x', clientId: 'x', workspaceId: acme.ids.workspace }, 'workspaceId'],
      [{ text: { $gt: '' }, clientId: 'x' }, 'text'],
    ];
    for (const [payload, field] of texts) {
      const answer = await socket.call('customer:send_message', { conversationId, ...payload });
      assert.ok(!answer.success && answer.error.code === 'bad_request', JSON.stringify(answer));
      assert.equal(answer.error.details?.[0]?.field, field);
    }
    await isAlive();
  });

  it('keeps what a database cannot, as far as it can', async () => {
    const strange = 'a\u0000b\ud800c\u202e\u200bd';
    const { socket, conversationId } = await visit(
      { inbox: acme.ids.inboxToken },
      { name: strange, metadata: { [strange]: strange, ['__proto__']: 'x' } },
    );
    for (const clientId of [strange, `${strange}2`]) {
      const sent = await socket.call('customer:send_message', { conversationId, text: strange, clientId });
      assert.ok(sent.success, JSON.stringify(sent));
    }
    await until(async () => {
      const { data } = await test.owner<Message[]>('GET', `/conversations/${conversationId}/messages`);
      return data.filter(({ author }) => author.type === 'contact').length === 2;
    }, 'both messages are stored');
    socket.close();
  });

  it('ends a connection that sends too much or nonsense, and no other', async () => {
    const deep = '['.repeat(50_000) + ']'.repeat(50_000);
    const frames: (string | Buffer)[][] = [
      ['x'.repeat(1_200_000)],
      [`2["customer:start_chat",{"name":"${'x'.repeat(1_200_000)}"}]`],
      ['nonsense'],
      ['\u0000'],
      ['2["customer:start_chat"'],
      ['2["disconnect"]'],
      ['2[1,2]'],
      ['0{"inbox":"x"}'],
      ['0/admin,{}'],
      [`2["customer:start_chat",${deep}]`],
      [`51-["customer:start_chat",{"_placeholder":true,"num":0},${deep}]`, Buffer.from('bytes')],
      ['51-["customer:start_chat",{"_placeholder":true,"num":9}]', Buffer.from('bytes')],
      ['5999999999-["customer:start_chat"]', Buffer.from('bytes')],
      [Buffer.from('bytes out of nowhere')],
    ];
    for (const frame of frames) {
      const { socket } = await connect(test.url, { inbox: acme.ids.inboxToken });
      for (const piece of frame) socket.io.engine.write(piece);
      await new Promise<void>((resolve) => {
        socket.io.engine.once('close', () => resolve());
        // Whatever it made of the frame, the next event or the end of the connection follows.
        socket.timeout(2_000).emit('customer:resume', {}, () => resolve());
      });
      socket.close();
    }
    await isAlive();
    const { conversationId } = bob;
    assert.ok((await bob.socket.call('customer:resume', { conversationId, after: 0 })).success);
  });

  it('bounds what one visitor may send', async () => {
    const flood = await visit({ inbox: acme.ids.inboxToken });
    const { conversationId } = flood;
    const sent = await Promise.all(
      Array.from({ length: 45 }, (_, index) =>
        flood.socket.call('customer:send_message', { conversationId, text: 'flood', clientId: `f${index}` }),
      ),
    );
    const refused = sent.filter((answer) => !answer.success);
    assert.ok(refused.length >= 10 && refused.length <= 16, String(refused.length));
    for (const answer of refused) assert.equal(!answer.success && answer.error.code, 'too_many_requests');
    const typed = await Promise.all(
      Array.from({ length: 260 }, () => flood.socket.call('customer:typing', { conversationId })),
    );
    assert.ok(typed.filter((answer) => !answer.success).length >= 50);
    flood.socket.close();
    assert.ok((await bob.socket.call('customer:typing', { conversationId: bob.conversationId })).success);
    const uploads = await Promise.all(
      Array.from({ length: 36 }, (_, index) =>
        asVisitor(test.url, bob.token, 'POST', `/widget/${acme.ids.inboxToken}/files`, fileForm(`${index}.txt`, 'x')),
      ),
    );
    const statuses = uploads.map(({ status }) => status);
    assert.ok(statuses.includes(201) && statuses.includes(429), statuses.join());
  });
});
