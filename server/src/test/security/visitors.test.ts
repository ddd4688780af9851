import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { decodeJwt, SignJWT } from 'jose';
import type { Attachment, Contact, IdentitySecret, Inbox, Message, Missed, SessionCreated } from '@parley/contract';
import { endVisitor } from '../../features/contacts/commands.ts';
import { RESYNC } from '../../platform/cluster/wake.ts';
import { connect, until } from '../app.ts';
import type { TestApp } from '../app.ts';
import { asVisitor, fileForm } from './requests.ts';
import { payloadsFor } from './socket-payloads.ts';
import { openWidgets } from './visit.ts';
import type { Visit, Widgets } from './visit.ts';
import type { Company } from './world.ts';

describe('visitors are who they are, and nobody else', () => {
  let widgets: Widgets;
  let test: TestApp;
  let acme: Company;
  let bob: Visit;
  let other: Inbox;
  let visit: Widgets['visit'];
  before(async () => {
    widgets = await openWidgets();
    ({ test, acme, bob, other, visit } = widgets);
  });
  after(() => widgets?.close());

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

  it('is typing until the message is there, or the visitor is gone', async () => {
    const ann = await visit({ inbox: acme.ids.inboxToken }, { name: 'Ann' });
    const { conversationId } = ann;
    const agent = await connect(test.url, { token: test.ownerToken });
    assert.ok((await agent.call('conversation:subscribe', { conversationId })).success);
    const typed = () =>
      agent
        .seen('typing')
        .filter((one) => one.who === 'contact')
        .map(({ typing }) => typing);
    const heard = (wanted: boolean[]) =>
      until(async () => typed().join() === wanted.join(), `typing: ${wanted.join()}, heard`);
    await ann.socket.call('customer:typing', { conversationId });
    await ann.socket.call('customer:send_message', { conversationId, text: 'here', clientId: 't1' });
    await heard([true, false]);
    await ann.socket.call('customer:typing', { conversationId });
    ann.socket.close();
    await heard([true, false, true, false]);
    agent.close();
  });

  it('attack 12: a website proves who its visitor is, at any time; what it only says stays unverified', async () => {
    const inbox = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Signed', channel: 'web', botId: null })).data;
    const secretAt = `/inboxes/${inbox.id}/identity-secret`;
    const secret = (await test.owner<IdentitySecret>('GET', secretAt)).data.identitySecret ?? '';
    assert.equal(inbox.generated?.['identitySecret'], secret);
    assert.ok(!JSON.stringify(await test.owner('GET', `/inboxes/${inbox.id}`)).includes(secret));
    const sign = (id: string, key = secret) => createHmac('sha256', key).update(id).digest('hex');
    const token = (claims: Record<string, unknown>, exp: number | string = '5m', key = secret) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(exp).sign(Buffer.from(key));
    const visitors: Visit[] = [];
    const begin = async () => {
      const begun = await visit({ inbox: inbox.token });
      visitors.push(begun);
      return begun;
    };
    const contactOf = async ({ conversationId }: Visit) => {
      const { data } = await test.owner<{ contact: { id: string } }>('GET', `/conversations/${conversationId}`);
      return (await test.owner<Contact>('GET', `/contacts/${data.contact.id}`)).data;
    };
    const identify = async ({ socket }: Visit, said: object): Promise<unknown> => {
      const answer = await socket.call<{ verified: boolean }>('customer:identify', said);
      return answer.success ? answer.data.verified : answer.error.code;
    };

    const phone = await begin();
    const untouched = await contactOf(phone);
    const alg = Buffer.from('{"alg":"none"}').toString('base64url');
    const body = Buffer.from('{"sub":"ann","exp":9999999999}').toString('base64url');
    const wrong = [
      { id: 'ann', hash: sign('bo') },
      { id: 'ann', hash: sign('ann', 'another secret') },
      { id: 'ann', hash: '' },
      { hash: sign('') },
      { id: 'ann', jwt: await token({ sub: 'bo' }) },
      { id: 'ann', jwt: await token({ sub: 'ann' }, 1_000) },
      { id: 'ann', jwt: await token({ sub: 'ann' }, '5m', 'another secret') },
      {
        id: 'ann',
        jwt: await new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(secret)),
      },
      { id: 'ann', jwt: `${alg}.${body}.` },
      { id: 'ann', hash: sign('ann'), jwt: 'nonsense' },
    ];
    for (const said of wrong)
      assert.equal(await identify(phone, { ...said, name: 'Mallory' }), 'forbidden', JSON.stringify(said));
    const before = await contactOf(phone);
    assert.deepEqual([before.name, before.userId, before.unverified], [untouched.name, null, {}]);

    // Said, after the first word: kept, and shown as what it is.
    const said = { id: 7, name: 'Ann', email: 'no address', phone: 5, attributes: { plan: 'pro', odd: {} }, x: 1 };
    assert.equal(await identify(phone, said), false);
    const told = await contactOf(phone);
    assert.deepEqual([told.name, told.email, told.userId], ['Ann', null, null]);
    assert.deepEqual(told.unverified, { userId: '7', name: 'Ann', email: 'no address', phone: '5', plan: 'pro' });

    // Proven on two devices: one contact, two conversations, and what a signed token says counts.
    assert.equal(await identify(phone, { id: 'ann', hash: sign('ann').toUpperCase() }), true);
    const laptop = await begin();
    const facts = { sub: 'ann', name: 'Ann Able', email: 'ann@x.test', attributes: { tier: 3 } };
    assert.equal(await identify(laptop, { id: 'ann', name: 'Mallory', jwt: await token(facts) }), true);
    const ann = await contactOf(laptop);
    assert.equal(ann.id, (await contactOf(phone)).id);
    assert.deepEqual([ann.name, ann.email, ann.userId, ann.attributes], ['Ann Able', 'ann@x.test', 'ann', { tier: 3 }]);
    assert.equal(ann.unverified['name'], undefined);
    assert.notEqual(laptop.conversationId, phone.conversationId, 'an identity opens no conversation');
    const { conversationId } = phone;
    const peek = await laptop.socket.call('customer:resume', { conversationId, after: 0 });
    assert.equal(!peek.success && peek.error.code, 'not_found');

    // Another id is another person, also with a right signature; a claim takes nobody's place.
    assert.equal(await identify(phone, { id: 'bo', hash: sign('bo') }), 'conflict');
    const thief = await begin();
    assert.equal(await identify(thief, { id: 'ann', email: 'ann@x.test' }), false);
    assert.notEqual((await contactOf(thief)).id, ann.id);

    const next = (await test.owner<IdentitySecret>('POST', secretAt)).data.identitySecret ?? '';
    assert.notEqual(next, secret);
    await until(async () => (await identify(thief, { id: 'cy', hash: sign('cy') })) === 'forbidden', 'the old is void');
    assert.equal(await identify(thief, { id: 'cy', hash: sign('cy', next) }), true);
    for (const { socket } of visitors) socket.close();
  });
});
