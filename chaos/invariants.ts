import { MISBEHAVIOUR, readPart, tokensIn } from './answers.ts';
import { CHATS } from './customers.ts';
import type { Evidence, MessageRow } from './evidence.ts';
import { mayDouble } from './faults.ts';
import { ordered } from './order.ts';

/** What was looked at, and what was wrong with it. */
export type Finding = { counted: number; of: string; wrong: string[] };
export type Invariant = { name: string; promise: string; judge(evidence: Evidence): Finding };

/**
 * A send under way when a process or a server ends or stands still may be repeated: one that began a moment before, and
 * one that is given up because its answer comes too late, which is after 15 s.
 */
const BEGAN_BEFORE_MS = 1_500;
const GIVEN_UP_AFTER_MS = 15_000;
const TAKEN_OVER_WITHIN_MS = 10_000;

const accepted = (evidence: Evidence) => evidence.said.filter((one) => one.acceptedAt !== undefined);
const eventOf = (evidence: Evidence) => Map.groupBy(evidence.events, (event) => event.platformId);
const poisonOf = (evidence: Evidence): Set<string> =>
  new Set(evidence.said.filter((one) => one.poison).map((one) => `update:${one.updateId}`));

const plain = (text: string): string => text.replace(/[^\p{L}\p{N}]+/gu, ' ').trim();

