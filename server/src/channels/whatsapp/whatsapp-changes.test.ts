import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect, startTestApp, until } from '../../test/app.ts';
import type { TestApp } from '../../test/app.ts';
import { startWhatsappDouble, type WhatsappDouble } from '../../test/doubles/whatsapp.ts';
import { openWhatsapp, secondsAgo } from '../../test/whatsapp-chat.ts';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** What is changed afterwards: the inbox, and messages that are stored already. */
describe('WhatsApp, changed afterwards', () => {
  let test: TestApp;
  let double: WhatsappDouble;
  let chat: Awaited<ReturnType<typeof openWhatsapp>>;

  before(async () => {
    double = await startWhatsappDouble();
    test = await startTestApp({ CHANNEL_META_API_URL: double.url });
    chat = await openWhatsapp(test, double, null);
  });
  after(async () => {
    await test?.close();
    await double?.close();
  });

  it('credentials: what is not named or empty stays, null takes an optional one away', async () => {
    const patch = (credentials: object) => test.owner('PATCH', `/inboxes/${chat.inbox.id}`, { credentials });
    const sync = () => test.owner('POST', `/inboxes/${chat.inbox.id}/templates/sync`);
    assert.equal((await patch({ accessToken: null })).status, 400);
    assert.equal((await patch({ accesToken: double.accessToken })).status, 400);
    const renewed = await patch({ accessToken: double.accessToken, appSecret: '', businessAccountId: '' });
    assert.equal(renewed.status, 200, JSON.stringify(renewed.error));
    assert.equal((await sync()).status, 200, 'the business account is still known');
    await chat.say('4915100000090', 'signed with the secret that stayed');
    await until(async () => (await chat.messages('4915100000090')).length > 0, 'the app secret is still known');
    const shake = await fetch(
      `${chat.address}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=${double.verifyToken}`,
    );
    assert.equal(shake.status, 200);
    assert.equal((await patch({ businessAccountId: null })).status, 200);
    assert.equal((await sync()).status, 400);
    assert.equal((await patch({ businessAccountId: double.businessAccountId })).status, 200);
  });

  const revoke = (phone: string, id: string) =>
    chat.say(phone, '', { type: 'revoke', text: undefined, revoke: { original_message_id: id } });
  const edit = (phone: string, id: string, body: string, more: object = {}) =>
    chat.say(phone, '', {
      type: 'edit',
      text: undefined,
      edit: { original_message_id: id, message: { type: 'text', text: { body } } },
      ...more,
    });
  const byId = async (phone: string, id: string) =>
    (await chat.messages(phone)).find(({ externalId }) => externalId === id);
  const previewIs = (phone: string, words: string) =>
    until(async () => (await chat.conversation(phone))?.lastMessagePreview === words, `the preview is “${words}”`);

  it('the preview of the list follows the newest message alone', async () => {
    const phone = '4915100000091';
    const agent = await connect(test.url, { token: test.ownerToken });
    const first = await chat.say(phone, 'first');
    const second = await chat.say(phone, 'my pin is 4711');
    await previewIs(phone, 'my pin is 4711');
    await edit(phone, first, 'edited first');
    await until(async () => (await byId(phone, first))?.text === 'edited first', 'the first is edited');
    await previewIs(phone, 'my pin is 4711');
    await edit(phone, second, 'my pin is secret');
    await agent.wait('conversation:updated', ({ lastMessagePreview }) => lastMessagePreview === 'my pin is secret');
    await revoke(phone, second);
    await agent.wait(
      'conversation:updated',
      ({ contact, lastMessagePreview }) => contact.name === phone && lastMessagePreview === '',
    );
    await previewIs(phone, '');
    agent.close();
  });

  it('with a message its file, its place on the map and its cards are gone', async () => {
    const phone = '4915100000092';
    double.addFile('pic-9', PNG, 'image/png');
    const picture = await chat.say(phone, '', {
      type: 'image',
      text: undefined,
      image: { id: 'pic-9', mime_type: 'image/png' },
    });
    const place = await chat.say(phone, '', {
      type: 'location',
      text: undefined,
      location: { latitude: 52.5, longitude: 13.4, name: 'Home' },
    });
    const card = await chat.say(phone, '', {
      type: 'contacts',
      text: undefined,
      contacts: [{ name: { formatted_name: 'Maria' }, phones: [{ phone: '+49 30 1' }] }],
    });
    const file = await until(async () => (await byId(phone, picture))?.attachments[0], 'the picture is here');
    const download = () =>
      fetch(`${test.url}/api/v1/files/${file.id}`, { headers: { authorization: `Bearer ${test.ownerToken}` } });
    assert.equal((await download()).status, 200);
    await until(async () => (await byId(phone, card))?.details, 'the card is here');
    for (const id of [picture, place, card]) await revoke(phone, id);
    await until(async () => (await byId(phone, card))?.deleted, 'all are deleted');
    assert.equal((await download()).status, 404);
    const { rows } = await test.app.database.asOwner((client) =>
      client.query<{ left: string }>(
        "select string_agg(text || payload::text || attachments::text, '') as left from messages where platform_id = any($1)",
        [[picture, place, card]],
      ),
    );
    assert.doesNotMatch(rows[0]?.left ?? '', /Home|Maria|52\.5|pic-9|image/);
  });

  it('an older edit that comes later changes nothing', async () => {
    const phone = '4915100000093';
    const id = await chat.say(phone, 'one', { timestamp: secondsAgo(60) });
    await edit(phone, id, 'three', { timestamp: secondsAgo(10) });
    await until(async () => (await byId(phone, id))?.text === 'three', 'it is edited');
    await edit(phone, id, 'two', { timestamp: secondsAgo(30) });
    const next = await chat.say(phone, 'next');
    await until(() => byId(phone, next), 'the edits were read');
    assert.equal((await byId(phone, id))?.text, 'three');
    await edit(phone, id, 'four', { timestamp: secondsAgo(5) });
    await until(async () => (await byId(phone, id))?.text === 'four', 'a newer one counts');
  });
});
