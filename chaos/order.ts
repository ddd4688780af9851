import type { Evidence } from './evidence.ts';
import type { Invariant } from './invariants.ts';

/** Every kind of order there is in one conversation, and who could break it. */
export const ordered: Invariant = {
  name: 'in order',
  promise:
    'Inside a conversation numbers have no gap, customers’ messages stand as they were accepted, and Telegram heard replies as they were said.',
  judge(evidence) {
    const wrong = [...numbers(evidence), ...acceptance(evidence), ...hearing(evidence)];
    return { counted: evidence.messages.length, of: 'messages', wrong };
  },
};

function numbers({ messages }: Evidence): string[] {
  const last = new Map<string, number>();
  const wrong: string[] = [];
  for (const { conversationId, seq, text } of messages) {
    const before = last.get(conversationId) ?? 0;
    if (seq !== before + 1) wrong.push(`${conversationId}: ${before} is followed by ${seq} (${text.slice(0, 40)})`);
    last.set(conversationId, seq);
  }
  return wrong;
}

/** As accepted: in the order of the events' numbers, and never a later one first that was sent after the other's 200. */
function acceptance(evidence: Evidence): string[] {
  const wrong: string[] = [];
  const seqOf = new Map(evidence.events.map((event) => [event.id, event.seq]));
  const last = new Map<string, number>();
  for (const message of evidence.messages) {
    const seq = message.author === 'contact' ? seqOf.get(message.id) : undefined;
    if (seq === undefined) continue;
    if (seq < (last.get(message.thread) ?? 0))
      wrong.push(`${message.text.slice(0, 40)} stands behind what was accepted later`);
    last.set(message.thread, Math.max(seq, last.get(message.thread) ?? 0));
  }
  const numberOf = new Map(evidence.events.map((event) => [event.platformId, event.seq]));
  const chats = Map.groupBy(
    evidence.said.filter((one) => one.acceptedAt !== undefined),
    (one) => one.chat,
  );
  for (const [, said] of chats) {
    for (const one of said) {
      const number = numberOf.get(`update:${one.updateId}`) ?? 0;
      const later = said.find(
        (other) =>
          other.sentAt > (one.acceptedAt ?? 0) && (numberOf.get(`update:${other.updateId}`) ?? Infinity) < number,
      );
      if (later) wrong.push(`${later.token} was sent after ${one.token} was accepted, and stands before it`);
    }
  }
  return wrong;
}

function hearing(evidence: Evidence): string[] {
  const wrong: string[] = [];
  const placeOf = new Map(evidence.messages.map((message, index) => [message.id, index]));
  const heardAs = new Map(
    evidence.peer.messages.map(({ chatId, messageId }, index) => [`${chatId}/${messageId}`, index]),
  );
  const lanes = Map.groupBy(
    evidence.deliveries.filter((delivery) => delivery.state === 'sent'),
    (delivery) => delivery.thread,
  );
  for (const [thread, deliveries] of lanes) {
    const inOrder = deliveries.toSorted((a, b) => (placeOf.get(a.messageId) ?? 0) - (placeOf.get(b.messageId) ?? 0));
    let before = -1;
    for (const { platformIds } of inOrder) {
      const heard = platformIds.map((id) => heardAs.get(id) ?? -1);
      if (heard.some((place) => place <= before)) wrong.push(`${thread}: heard in another order than said`);
      before = Math.max(before, ...heard);
    }
  }
  return wrong;
}
