import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Message } from '@parley/contract';
import { startTestApp, until } from '../../test/app.ts';
import type { TestApp } from '../../test/app.ts';
import { startWhatsappDouble, whatsappEvent, type WhatsappDouble } from '../../test/doubles/whatsapp.ts';
import { openWhatsapp, secondsAgo } from '../../test/whatsapp-chat.ts';
import { parse } from './parse.ts';

const PHONE = '4915100000080';
const said = { type: 'text', text: { body: 'words' } };
const place = { latitude: '52.5', longitude: '13.4', name: null };

/** Each with an id and a sender; what is stored of it, and whether a field of it could not be read. */
const ODD: [name: string, item: Record<string, unknown>, type: Message['type'], text: string, isOdd: boolean][] = [
  ['context null', { ...said, context: null }, 'text', 'words', false],
  ['context a text', { ...said, context: 'x' }, 'text', 'words', true],
  ['referral null', { ...said, referral: null }, 'text', 'words', false],
  ['referral a list', { ...said, referral: [1] }, 'text', 'words', true],
  ['errors null', { ...said, errors: null }, 'text', 'words', false],
  ['group null', { ...said, group_id: null }, 'text', 'words', false],
  ['text without words', { type: 'text', text: {} }, 'unsupported', '', true],
  ['text empty', { type: 'text', text: { body: '' } }, 'unsupported', '', false],
  ['text null', { type: 'text', text: null }, 'unsupported', '', false],
  ['text a number', { type: 'text', text: { body: 42 } }, 'text', '42', false],
  ['no type', { text: { body: 'words' } }, 'unsupported', '', false],
  ['type an object', { ...said, type: {} }, 'unsupported', '', true],
  ['image without id', { type: 'image', image: { caption: 'look' } }, 'unsupported', '', true],
  ['image id null', { type: 'image', image: { id: null } }, 'unsupported', '', true],
  ['numbers in texts', { type: 'location', location: place }, 'location', '', false],
  ['no place', { type: 'location', location: { latitude: 'north', longitude: 1 } }, 'unsupported', '', true],
  [
    'card without name',
    { type: 'contacts', contacts: [{ name: null, phones: [{ phone: 49 }] }] },
    'contact',
    '49',
    false,
  ],
  ['card half odd', { type: 'contacts', contacts: [7, { name: { first_name: 'Ina' } }] }, 'contact', 'Ina', true],
  ['no cards', { type: 'contacts', contacts: [] }, 'unsupported', '', false],
  ['code a text', { type: 'unsupported', errors: [{ code: '131051' }] }, 'unsupported', '', false],
  ['code a word', { type: 'unsupported', errors: [{ code: 'x' }] }, 'unsupported', '', true],
  ['button without text', { type: 'button', button: { payload: 'yes' } }, 'interactive', 'yes', false],
  ['button empty', { type: 'button', button: {} }, 'unsupported', '', false],
  [
    'list without description',
    { type: 'interactive', interactive: { list_reply: { id: '1', title: 'One', description: null } } },
    'interactive',
    'One',
    false,
  ],
  ['reaction to nothing', { type: 'reaction', reaction: {} }, 'unsupported', '', true],
  ['edit of nothing', { type: 'edit', edit: { message: said } }, 'unsupported', '', true],
  ['edit without content', { type: 'edit', edit: { original_message_id: 'x', message: {} } }, 'unsupported', '', false],
  [
    'order of odd things',
    { type: 'order', order: { product_items: [{}, 1], text: 'two' } },
    'interactive',
    'two',
    true,
  ],
  ['no time', { ...said, timestamp: null }, 'text', 'words', false],
  ['no readable time', { ...said, timestamp: 'yesterday' }, 'text', 'words', true],
  ['time beyond all', { ...said, timestamp: '999999999999' }, 'text', 'words', true],
];

describe('WhatsApp, what is not quite as documented', () => {
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
  const stamped = (name: string, item: Record<string, unknown>) => ({
    id: `wamid.${name}`,
    timestamp: secondsAgo(0),
    ...item,
  });

  it('costs the field, and is said', () => {
    const { phoneNumberId, accessToken, appSecret, verifyToken } = double;
    const read = (payload: unknown) =>
      parse(
        { method: 'POST', headers: {}, query: {}, rawBody: Buffer.from(JSON.stringify(payload)) },
        { phoneNumberId, accessToken, appSecret, verifyToken },
      );
    for (const [name, item, , , isOdd] of ODD) {
      const { events, skipped } = read(whatsappEvent({ phone: PHONE }, { messages: [stamped(name, item)] }));
      assert.equal(events.length, 1, name);
      assert.equal(skipped.length, isOdd ? 1 : 0, `${name}: ${skipped.join()}`);
    }
    // Without an id there is nothing that could be known again.
    for (const id of [null, {}, '']) {
      const { events, skipped } = read(whatsappEvent({ phone: PHONE }, { messages: [{ ...said, id }] }));
      assert.deepEqual([events.length, skipped.length], [0, 1], JSON.stringify(id));
    }
    const nobodys = read(whatsappEvent({}, { messages: [{ ...said, id: 'wamid.NOBODY', from: {} }] }));
    assert.deepEqual([nobodys.events.length, nobodys.skipped.length], [0, 1]);
  });

  it('every one with an id and a sender is stored', async () => {
    assert.equal(
      await chat.deliver(
        whatsappEvent({ phone: PHONE, name: 'Odd' }, { messages: ODD.map(([name, item]) => stamped(name, item)) }),
      ),
      200,
    );
    const all = await until(async () => {
      const found = await chat.messages('Odd');
      return found.length >= ODD.length && found;
    }, 'all are stored');
    for (const [name, , type, text] of ODD) {
      const message = all.find(({ externalId }) => externalId === `wamid.${name}`);
      assert.deepEqual([message?.type, message?.text], [type, text], name);
    }
  });
});
