import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Inbox, KnowledgeBase, Message, Missed, Source } from '@parley/contract';
import { connect, until } from '../app.ts';
import type { TestApp, TestSocket } from '../app.ts';
import { asVisitor, fileForm } from './requests.ts';
import { payloadsFor } from './socket-payloads.ts';
import { openWidgets } from './visit.ts';
import type { Visit, Widgets } from './visit.ts';
import type { Company } from './world.ts';

describe('what the widget takes, and what it shows', () => {
  let widgets: Widgets;
  let test: TestApp;
  let acme: Company;
  let bob: Visit;
  let visit: Widgets['visit'];
  const isAlive = async (): Promise<void> => {
    const { status } = await fetch(`${test.url}/health/live`, { signal: AbortSignal.timeout(5_000) });
    assert.equal(status, 200);
  };

  before(async () => {
    widgets = await openWidgets();
    ({ test, acme, bob, visit } = widgets);
  });
  after(() => widgets?.close());

  it('a page may say anything of its visitor: the chat begins', async () => {
    for (const email of ['müller@firma.de', 'o&m@example.com', 'x'.repeat(300), 'no address', 'a@b.co']) {
      const begun = await visit({ inbox: acme.ids.inboxToken }, { name: 'Mia', email });
      begun.socket.close();
    }
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
