import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createReplyReader } from './reply-reader.ts';

const read = (pieces: string[]) => {
  const events: string[] = [];
  const reader = createReplyReader({
    onVerdict: (enough) => events.push(enough ? 'YES' : 'NO'),
    onReply: (text) => events.push(`text:${text}`),
  });
  for (const piece of pieces) reader.push(piece);
  reader.end();
  const text = events
    .filter((event) => event.startsWith('text:'))
    .map((event) => event.slice(5))
    .join('');
  return { events, text, verdict: reader.verdict, citations: reader.citations, complete: reader.complete };
};

test('no text before the verdict, even when the model writes it first', () => {
  const late = read([...'{"citations":["p1"],"reply":"Hello","have_enough_information_for_reply":"NO"}']);
  assert.deepEqual(late.events, ['NO', 'text:Hello']);
  assert.deepEqual(read([...'{"reply":"Hello"']).events, []);
});

test('what surrounds the reply is not the reply: thoughts, drafts, fences', () => {
  const object = (verdict: string, reply: string) =>
    JSON.stringify({ have_enough_information_for_reply: verdict, reply, citations: ['p1'] });
  const cases: [string, boolean | undefined, string][] = [
    [`<think>${object('NO', 'draft')} { "open</think>${object('YES', 'Hello')}`, true, 'Hello'],
    [`<THINKING>\n{</THINKING>\n\`\`\`json\n${object('NO', '')}\n\`\`\``, false, ''],
    [`Draft: ${object('NO', 'draft')} Final: ${object('YES', 'Hello')} Done.`, true, 'Hello'],
    [`Draft: ${object('YES', 'draft')} Final: ${object('NO', '')}`, false, ''],
    [`I use { braces } here. ${object('YES', 'Hello')}`, true, 'Hello'],
    [`${object('NO', '')} Wait. ${object('YES', 'Hello')}`, true, 'Hello'],
    [`${object('YES', 'Hello')} or ${object('NO', '')}`, true, 'Hello'],
    [`<think>${object('YES', 'never ends')}`, undefined, ''],
  ];
  for (const [written, verdict, text] of cases)
    for (const pieces of [[written], [...written]]) {
      const seen = read(pieces);
      assert.deepEqual([seen.verdict, seen.text], [verdict, text], written);
    }
});

test('half of an object is not complete; no object has no verdict', () => {
  assert.equal(read(['{"have_enough_information_for_reply":"YES","reply":"a']).complete, false);
  const none = read(['I am sorry, I cannot do that.']);
  assert.equal(none.verdict, undefined);
  assert.equal(none.complete, false);
});

test('any reply survives any chunking', () => {
  const reply = fc.string({ unit: 'grapheme', maxLength: 60 });
  const values = fc.record({
    reply,
    ids: fc.array(fc.string({ maxLength: 5 }), { maxLength: 3 }),
    size: fc.integer({ min: 1, max: 9 }),
    ascii: fc.boolean(),
  });
  fc.assert(
    fc.property(values, (value) => {
      let json = JSON.stringify({ have_enough_information_for_reply: 'YES', reply: value.reply, citations: value.ids });
      if (value.ascii)
        json = json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
      const pieces = json.match(new RegExp(`[^]{1,${value.size}}`, 'g')) ?? [];
      const seen = read(['```json\n', ...pieces, '\n```']);
      assert.equal(seen.text, value.reply);
      assert.deepEqual(seen.citations, value.ids);
      assert.equal(seen.complete, true);
    }),
    { numRuns: 300 },
  );
});

test('sloppy forms are understood: booleans, bare words, objects as citations, raw line breaks', () => {
  const sloppy = read([
    '{"have_enough_information_for_reply": true, "note": {"a": ["}"]}, "reply": "a\nb", "citations": [{"id": "p2"}, 3]}',
  ]);
  assert.deepEqual([sloppy.verdict, sloppy.text, sloppy.citations], [true, 'a\nb', ['p2']]);
  assert.equal(read(['{"have_enough_information_for_reply": NO, "reply": ""}']).verdict, false);
  assert.equal(read(['{"have_enough_information_for_reply": "maybe", "reply": "x"}']).verdict, undefined);
});
