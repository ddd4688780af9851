import type { Conversation } from '@parley/contract';
import { describe, expect, it } from 'vitest';
import { conversationAt, idOf } from '../../test/conversation.ts';
import { labelsThatFit } from './labelsThatFit.ts';
import { covers, join, leave, neighbour, place, readAgain, type RowFilter, type Rows } from './rows.ts';

const open: RowFilter = { status: 'bot,waiting,agent' };
const nobody = { me: null, keep: null };
const rowsOf = (numbers: number[], more: Partial<Rows> = {}): Rows => ({
  items: numbers.map((number) => conversationAt(number)),
  nextCursor: null,
  more: false,
  ...more,
});
const numbers = ({ items }: Rows) => items.map(({ id }) => Number(id.slice(-12)));
/** It spoke at this minute. */
const spoke = (number: number, minute: number, changes: Partial<Conversation> = {}) =>
  conversationAt(number, { lastSeq: 5, lastMessageAt: conversationAt(minute).lastMessageAt, ...changes });

describe('a conversation that changes', () => {
  it('moves up when it speaks, and comes in where it belongs', () => {
    const rows = rowsOf([50, 40, 30]);
    expect(numbers(place(rows, open, spoke(30, 60), nobody))).toEqual([30, 50, 40]);
    expect(numbers(place(rows, open, conversationAt(45), nobody))).toEqual([50, 45, 40, 30]);
    expect(numbers(place(rows, open, conversationAt(10), nobody))).toEqual([50, 40, 30, 10]);
  });

  it('of one moment stands in the order of the server, by id', () => {
    const rows = rowsOf([50]);
    const twin = spoke(51, 50);
    expect(numbers(place(rows, open, twin, nobody))).toEqual([51, 50]);
    expect(numbers(place(place(rows, open, twin, nobody), open, spoke(49, 50), nobody))).toEqual([51, 50, 49]);
  });

  it('changes in its place when it does not speak', () => {
    const rows = place(rowsOf([50, 40, 30]), open, conversationAt(40, { labels: ['vip'] }), nobody);
    expect(numbers(rows)).toEqual([50, 40, 30]);
    expect(rows.items[1]?.labels).toEqual(['vip']);
  });

  it('goes where it is no longer one of the list, and comes where it is one now', () => {
    const resolved = conversationAt(40, { status: 'resolved' });
    expect(numbers(place(rowsOf([50, 40, 30]), open, resolved, nobody))).toEqual([50, 30]);
    expect(numbers(place(rowsOf([50, 30]), { status: 'resolved' }, resolved, nobody))).toEqual([50, 40, 30]);
    const mine = conversationAt(40, { assignee: { id: idOf(7), name: 'Olivia' } });
    const seen = { me: idOf(7), keep: null };
    expect(numbers(place(rowsOf([]), { assigneeId: 'me' }, mine, seen))).toEqual([40]);
    expect(numbers(place(rowsOf([40]), { assigneeId: 'none' }, mine, seen))).toEqual([]);
    expect(numbers(place(rowsOf([]), { inboxId: idOf(1) }, mine, seen))).toEqual([]);
  });

  it('stays while it is open, and goes when it is left', () => {
    const seen = { me: null, keep: idOf(40) };
    const rows = place(rowsOf([50, 40, 30]), open, conversationAt(40, { status: 'resolved' }), seen);
    expect(numbers(rows)).toEqual([50, 40, 30]);
    expect(numbers(leave(rows, open, idOf(40), null))).toEqual([50, 30]);
    const still = rowsOf([50, 40]);
    expect(leave(still, open, idOf(40), null)).toBe(still);
  });

  it('is not put at the edge of what is loaded: what lies between is not known', () => {
    const part = rowsOf([50, 40, 30], { nextCursor: 'further', more: true });
    expect(numbers(place(part, open, conversationAt(10), nobody))).toEqual([50, 40, 30]);
    expect(numbers(place(part, open, spoke(30, 90), nobody))).toEqual([50, 40]);
    // Even the first one leaves, since the page above is asked for from there.
    expect(numbers(place(part, open, spoke(50, 90), nobody))).toEqual([40, 30]);
    expect(numbers(place(part, open, conversationAt(30, { labels: ['vip'] }), nobody))).toEqual([50, 40, 30]);
    expect(numbers(place(part, open, spoke(30, 90), { me: null, keep: idOf(30) }))).toEqual([30, 50, 40]);
  });

  it('is not changed by an event that was overtaken, and not found by a search', () => {
    const rows = rowsOf([50, 40]);
    expect(place(rows, open, conversationAt(40, { lastSeq: 3, status: 'resolved' }), nobody)).toBe(rows);
    expect(place(rows, { q: 'tent' }, conversationAt(45), nobody)).toBe(rows);
    expect(numbers(place(rows, { q: 'tent' }, spoke(40, 60), nobody))).toEqual([40, 50]);
  });
});

describe('pages', () => {
  it('join without gaps and twins, whichever side they are of', () => {
    const rows = rowsOf([50, 40, 30], { nextCursor: 'a', more: true });
    const below = join(rows, [conversationAt(30, { labels: ['new'] }), conversationAt(20)], { nextCursor: null });
    expect(numbers(below)).toEqual([50, 40, 30, 20]);
    expect(below).toMatchObject({ nextCursor: null, more: true });
    expect(below.items[2]?.labels).toEqual(['new']);
    expect(numbers(join(rows, [conversationAt(70), conversationAt(60)], { more: false }))).toEqual([
      70, 60, 50, 40, 30,
    ]);
  });

  it('read again keep the open conversation in its place', () => {
    const seen = { me: null, keep: idOf(45) };
    expect(numbers(readAgain(rowsOf([60, 50, 40]), rowsOf([50, 45]), seen))).toEqual([60, 50, 45, 40]);
    expect(numbers(readAgain(rowsOf([60, 50]), undefined, seen))).toEqual([60, 50]);
  });

  it('know which places they cover', () => {
    const part = rowsOf([50, 30], { nextCursor: 'a', more: true });
    expect([60, 40, 20].map((number) => covers(part, conversationAt(number)))).toEqual([false, true, false]);
    expect([60, 20].map((number) => covers(rowsOf([50, 30]), conversationAt(number)))).toEqual([true, true]);
  });
});

it('labels that fit are shown, and the first one always', () => {
  expect(labelsThatFit(['vip', 'billing', 'returns'])).toEqual(['vip', 'billing']);
  expect(labelsThatFit(['a label that is far too long for a row', 'vip'])).toEqual([
    'a label that is far too long for a row',
  ]);
  expect(labelsThatFit([])).toEqual([]);
});

it('the next is the one below, at the end the one above, and nothing when it was the only one', () => {
  const { items } = rowsOf([50, 40, 30]);
  expect(neighbour(items, idOf(50))?.id).toBe(idOf(40));
  expect(neighbour(items, idOf(30))?.id).toBe(idOf(40));
  expect(neighbour(items.slice(0, 1), idOf(50))).toBeUndefined();
});
