import type { Channel, ChannelHttp, SendContext, SendResult } from '../channels/contract.ts';
import { createPacing } from '../channels/pacing.ts';
import { channels } from '../channels/registry.ts';
import { conversationTouched } from '../features/conversations/changes.ts';
import { WINDOW_CLOSED, windowOf } from '../features/conversations/window.ts';
import { noteDisconnected } from '../features/inboxes/disconnected.ts';
import { messageUpdated } from '../features/messages/changes.ts';
import { DELIVERY_DUE, readDeliveryKey, writeDeliveryKey } from '../features/messages/topics.ts';
import type { DeliveryKey } from '../features/messages/topics.ts';
import type { InboxDirectory, InboxRuntime } from '../features/inboxes/directory.ts';
import { AppError } from '../platform/errors.ts';
import type { MakeLimiter } from '../platform/limits/limiter.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { turnMetrics } from './metrics.ts';
import { enter, readCarried } from '../platform/telemetry/tracing.ts';
import type { Tracing } from '../platform/telemetry/tracing.ts';
import type { Publish } from '../platform/publish/publish.ts';
import type { Store } from '../platform/data/tenant.ts';
import type { Wake } from '../platform/cluster/wake.ts';
import { createKeyedQueue } from '../platform/jobs/keyed-queue.ts';
import { applyEarly } from './apply.ts';
import { endDelivery, moveThread, notePart, receiptsBefore, sendContext } from './deliveries.ts';
import { claimDelivery, keepRenewed, postponeDelivery, renewDelivery } from './lease.ts';
import type { ClaimedDelivery } from './lease.ts';

/** A message that cannot be made or sent for a reason of its own does not hold up those behind it for longer. */
const MAX_OWN_FAULTS = 5;
/** After this a message is no longer an answer to anything. */
const EXPIRES_AFTER_MS = 24 * 3600 * 1000;
const backoffMs = (attempts: number): number =>
  Math.min(300_000, 1000 * 2 ** Math.min(attempts, 9)) * (0.75 + Math.random() / 2);

/** What an error means for the message: the platform is away, and it waits; or the message itself is at fault. */
function afterError(error: unknown, delivery: ClaimedDelivery): SendResult {
  if (error instanceof AppError && (error.code === 'not_found' || error.code === 'payload_too_large')) {
    return { outcome: 'failed', reason: error.message };
  }
  const away = error instanceof AppError && error.code === 'unavailable';
  if (!away && delivery.attempts >= MAX_OWN_FAULTS) {
    return { outcome: 'failed', reason: 'This message could not be sent. The log names the error.' };
  }
  // Whether the platform got it may be unknown. Silence would be worse than sending it twice.
  const afterMs = away && error.retryAfter ? error.retryAfter * 1000 : backoffMs(delivery.attempts);
  return { outcome: 'retry', afterMs, reason: away ? error.message : 'The platform could not be reached.' };
}

const CROWDED = 'More is sent than the platform takes at once.';
/** The platform was not asked, so that this is no attempt. */
type Crowded = { outcome: 'crowded'; afterMs: number };

/** A channel with what it needs to send for an inbox. */
export type ClientOf = (inbox: InboxRuntime) => Promise<{ channel: Channel; http: ChannelHttp; credentials: unknown }>;

/**
 * Sends to the platform what stands in the table: in order inside a thread, at least once. A message that can never be
 * sent is marked as failed with the reason, and the thread goes on.
 */
