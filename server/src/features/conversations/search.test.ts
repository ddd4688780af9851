import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Conversation, Inbox } from '@parley/contract';
import { startTestApp, until } from '../../test/app.ts';
import type { TestApp } from '../../test/app.ts';
import { filled, hostilePatterns } from '../../test/scaling/scaling.ts';
import { history, saidBy, visit } from '../../test/talk.ts';
import type { Visit } from '../../test/talk.ts';

/** What people write in one piece is found as it is written and by its parts, and what is made to be slow is not. */
describe('the search of conversations', () => {
  let test: TestApp;
  let inbox: Inbox;
  let maria: Visit;
  const text =
    'My mail is maria.lopez@example.com, order AB-1234, setting foo_bar, version v2.3.1, path /var/log/app.log, ' +
    "see https://docs.example.org/a_b?x=1#top, price -5.50, “quoted”, don’t and don't, straße, tags <b>bold</b>.";

  const found = async (q: string): Promise<boolean> => {
    const { status, data } = await test.owner<Conversation[]>('GET', `/conversations?q=${encodeURIComponent(q)}`);
    assert.equal(status, 200, q);
    return data.some(({ id }) => id === maria.conversationId);
  };

  before(async () => {
    test = await startTestApp();
    const made = await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web' });
    inbox = made.data;
    maria = await visit(test.url, inbox, 'Maria');
    assert.ok((await maria.say(text, 'a text')).success);
    await until(() => found('straße'), 'the message is stored');
  });
  after(async () => {
    maria?.socket.close();
    await test?.close();
  });

  it('finds pieces as they are written', async () => {
    for (const q of [
      'maria.lopez@example.com',
      'AB-1234',
      'ab-1234',
      'foo_bar',
      'v2.3.1',
      '/var/log/app.log',
      'https://docs.example.org/a_b?x=1#top',
      "don't",
      '<b>bold</b>',
      '5.50',
      'quoted',
    ])
      assert.equal(await found(q), true, q);
  });

  it('finds their parts', async () => {
    for (const q of ['maria', 'example', 'example.com', '1234', 'foo', 'bar', '3.1', 'log', 'docs.example.org', 'bold'])
      assert.equal(await found(q), true, q);
  });

  it('takes a piece for a phrase, and knows what is said with quotes, or, and a dash', async () => {
    const answers: [q: string, isFound: boolean][] = [
      ['bar_foo', false],
      ['1234-AB', false],
      ['AB-1234 v2.3.1', true],
      ['"order AB-1234"', true],
      ['"AB-1234 order"', false],
      ['nothing or foo_bar', true],
      ['nothing OR elsewhere', false],
      ['order -foo_bar', false],
      ['order -"bar foo"', true],
      ['order -bar_foo', true],
      ['order - foo', true],
      ['- -- "" \' " -', false],
      ['-'.repeat(200), false],
    ];
    for (const [q, isFound] of answers) assert.equal(await found(q), isFound, q);
  });

  it('stores 99,000 characters of what parsers stumble over, and answers whoever asks meanwhile', async () => {
    const stranger = await visit(test.url, inbox, 'Stranger');
    const kinds = [...Object.values(hostilePatterns).slice(0, 6), '1.', '-1e', 'a@b.', '&#x'];
    for (const [index, kind] of kinds.entries())
      assert.ok((await stranger.say(`${filled(kind, 98_990)}end${index}`, `hostile ${index}`)).success, kind);
    await maria.say('Is somebody there?');
    const asked = async () =>
      saidBy(await history(test, maria.conversationId), 'contact').includes('Is somebody there?');
    await until(asked, 'the question of somebody else is stored');
    const stored = async () => saidBy(await history(test, stranger.conversationId), 'contact').length === kinds.length;
    await until(stored, 'all of them are stored', 60_000);
    stranger.socket.close();
  });
});
