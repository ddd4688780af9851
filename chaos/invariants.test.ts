import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MISBEHAVIOUR } from './answers.ts';
import { CHATS } from './customers.ts';
import type { Evidence } from './evidence.ts';
import { faults } from './faults.ts';
import { invariants } from './invariants.ts';

/** A small run in which everything held. */
function good(): Evidence {
  const message = (more: Partial<Evidence['messages'][number]>): Evidence['messages'][number] => ({
    id: 'm',
    conversationId: 'c1',
    thread: 'telegram 1',
    channel: 'telegram',
    seq: 1,
    author: 'contact',
    text: '',
    turnId: null,
    ordinal: null,
    clientId: null,
    private: false,
    files: 0,
    at: 1_000,
    ...more,
  });
  const said = (more: Partial<Evidence['said'][number]>): Evidence['said'][number] => ({
    token: 'q1x1',
    chat: 1,
    updateId: 1,
    sentAt: 900,
    acceptedAt: 1_000,
    answers: [200, 200, 200],
    poison: false,
    file: undefined,
    ...more,
  });
  return {
    said: [
      said({}),
      said({ token: 'q1x2', updateId: 2, sentAt: 5_000, acceptedAt: 5_100, file: 'file-1' }),
      said({ token: 'q2x1', chat: 2, updateId: 3, poison: true }),
    ],
    visitors: [
      {
        name: 'visitor 1',
        conversationIds: ['c2'],
        messages: { 'c2 1': 'w1x1 how long' },
        accepted: ['w1x1'],
        reconnects: 1,
        caughtUp: 1,
        foundAtTheEnd: 0,
        refused: '',
      },
    ],
    desks: [
      {
        replied: ['h1'],
        closed: ['h1'],
        reconnects: 0,
        messages: { 'c3 1': 'A person answers h1' },
        watched: ['c3'],
        caughtUp: 0,
        foundAtTheEnd: 0,
      },
    ],
    peer: {
      messages: [
        { chatId: '1', messageId: 10, text: 'Part 1, told in try 1, answers q1x1.', at: 2_000 },
        { chatId: '1', messageId: 11, text: 'Part 2, told in try 2, answers q1x1.', at: 2_100 },
        { chatId: '1', messageId: 12, text: 'Part 1, told in try 1, answers q1x2.', at: 6_000 },
      ],
      refused: {},
      modelRequests: 3,
      modelFaults: Object.fromEntries(MISBEHAVIOUR.map((kind) => [kind, 1])),
    },
    happenings: [
      {
        fault: 'kill -9 of a worker',
        from: 100_000,
        to: 110_000,
        told: { 'held at the kill': 3, 'taken over': 2, 'longest ms': 8_000 },
      },
      { fault: 'SIGSTOP of a worker', from: 120_000, to: 130_000, told: { 'late writes refused': 2 } },
    ],
    endings: [{ name: 'api 1', asked: true, code: 0, signal: null, said: '' }],
    events: [
      { id: 'm1', platformId: 'update:1', thread: 'telegram 1', seq: 1, dead: false, error: null },
      { id: 'm4', platformId: 'update:2', thread: 'telegram 1', seq: 2, dead: false, error: null },
      { id: 'm9', platformId: 'update:3', thread: 'telegram 2', seq: 3, dead: true, error: 'a poison message' },
    ],
    conversations: [
      { id: 'c1', thread: 'telegram 1', createdAt: 1_000 },
      { id: 'c2', thread: 'web v', createdAt: 1_000 },
      { id: 'c3', thread: 'web u', createdAt: 1_000 },
    ],
    messages: [
      message({ id: 'm1', text: 'q1x1 how long' }),
      message({
        id: 'm2',
        seq: 2,
        author: 'bot',
        text: 'Part 1, told in try 1, answers q1x1.',
        turnId: 't1',
        ordinal: 0,
      }),
      message({
        id: 'm3',
        seq: 3,
        author: 'bot',
        text: 'Part 2, told in try 2, answers q1x1.',
        turnId: 't1',
        ordinal: 1,
      }),
      message({ id: 'm4', seq: 4, text: 'q1x2 how long', at: 5_050, files: 1 }),
      message({
        id: 'm5',
        seq: 5,
        author: 'bot',
        text: 'Part 1, told in try 1, answers q1x2.',
        turnId: 't2',
        ordinal: 0,
      }),
      message({
        id: 'm6',
        conversationId: 'c2',
        thread: 'web v',
        channel: 'web',
        text: 'w1x1 how long',
        clientId: 'w1x1',
      }),
      message({
        id: 'm7',
        conversationId: 'c3',
        thread: 'web u',
        channel: 'web',
        author: 'agent',
        text: 'A person answers h1',
        clientId: 'reply-h1',
      }),
    ],
    deliveries: [
      { messageId: 'm2', thread: 'telegram 1', seq: 1, state: 'sent', error: null, platformIds: ['1/10'] },
      { messageId: 'm3', thread: 'telegram 1', seq: 2, state: 'sent', error: null, platformIds: ['1/11'] },
      { messageId: 'm5', thread: 'telegram 1', seq: 3, state: 'sent', error: null, platformIds: ['1/12'] },
    ],
    handoffs: [{ id: 'h1', conversationId: 'c2', endedAt: null }],
    facts: [
      { subjectId: 'm1', type: 'message.received', relayed: true },
      { subjectId: 'm2', type: 'message.sent', relayed: true },
      { subjectId: 'm3', type: 'message.sent', relayed: true },
      { subjectId: 'm4', type: 'message.received', relayed: true },
      { subjectId: 'm5', type: 'message.sent', relayed: true },
      { subjectId: 'm6', type: 'message.received', relayed: true },
    ],
    left: { 'pending events': 0 },
  };
}