export function createDelivery(deps: {
  store: Store;
  wake: Wake;
  publish: Publish;
  log: Logger;
  metrics: Metrics;
  tracing: Tracing;
  inboxes: InboxDirectory;
  clientOf: ClientOf;
  makeLimiter: MakeLimiter;
}) {
  const { store, wake, publish, log, metrics, tracing } = deps;
  const pacing = createPacing(deps.makeLimiter);
  let closing = false;
  /** Deliveries this process has already, each before what is claimed of its thread next. */
  const begun = new Map<string, ClaimedDelivery>();
  const queue = createKeyedQueue({ wake, topic: DELIVERY_DUE, work: (name) => drain(readDeliveryKey(name)) });

  async function sendParts(
    key: DeliveryKey,
    delivery: ClaimedDelivery,
    inbox: InboxRuntime,
  ): Promise<SendResult | Crowded> {
    const { channel, http, credentials } = await deps.clientOf(inbox);
    const { message } = delivery;
    const rendered = channel.render({
      messageId: message.id,
      author: message.author,
      text: message.text,
      citations: message.citations.map(({ number, title, url }) => ({ number, title, url })),
      attachments: message.attachments,
      ...(message.choices.length > 0 ? { choices: message.choices } : {}),
      ...(delivery.template ? { template: delivery.template } : {}),
    });
    const left = rendered.slice(delivery.acceptedParts.length);
    let result: SendResult = { outcome: 'sent', platformId: delivery.acceptedParts.at(-1) ?? '' };
    let { threadKey } = delivery;
    for (const [index, part] of left.entries()) {
      const context = sendContext(store, {
        workspaceId: key.workspaceId,
        conversationId: delivery.conversationId,
        threadKey,
        replyToId: message.replyToId,
        attemptKey: `${message.id}:${part.ordinal}`,
      });
      const closed = await windowClosed(channel, delivery, context);
      if (closed) return closed;
      const waitMs = await pacing.wait(channel, inbox.id);
      if (waitMs !== undefined) return { outcome: 'crowded', afterMs: waitMs };
      result = await channel.send(part, context, credentials, http);
      if (result.outcome !== 'sent') return result;
      if (result.movedTo) {
        threadKey = result.movedTo;
        const { movedTo } = result;
        await store.inWorkspace(key.workspaceId, (tx) => moveThread(tx, key.threadId, movedTo));
      }
      if (index < left.length - 1 && !(await notePart(store, key.workspaceId, delivery, result.platformId))) {
        throw new Error('another process has the delivery now');
      }
    }
    return result;
  }

  /** Asked here, too, since an answer may wait until its window is over. */
  async function windowClosed(
    channel: Channel,
    { message, template }: ClaimedDelivery,
    context: SendContext,
  ): Promise<SendResult | undefined> {
    if (!channel.window || template) return undefined;
    const { lastInbound } = await context.conversation();
    const window = windowOf(channel.name, lastInbound?.at ?? null, store.clock.now());
    if (!window) return undefined;
    const until = message.author.type === 'agent' ? window.closesAt : window.automaticUntil;
    if (until !== null && store.clock.ms() < Date.parse(until)) return undefined;
    return { outcome: 'failed', reason: WINDOW_CLOSED, code: 'window_closed', retryable: true };
  }

  /** False: nothing of the thread waits, or it has to wait. */
  async function deliverOne(key: DeliveryKey, delivery: ClaimedDelivery): Promise<boolean> {
    const inbox = await deps.inboxes.byId(key.workspaceId, delivery.inboxId);
    if (!inbox) return fail(key, delivery, undefined, { reason: 'This inbox was removed.', retryable: false });
    let result: SendResult | Crowded;
    const stop = keepRenewed(
      () => renewDelivery(store, key.workspaceId, delivery),
      (error) => log.warn({ err: error, deliveryId: delivery.id }, 'the lease of a delivery was not renewed'),
    );
    try {
      result = await sendParts(key, delivery, inbox);
    } catch (error) {
      log.warn({ err: error, deliveryId: delivery.id, channel: inbox.channel }, 'a delivery failed');
      result = afterError(error, delivery);
    } finally {
      stop();
    }
    if (result.outcome === 'sent') {
      const { message, more, early } = await endDelivery(store, key.workspaceId, delivery, {
        state: 'sent',
        platformId: result.platformId || undefined,
      });
      metrics.of(turnMetrics).deliveries.inc({ channel: inbox.channel, outcome: 'sent' });
      metrics
        .of(turnMetrics)
        .deliveryDuration.observe(
          { channel: inbox.channel },
          Math.max(0, store.clock.ms() - Date.parse(delivery.createdAt)) / 1_000,
        );
      log.debug({ deliveryId: delivery.id, channel: inbox.channel, attempts: delivery.attempts }, 'delivered');
      if (message) publish([messageUpdated(key.workspaceId, { message, channel: inbox.channel })]);
      if (result.platformId) await applyWhatWasEarly(key, delivery, inbox, { platformId: result.platformId, early });
      return more;
    }
    if (result.outcome === 'failed') {
      if (result.disconnected) await noteDisconnected(deps, inbox, result.reason);
      return fail(key, delivery, inbox.channel, result);
    }
    const reason = result.outcome === 'crowded' ? CROWDED : result.reason;
    if (store.clock.ms() - Date.parse(delivery.createdAt) > EXPIRES_AFTER_MS) {
      return fail(key, delivery, inbox.channel, { reason: `Not delivered within 24 hours. ${reason}` });
    }
    const wait = Math.max(result.afterMs, 50);
    const counts = result.outcome === 'retry';
    await postponeDelivery(store, key.workspaceId, delivery, { afterMs: wait, reason, counts });
    metrics.of(turnMetrics).deliveries.inc({ channel: inbox.channel, outcome: 'retried' });
    queue.runLater(writeDeliveryKey(key), wait);
    return false;
  }

  /** A receipt or a reaction may arrive before the call that sent the message returns: it was kept before its message was known. */
  async function applyWhatWasEarly(
    key: DeliveryKey,
    { id, acceptedParts }: ClaimedDelivery,
    inbox: InboxRuntime,
    { platformId, early }: { platformId: string; early: boolean },
  ): Promise<void> {
    const hasReceipts = channels[inbox.channel].receipts === 'message';
    if (!hasReceipts && !early) return;
    const { threadId } = key;
    try {
      const messages = await store.inWorkspace(key.workspaceId, async (tx) => [
        ...(hasReceipts ? await receiptsBefore(tx, { inboxId: inbox.id, threadId, platformId }) : []),
        ...(early ? (await applyEarly(tx, inbox, threadId, [...acceptedParts, platformId])).updated : []),
      ]);
      publish(messages.map((message) => messageUpdated(key.workspaceId, { message, channel: inbox.channel })));
    } catch (error) {
      // The message was sent whatever became of this.
      log.warn({ err: error, deliveryId: id }, 'what came early was not applied');
    }
  }

  async function fail(
    key: DeliveryKey,
    delivery: ClaimedDelivery,
    channel: InboxRuntime['channel'] | undefined,
    failed: Omit<Extract<SendResult, { outcome: 'failed' }>, 'outcome'>,
  ): Promise<boolean> {
    const { message, more } = await endDelivery(store, key.workspaceId, delivery, {
      state: 'failed',
      reason: failed.reason,
      code: failed.code ?? 'failed',
      retryable: failed.retryable ?? true,
      unreachable: failed.unreachable === true,
    });
    metrics.of(turnMetrics).deliveries.inc({ channel: channel ?? 'unknown', outcome: 'failed' });
    if (message)
      publish([
        messageUpdated(key.workspaceId, { message, channel }),
        // Its row says that it did not arrive.
        conversationTouched(key.workspaceId, { conversationId: message.conversationId }),
      ]);
    return more;
  }

  async function drain(key: DeliveryKey): Promise<void> {
    const name = writeDeliveryKey(key);
    while (!closing) {
      const delivery = begun.get(name) ?? (await claimDelivery(store, key));
      begun.delete(name);
      if (!delivery) return;
      const context = { ...readCarried(delivery.requestId ?? delivery.id), workspaceId: key.workspaceId };
      const goesOn = await enter(tracing, context, 'deliver', { kind: 'consumer' }, () => deliverOne(key, delivery));
      if (!goesOn) return;
    }
  }

  return {
    run: queue.run,
    /** Goes on with a delivery that was begun in this process: nothing of its thread waits before it. */
    begin(key: DeliveryKey, delivery: ClaimedDelivery): void {
      const name = writeDeliveryKey(key);
      begun.set(name, delivery);
      queue
        .run(name)
        .catch((error: unknown) => log.error({ err: error, deliveryId: delivery.id }, 'a delivery failed'));
    },
    busy: queue.busy,
    /** Sends under way are finished; what waits is sent after the restart. */
    close(): Promise<void> {
      closing = true;
      return queue.close();
    },
  };
}
