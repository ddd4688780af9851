import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Message, MessageChunk } from '@parley/contract';
import { createMessageStore } from './store.ts';

let made = 0;
function message(seq: number, over: Partial<Message> = {}): Message {
  made += 1;
  return {
    id: `id-${made}`,
    conversationId: 'c',
    seq,
    author: { type: 'agent', id: null, name: 'Maria' },
    type: 'text',
    text: `text ${seq}`,
    location: null,
    attachments: [],
    citations: [],
    choices: [],
    private: false,
    status: 'sent',
    error: null,
    turnId: null,
    ordinal: null,
    clientId: null,
    event: null,
    createdAt: '2026-01-01T10:00:00Z',
    editedAt: null,
    sentAt: null,
    earlier: [],
    missingFiles: [],
    quote: null,
    deletedAt: null,
    edited: false,
    deleted: false,
    failure: null,
    retries: 0,
    replyToId: null,
    reactions: [],
    externalId: null,
    details: null,
    unsupported: null,
    ...over,
  };
}
const chunk = (ordinal: number, text: string, last = false): MessageChunk => ({
  conversationId: 'c',
  turnId: 'turn',
  ordinal,
  text,
  last,
});
const texts = (store: ReturnType<typeof createMessageStore>): string[] => store.entries().map((entry) => entry.text);
const draft = (clientId: string, text: string) => ({ clientId, text, attachments: [], at: 1, error: null });

describe('message store', () => {
  it('never shows what is meant for agents', () => {
    const store = createMessageStore();
    assert.equal(store.receive(message(1, { private: true })).fresh, false);
    assert.deepEqual(texts(store), []);
  });

  it('shows a message once, however often it comes', () => {
    const store = createMessageStore();
    const one = message(1);
    assert.equal(store.receive(one).fresh, true);
    assert.equal(store.receive({ ...one }).fresh, false);
    store.settle([{ ...one }], 1);
    assert.deepEqual(texts(store), ['text 1']);
  });

  it('orders by number, not by arrival', () => {
    const store = createMessageStore();
    for (const seq of [3, 1, 2]) store.receive(message(seq));
    assert.deepEqual(texts(store), ['text 1', 'text 2', 'text 3']);
  });

  it('tells a gap and asks from before it', () => {
    const store = createMessageStore();
    assert.equal(store.receive(message(1)).gap, false);
    assert.equal(store.receive(message(3)).gap, true);
    assert.equal(store.after(), 1);
    assert.deepEqual(
      store.settle([message(2), message(3)], 3).map((each) => each.text),
      ['text 2', 'text 3'],
    );
    assert.equal(store.receive(message(4)).gap, false);
  });

  it('does not ask for ever for a number that is a note between agents', () => {
    const store = createMessageStore();
    store.receive(message(1));
    store.receive(message(3));
    store.settle([], store.highest());
    assert.equal(store.after(), 3);
    assert.equal(store.receive(message(4)).gap, false);
  });

  it('keeps the gap open when a message comes while the answer is under way', () => {
    const store = createMessageStore();
    store.receive(message(1));
    store.receive(message(3));
    const upTo = store.highest();
    store.receive(message(6));
    store.settle([message(2)], upTo);
    assert.equal(store.after(), 3);
    assert.equal(store.highest(), 6);
  });

  it('turns a paragraph into its message without a second one or another key', () => {
    const store = createMessageStore();
    store.chunk(chunk(0, 'First.'));
    const [partial] = store.entries();
    assert.equal(partial?.state, 'partial');
    store.receive(
      message(1, { author: { type: 'bot', id: null, name: 'Ada' }, text: 'First.', turnId: 'turn', ordinal: 0 }),
    );
    const after = store.entries();
    assert.equal(after.length, 1);
    assert.equal(after[0]?.key, partial?.key);
    assert.equal(after[0]?.state, 'sent');
  });

  it('calls a paragraph by the name its message will have', () => {
    const store = createMessageStore();
    store.nameBot('Ada');
    store.nameBot(null);
    store.chunk(chunk(0, 'First.'));
    assert.equal(store.entries()[0]?.name, 'Ada');
  });

  it('ignores a paragraph that comes after its message', () => {
    const store = createMessageStore();
    store.receive(message(1, { text: 'First.', turnId: 'turn', ordinal: 0 }));
    store.chunk(chunk(0, 'First.'));
    assert.deepEqual(texts(store), ['First.']);
  });

  it('orders paragraphs inside a turn and puts drafts last', () => {
    const store = createMessageStore();
    store.put(draft('d', 'And this?'));
    store.chunk(chunk(1, 'Second.'));
    store.chunk(chunk(0, 'First.'));
    store.receive(message(1, { text: 'Question' }));
    assert.deepEqual(texts(store), ['Question', 'First.', 'Second.', 'And this?']);
  });

  it('knows whether a turn is running', () => {
    const store = createMessageStore();
    assert.equal(store.running(), false);
    store.chunk(chunk(0, 'First.'));
    assert.equal(store.running(), true);
    store.chunk(chunk(1, '', true));
    assert.equal(store.running(), false);
    assert.deepEqual(texts(store), ['First.']);
    store.chunk({ ...chunk(0, 'Other.'), turnId: 'other' });
    store.endTurns();
    assert.equal(store.running(), false);
  });

  it('replaces a draft by the message with its clientId, under the same key', () => {
    const store = createMessageStore();
    store.put(draft('mine', 'Hello'));
    const before = store.entries()[0];
    store.receive(message(1, { text: 'Hello', clientId: 'mine', author: { type: 'contact', id: null, name: null } }));
    const after = store.entries();
    assert.deepEqual([before?.state, after.length, after[0]?.state], ['sending', 1, 'sent']);
    assert.equal(before?.key, after[0]?.key);
  });

  it('never moves a status back and never undoes an edit', () => {
    const store = createMessageStore();
    const first = message(1, { status: 'read', text: 'edited', editedAt: '2026-01-01T10:01:00Z' });
    store.receive(first);
    store.receive({ ...first, status: 'sent', text: 'old', editedAt: null });
    const [kept] = store.messages();
    assert.deepEqual([kept?.status, kept?.text], ['read', 'edited']);
  });

  it('says why a message of the visitor failed', () => {
    const store = createMessageStore();
    store.put({ ...draft('d', 'x'), error: 'Too long.' });
    assert.deepEqual(
      store.entries().map(({ state, error }) => [state, error]),
      [['failed', 'Too long.']],
    );
  });
});