export const invariants: Invariant[] = [
  {
    name: 'stored once',
    promise: 'Every message that was accepted with a 200, or acknowledged on a socket, is stored once.',
    judge(evidence) {
      const wrong: string[] = [];
      const events = eventOf(evidence);
      const messages = Map.groupBy(evidence.messages, (message) => message.id);
      const told = accepted(evidence);
      for (const one of told) {
        const found = events.get(`update:${one.updateId}`) ?? [];
        const rows = found.flatMap((event) => messages.get(event.id) ?? []);
        if (found.length !== 1) wrong.push(`${one.token}: ${found.length} events`);
        else if (rows.length !== 1 && !found[0]?.dead) wrong.push(`${one.token}: ${rows.length} messages`);
      }
      const byClient = Map.groupBy(
        evidence.messages.filter((message) => message.author === 'contact' && message.clientId),
        (message) => message.clientId ?? '',
      );
      const onSockets = evidence.visitors.flatMap((visitor) => visitor.accepted);
      for (const token of onSockets) {
        const found = byClient.get(token)?.length ?? 0;
        if (found !== 1) wrong.push(`${token}: ${found} messages`);
      }
      return { counted: told.length + onSockets.length, of: 'messages', wrong };
    },
  },
  {
    name: 'accepted in the end',
    promise: 'Every message that a platform delivers again and again is accepted in the end.',
    judge: (evidence) => ({
      counted: evidence.said.length,
      of: 'webhooks',
      wrong: evidence.said
        .filter((one) => one.acceptedAt === undefined)
        .map((one) => `${one.token}: ${one.answers.join(', ')}`),
    }),
  },
  {
    name: 'answered or handed off once',
    promise: 'Every stored message is named by one answer, or its conversation is in a person’s hands.',
    judge(evidence) {
      const wrong: string[] = [];
      const answers = new Map<string, number>();
      for (const message of evidence.messages) {
        const part = message.author === 'bot' ? readPart(message.text) : undefined;
        if (part?.part !== 1) continue;
        for (const token of part.tokens) answers.set(token, (answers.get(token) ?? 0) + 1);
      }
      const handoffs = Map.groupBy(evidence.handoffs, (handoff) => handoff.conversationId);
      const asked = evidence.messages.filter(
        (message) => message.author === 'contact' && tokensIn(message.text).length === 1,
      );
      for (const message of asked) {
        const [token = ''] = tokensIn(message.text);
        const count = answers.get(token) ?? 0;
        const inHands = (handoffs.get(message.conversationId) ?? []).some(
          ({ endedAt }) => endedAt === null || endedAt >= message.at,
        );
        if (count > 1) wrong.push(`${token}: answered ${count} times`);
        if (count === 0 && !inHands) wrong.push(`${token}: neither answered nor handed off`);
      }
      return { counted: asked.length, of: 'messages', wrong };
    },
  },
  ordered,
  {
    name: 'one voice',
    promise:
      'An answer goes on where it stopped: its parts come once, in order, and never from an earlier try than the part before.',
    judge(evidence) {
      const wrong: string[] = [];
      const turns = Map.groupBy(
        evidence.messages.filter((message) => message.turnId !== null && readPart(message.text)),
        (message) => message.turnId ?? '',
      );
      for (const [, messages] of turns) {
        const parts = messages
          .toSorted((a, b) => (a.ordinal ?? 0) - (b.ordinal ?? 0))
          .flatMap(({ text }) => readPart(text) ?? []);
        const inOrder = parts.every((part, index) => part.part === index + 1);
        const forward = parts.every((part, index) => index === 0 || part.attempt >= (parts[index - 1]?.attempt ?? 0));
        if (!inOrder || !forward) {
          wrong.push(
            `${parts[0]?.tokens.join(' ')}: ${parts.map(({ part, attempt }) => `part ${part} of try ${attempt}`).join(', ')}`,
          );
        }
      }
      return { counted: turns.size, of: 'answers', wrong };
    },
  },
  {
    name: 'delivered',
    promise: 'Every reply on Telegram was heard at least once, or has an error that says why not.',
    judge(evidence) {
      const wrong: string[] = [];
      const heard = new Set(evidence.peer.messages.map(({ chatId, messageId }) => `${chatId}/${messageId}`));
      const blocked = new Set(
        evidence.said.filter(({ chat }) => chat >= CHATS.blocked).map(({ chat }) => `telegram ${chat}`),
      );
      const deliveries = Map.groupBy(evidence.deliveries, (delivery) => delivery.messageId);
      const replies = evidence.messages.filter(
        ({ channel, author, private: hidden }) =>
          channel === 'telegram' && !hidden && (author === 'bot' || author === 'agent'),
      );
      for (const { id, text, thread } of replies) {
        const [delivery, ...more] = deliveries.get(id) ?? [];
        if (!delivery || more.length > 0)
          wrong.push(`${text.slice(0, 60)}: ${delivery ? more.length + 1 : 0} deliveries`);
        else if (delivery.state === 'failed') {
          if (!delivery.error || !blocked.has(thread)) wrong.push(`${text.slice(0, 60)}: failed, ${delivery.error}`);
        } else if (delivery.platformIds.length === 0 || !delivery.platformIds.every((one) => heard.has(one))) {
          wrong.push(`${text.slice(0, 60)}: ${delivery.state}, and nobody heard it`);
        }
      }
      return { counted: replies.length, of: 'replies', wrong };
    },
  },
  {
    name: 'said once',
    promise:
      'Nothing is said twice where our ledger tells; what Telegram heard twice was under way when a process or server was killed, and nothing else was heard.',
    judge(evidence) {
      const wrong: string[] = [];
      for (const [key, rows] of Map.groupBy(
        evidence.messages.filter((message) => readPart(message.text)),
        (message) => `${message.turnId} ${message.ordinal}`,
      ))
        if (rows.length > 1) wrong.push(`${key} is stored ${rows.length} times`);
      for (const desk of evidence.desks) {
        const replies = Map.groupBy(evidence.messages, (message) => message.clientId ?? '');
        for (const id of desk.replied) {
          const count = replies.get(`reply-${id}`)?.length ?? 0;
          if (count !== 1) wrong.push(`the reply to handoff ${id} is stored ${count} times`);
        }
      }
      const known = new Map<string, Set<string>>();
      for (const { thread, text } of evidence.messages) {
        const texts = known.get(thread) ?? new Set();
        known.set(thread, texts.add(plain(text)));
      }
      for (const { chatId, text } of evidence.peer.messages) {
        if (!known.get(`telegram ${chatId}`)?.has(plain(text)))
          wrong.push(`heard and not stored: ${text.slice(0, 60)}`);
      }
      for (const double of doublesOf(evidence)) {
        const cause = evidence.happenings.find(
          (one) => mayDouble(one) && double.at >= one.from - BEGAN_BEFORE_MS && double.at <= one.to + GIVEN_UP_AFTER_MS,
        );
        if (!cause) wrong.push(`heard twice without a cause: ${double.text.slice(0, 60)}`);
      }
      return { counted: evidence.peer.messages.length, of: 'messages heard', wrong };
    },
  },
  {
    name: 'late writes refused',
    promise: 'A worker that stood still for longer than its lease writes nothing more under its old token.',
    judge(evidence) {
      const stood = evidence.happenings.filter(({ told }) => 'late writes refused' in told);
      return {
        counted: stood.reduce((sum, { told }) => sum + Number(told['late writes refused']), 0),
        of: 'refused writes',
        wrong: stood
          .filter(({ told }) => Number(told['late writes refused']) === 0)
          .map(({ fault }) => `${fault}: no write was refused, though answers were under way`),
      };
    },
  },
  {
    name: 'nothing is stuck',
    promise: 'No conversation waits for ever: nothing pending, no turn running, no thread held, every delivery ended.',
    judge: ({ left, conversations }) => ({
      counted: conversations.length,
      of: 'conversations',
      wrong: ['pending events', 'running turns', 'held threads', 'unsent messages']
        .filter((name) => (left[name] ?? 0) > 0)
        .map((name) => `${name}: ${left[name]}`),
    }),
  },
  {
    name: 'taken over in time',
    promise: 'Work of a killed process goes on elsewhere within 10 s.',
    judge(evidence) {
      const kills = evidence.happenings.filter(({ told }) => 'longest ms' in told);
      return {
        counted: kills.reduce((sum, { told }) => sum + Number(told['taken over']), 0),
        of: 'threads and sends taken over',
        wrong: kills.flatMap(({ fault, told }) => [
          ...(Number(told['longest ms']) <= TAKEN_OVER_WITHIN_MS ? [] : [`${fault}: ${told['longest ms']} ms`]),
          ...(Number(told['taken over']) > 0 ? [] : [`${fault}: the killed process held nothing`]),
        ]),
      };
    },
  },
  {
    name: 'facts with the state',
    promise: 'Every message of a customer and every paragraph of a bot has its fact, and every fact is relayed.',
    judge(evidence) {
      const facts = Map.groupBy(evidence.facts, (fact) => fact.subjectId);
      const wrong = evidence.facts
        .filter((fact) => !fact.relayed)
        .map(({ type, subjectId }) => `${type} ${subjectId} is not relayed`);
      const due = (message: MessageRow): string | undefined =>
        message.author === 'contact'
          ? 'message.received'
          : message.author === 'bot' && readPart(message.text)
            ? 'message.sent'
            : undefined;
      for (const message of evidence.messages) {
        const type = due(message);
        if (!type) continue;
        const count = (facts.get(message.id) ?? []).filter((fact) => fact.type.startsWith(type)).length;
        if (count !== 1) wrong.push(`${message.text.slice(0, 40)}: ${count} times ${type}`);
      }
      return { counted: evidence.facts.length, of: 'facts', wrong };
    },
  },
  {
    name: 'no job lost',
    promise: 'Every file a customer sent was fetched by a job.',
    judge(evidence) {
      const messages = Map.groupBy(evidence.messages, (message) => message.id);
      const events = eventOf(evidence);
      const files = accepted(evidence).filter((one) => one.file !== undefined);
      const wrong = files.filter((one) => {
        const rows = (events.get(`update:${one.updateId}`) ?? []).flatMap((event) => messages.get(event.id) ?? []);
        return rows.every((row) => row.files === 0);
      });
      return {
        counted: files.length,
        of: 'files',
        wrong: wrong.map((one) => `${one.token}: the file was never fetched`),
      };
    },
  },
  {
    name: 'dead letters explained',
    promise: 'What was put aside has its error, and is what nobody could have stored; nothing else was put aside.',
    judge(evidence) {
      const poison = poisonOf(evidence);
      const dead = evidence.events.filter((event) => event.dead);
      const wrong = dead.flatMap(({ platformId, error }) => [
        ...(error ? [] : [`${platformId} is dead without an error`]),
        ...(poison.has(platformId) ? [] : [`${platformId} is dead: ${error}`]),
      ]);
      for (const platformId of poison) {
        if (!dead.some((event) => event.platformId === platformId)) wrong.push(`${platformId} is poison, and lives`);
      }
      return { counted: dead.length, of: 'dead letters', wrong };
    },
  },
  {
    name: 'sockets see everything',
    promise:
      'Every visitor and every person at the desk has every message of what they look at, over breaks of the connection.',
    judge(evidence) {
      const wrong: string[] = [];
      const rows = Map.groupBy(
        evidence.messages.filter((message) => !message.private),
        (message) => message.conversationId,
      );
      const look = (who: string, conversationIds: string[], seen: Record<string, string>): void => {
        for (const id of conversationIds) {
          for (const { seq, text } of rows.get(id) ?? []) {
            if (seen[`${id} ${seq}`] !== text) wrong.push(`${who} has not seen ${text.slice(0, 60)}`);
          }
        }
      };
      for (const { name, conversationIds, messages } of evidence.visitors) look(name, conversationIds, messages);
      for (const [index, desk] of evidence.desks.entries()) look(`desk ${index + 1}`, desk.watched, desk.messages);
      for (const { name, foundAtTheEnd } of evidence.visitors) {
        if (foundAtTheEnd > 0) wrong.push(`${name} was told nothing of ${foundAtTheEnd} messages until the last look`);
      }
      const all = [...evidence.visitors, ...evidence.desks];
      const reconnects = all.reduce((sum, one) => sum + one.reconnects, 0);
      if (reconnects > 0 && all.every((one) => one.caughtUp === 0)) wrong.push('nobody caught up with anything');
      return { counted: reconnects, of: 'reconnections', wrong };
    },
  },
  {
    name: 'one conversation',
    promise: 'Two first messages of one customer at the same instant make one conversation.',
    judge(evidence) {
      const handed = new Set(evidence.handoffs.map((handoff) => handoff.conversationId));
      const conversations = Map.groupBy(evidence.conversations, (conversation) => conversation.thread);
      const chats = new Set(
        evidence.said.flatMap(({ chat }) => (chat >= CHATS.together && chat < CHATS.slow ? [chat] : [])),
      );
      const wrong = [...chats].flatMap((chat) => {
        const made = conversations.get(`telegram ${chat}`) ?? [];
        // A person who closes one makes room for another.
        return made.length === 1 || made.some(({ id }) => handed.has(id))
          ? []
          : [`${chat}: ${made.length} conversations`];
      });
      return { counted: chats.size, of: 'customers', wrong };
    },
  },
  {
    name: 'faults took place',
    promise: 'What was to go wrong did: Telegram refused sends, and the model misbehaved in every way.',
    judge(evidence) {
      const refusing = evidence.happenings.filter(({ told }) => 'sends refused' in told);
      return {
        counted: evidence.happenings.length,
        of: 'faults',
        wrong: [
          ...refusing
            .filter(({ told }) => told['sends refused'] === 0)
            .map(({ fault }) => `${fault}: no send was refused`),
          ...MISBEHAVIOUR.filter((kind) => !evidence.peer.modelFaults[kind]).map(
            (kind) => `the model never did: ${kind}`,
          ),
        ],
      };
    },
  },
  {
    name: 'nobody ended',
    promise: 'No process ends unless it is asked to, and one that is asked ends cleanly.',
    judge: (evidence) => ({
      counted: evidence.endings.length,
      of: 'ends',
      wrong: [
        ...evidence.endings
          .filter((one) => !one.asked)
          .map(({ name, code, signal, said }) => `${name} ended with ${code ?? signal}: ${said}`),
        ...evidence.endings
          .filter((one) => one.asked && one.signal === null && one.code !== 0)
          .map(({ name, code, said }) => `${name} was asked to end and ended with ${code}: ${said}`),
      ],
    }),
  },
];

/** Heard by a customer, and not in our ledger: a send whose record was lost. */
export function doublesOf(evidence: Evidence): Evidence['peer']['messages'] {
  const recorded = new Set(evidence.deliveries.flatMap((delivery) => delivery.platformIds));
  return evidence.peer.messages.filter(({ chatId, messageId }) => !recorded.has(`${chatId}/${messageId}`));
}