type Spoil = (evidence: Evidence) => void;
const at = <T>(list: T[], index: number): T => {
  const found = list[index];
  assert.ok(found);
  return found;
};
const swap = <T>(list: T[], a: number, b: number): void => {
  const [one, other] = [at(list, a), at(list, b)];
  list[a] = other;
  list[b] = one;
};

/** What each promise must find: every one of them is shown able to fail. */
const spoils: Record<string, Record<string, Spoil>> = {
  'stored once': {
    'an accepted event is gone': (evidence) => void evidence.events.shift(),
    'a message is gone': (evidence) => void evidence.messages.splice(3, 1),
    'a message is stored twice': (evidence) => void evidence.messages.push({ ...at(evidence.messages, 0), seq: 6 }),
    'a word on a socket is gone': (evidence) => void evidence.messages.splice(5, 1),
    'a word on a socket is stored twice': (evidence) =>
      void evidence.messages.push({ ...at(evidence.messages, 5), seq: 2 }),
  },
  'accepted in the end': {
    'never accepted': (evidence) => void (at(evidence.said, 0).acceptedAt = undefined),
  },
  'answered or handed off once': {
    'no answer': (evidence) => void evidence.messages.splice(1, 2),
    'two answers': (evidence) =>
      void evidence.messages.push({ ...at(evidence.messages, 1), id: 'again', turnId: 't9', seq: 6 }),
    'handed off and ended before': (evidence) => void (at(evidence.handoffs, 0).endedAt = 500),
  },
  'in order': {
    'a gap in the numbers': (evidence) => void (at(evidence.messages, 4).seq = 7),
    'not as accepted': (evidence) => {
      at(evidence.events, 0).seq = 2;
      at(evidence.events, 1).seq = 1;
    },
    'sent later, numbered before': (evidence) => {
      at(evidence.said, 0).sentAt = 6_000;
    },
    'heard in another order': (evidence) => swap(evidence.peer.messages, 0, 1),
  },
  'one voice': {
    'an earlier try speaks again': (evidence) => {
      at(evidence.messages, 1).text = 'Part 1, told in try 2, answers q1x1.';
      at(evidence.messages, 2).text = 'Part 2, told in try 1, answers q1x1.';
    },
    'a part comes twice': (evidence) => void (at(evidence.messages, 2).text = 'Part 1, told in try 2, answers q1x1.'),
    'a part is left out': (evidence) => void (at(evidence.messages, 2).text = 'Part 3, told in try 2, answers q1x1.'),
  },
  delivered: {
    'no delivery': (evidence) => void evidence.deliveries.shift(),
    'never heard': (evidence) => void evidence.peer.messages.shift(),
    'never ended': (evidence) => void Object.assign(at(evidence.deliveries, 0), { state: 'pending', platformIds: [] }),
    'failed without need': (evidence) =>
      void Object.assign(at(evidence.deliveries, 0), { state: 'failed', error: 'why' }),
  },
  'said once': {
    'heard twice for no reason': (evidence) =>
      void evidence.peer.messages.push({ ...at(evidence.peer.messages, 0), messageId: 99 }),
    'heard and never stored': (evidence) =>
      void evidence.peer.messages.push({ chatId: '1', messageId: 99, text: 'Who said that?', at: 105_000 }),
    'stored twice': (evidence) => void evidence.messages.push({ ...at(evidence.messages, 1), id: 'again' }),
    'a person said it twice': (evidence) => void evidence.messages.push({ ...at(evidence.messages, 6), seq: 2 }),
  },
  'late writes refused': {
    'the paused one could write': (evidence) => void (at(evidence.happenings, 1).told['late writes refused'] = 0),
  },
  'nothing is stuck': {
    'an event waits': (evidence) => void (evidence.left['pending events'] = 1),
    'a turn runs': (evidence) => void (evidence.left['running turns'] = 1),
    'a thread is held': (evidence) => void (evidence.left['held threads'] = 1),
    'a message is unsent': (evidence) => void (evidence.left['unsent messages'] = 1),
  },
  'taken over in time': {
    late: (evidence) => void (at(evidence.happenings, 0).told['longest ms'] = 12_000),
    never: (evidence) => void (at(evidence.happenings, 0).told['longest ms'] = Number.POSITIVE_INFINITY),
    'nothing was held': (evidence) => void (at(evidence.happenings, 0).told['taken over'] = 0),
  },
  'facts with the state': {
    'a fact is missing': (evidence) => void evidence.facts.shift(),
    'a fact is not relayed': (evidence) => void (at(evidence.facts, 0).relayed = false),
    'a fact is there twice': (evidence) => void evidence.facts.push(at(evidence.facts, 0)),
  },
  'no job lost': {
    'a file is missing': (evidence) => void (at(evidence.messages, 3).files = 0),
  },
  'dead letters explained': {
    'no error': (evidence) => void (at(evidence.events, 2).error = null),
    'dead without need': (evidence) => void Object.assign(at(evidence.events, 0), { dead: true, error: 'why' }),
    'poison lives': (evidence) => void (at(evidence.events, 2).dead = false),
  },
  'sockets see everything': {
    'a visitor misses a message': (evidence) => void (at(evidence.visitors, 0).messages = {}),
    'the desk misses a message': (evidence) => void (at(evidence.desks, 0).messages = {}),
    'told too late': (evidence) => void (at(evidence.visitors, 0).foundAtTheEnd = 1),
    'nobody resumed': (evidence) => void (at(evidence.visitors, 0).caughtUp = 0),
  },
  'one conversation': {
    'two of them': (evidence) => {
      at(evidence.said, 0).chat = CHATS.together;
      for (const id of ['x', 'y'])
        evidence.conversations.push({ id, thread: `telegram ${CHATS.together}`, createdAt: 1 });
    },
  },
  'faults took place': {
    'Telegram was well': (evidence) => void (at(evidence.happenings, 0).told['sends refused'] = 0),
    'the model never hung': (evidence) => void delete evidence.peer.modelFaults.hang,
  },
  'nobody ended': {
    'a crash': (evidence) => void (at(evidence.endings, 0).asked = false),
    'a stop that failed': (evidence) => void (at(evidence.endings, 0).code = 70),
  },
};

test('a run in which everything held is found good', () => {
  for (const { name, judge } of invariants) assert.deepEqual(judge(good()).wrong, [], name);
});

test('what is heard twice around a kill is explained', () => {
  const evidence = good();
  evidence.peer.messages.push({ ...at(evidence.peer.messages, 2), messageId: 99, at: 105_000 });
  for (const { name, judge } of invariants) assert.deepEqual(judge(evidence).wrong, [], name);
});

for (const { name, judge } of invariants) {
  test(`${name}: can fail`, () => {
    const ways = Object.entries(spoils[name] ?? {});
    assert.ok(ways.length > 0, 'nothing shows that it can');
    for (const [way, spoil] of ways) {
      const evidence = good();
      spoil(evidence);
      assert.ok(judge(evidence).wrong.length > 0, way);
    }
  });
}

test('every fault has a name of its own and says what it is', () => {
  assert.equal(new Set(faults.map(({ name }) => name)).size, faults.length);
  for (const { about } of faults) assert.match(about, /^[A-Z].*\.$|^kill.*\.$/);
});
