import type { Channel, ChannelHttp, SendContext, SendResult } from '../channels/contract.ts';
import { channels } from '../channels/registry.ts';
import { WINDOW_CLOSED, windowOf } from '../features/conversations/window.ts';
import { noteDisconnected } from '../features/inboxes/disconnected.ts';
import { messageUpdated } from '../features/messages/changes.ts';
import type { InboxDirectory, InboxRuntime } from '../features/inboxes/lookup.ts';
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
import { claimNext, endDelivery, holdOn, moveThread, notePart, postponeDelivery, RENEW_MS } from './delivery-lane.ts';
import type { Claimed } from './delivery-lane.ts';
import { createLanes } from '../platform/jobs/keyed-queue.ts';
import { createPacing } from '../channels/pacing.ts';
import { receiptsBefore } from './receipts.ts';
import { sendContext } from './send-context.ts';
import { DELIVERY_DUE, readDeliveryKey, writeDeliveryKey } from '../features/messages/topics.ts';
import type { DeliveryKey } from '../features/messages/topics.ts';

/** A message that cannot be made or sent for a reason of its own does not hold up those behind it for longer. */
const OWN_FAULTS_AT_MOST = 5;
/** After this a message is no longer an answer to anything. */
const GIVE_UP_AFTER_MS = 24 * 3600 * 1000;
const backoffMs = (attempts: number): number =>
  Math.min(300_000, 1000 * 2 ** Math.min(attempts, 9)) * (0.75 + Math.random() / 2);

/** What an error says about the message: the platform is away, and it waits; or the message itself is at fault. */
function afterError(error: unknown, delivery: Claimed): SendResult {
  if (error instanceof AppError && (error.code === 'not_found' || error.code === 'payload_too_large')) {
    return { outcome: 'failed', reason: error.message };
  }
  const away = error instanceof AppError && error.code === 'unavailable';
  if (!away && delivery.attempts >= OWN_FAULTS_AT_MOST) {
    return { outcome: 'failed', reason: 'This message could not be sent. The log names the error.' };
  }
  // Whether the platform got it may be unknown. Silence would be worse than saying it twice.
  const afterMs = away && error.retryAfter ? error.retryAfter * 1000 : backoffMs(delivery.attempts);
  return { outcome: 'retry', afterMs, reason: away ? error.message : 'The platform could not be reached.' };
}

const CROWDED = 'More is said than the platform takes at once.';
/** The platform was not asked, so that this is no attempt. */
type Crowded = { outcome: 'crowded'; afterMs: number };

/** A channel with what it needs to speak for an inbox. */
export type ClientOf = (inbox: InboxRuntime) => Promise<{ channel: Channel; http: ChannelHttp; credentials: unknown }>;

/**
 * Says on the platform what stands in the table: in order inside a thread, at least once. A message that can never be
 * sent is marked as failed with the reason in words, and the lane goes on.
 */
export function createDelivery(parts: {
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
  const { store, wake, publish, log, metrics, tracing } = parts;
  const pacing = createPacing(parts.makeLimiter);
  let closing = false;
  /** Deliveries this process has already, each before what its lane claims next. */
  const begun = new Map<string, Claimed>();
  const lanes = createLanes({ wake, topic: DELIVERY_DUE, work: (key) => drain(readDeliveryKey(key)) });

  async function sendParts(lane: DeliveryKey, delivery: Claimed, inbox: InboxRuntime): Promise<SendResult | Crowded> {
    const { channel, http, credentials } = await parts.clientOf(inbox);
    const { message } = delivery;
    const rendered = channel.render({
      messageId: message.id,
      author: message.author,
      text: message.text,
      citations: message.citations.map(({ number, title, url }) => ({ number, title, url })),
      attachments: message.attachments,
      ...(delivery.template ? { template: delivery.template } : {}),
    });
    const left = rendered.slice(delivery.acceptedParts.length);
    let result: SendResult = { outcome: 'sent', platformId: delivery.acceptedParts.at(-1) ?? '' };
    let { threadKey } = delivery;
    for (const [index, part] of left.entries()) {
      const context = sendContext(store, {
        workspaceId: lane.workspaceId,
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
        await moveThread(store, lane, result.movedTo);
      }
      if (index < left.length - 1 && !(await notePart(store, lane.workspaceId, delivery, result.platformId))) {
        throw new Error('the delivery is somebody else’s now');
      }
    }
    return result;
  }

  /** Asked here, too, since an answer may wait until its window is over. */
  async function windowClosed(
    channel: Channel,
    { message, template }: Claimed,
    context: SendContext,
  ): Promise<SendResult | undefined> {
    if (!channel.window || template) return undefined;
    const { lastInbound } = await context.conversation();
    const window = windowOf(channel.name, lastInbound?.at ?? null, new Date());
    if (!window) return undefined;
    const until = message.author.type === 'agent' ? window.closesAt : window.automaticUntil;
    if (until !== null && Date.now() < Date.parse(until)) return undefined;
    return { outcome: 'failed', reason: WINDOW_CLOSED, code: 'window_closed', retryable: true };
  }

  /** False: the lane is empty, or has to wait. */
  async function deliverOne(lane: DeliveryKey, delivery: Claimed): Promise<boolean> {
    const inbox = await parts.inboxes.byId(lane.workspaceId, delivery.inboxId);
    if (!inbox) return fail(lane, delivery, undefined, { reason: 'This inbox was removed.', retryable: false });
    let result: SendResult | Crowded;
    const renewal = setInterval(() => {
      holdOn(store, lane.workspaceId, delivery).catch((error: unknown) =>
        log.warn({ err: error, deliveryId: delivery.id }, 'the lease of a delivery was not renewed'),
      );
    }, RENEW_MS);
    try {
      result = await sendParts(lane, delivery, inbox);
    } catch (error) {
      log.warn({ err: error, deliveryId: delivery.id, channel: inbox.channel }, 'a delivery failed');
      result = afterError(error, delivery);
    } finally {
      clearInterval(renewal);
    }
    if (result.outcome === 'sent') {
      const { message, more } = await endDelivery(store, lane.workspaceId, delivery, {
        state: 'sent',
        platformId: result.platformId || undefined,
      });
      metrics.of(turnMetrics).deliveries.inc({ channel: inbox.channel, outcome: 'sent' });
      metrics
        .of(turnMetrics)
        .deliveryDuration.observe(
          { channel: inbox.channel },
          Math.max(0, Date.now() - Date.parse(delivery.createdAt)) / 1_000,
        );
      log.debug({ deliveryId: delivery.id, channel: inbox.channel, attempts: delivery.attempts }, 'delivered');
      if (message) publish([messageUpdated(lane.workspaceId, { message, channel: inbox.channel })]);
      if (result.platformId) await applyEarlyReceipts(lane, delivery, inbox, result.platformId);
      return more;
    }
    if (result.outcome === 'failed') {
      if (result.disconnected) await noteDisconnected(parts, inbox, result.reason);
      return fail(lane, delivery, inbox.channel, result);
    }
    const reason = result.outcome === 'crowded' ? CROWDED : result.reason;
    if (Date.now() - Date.parse(delivery.createdAt) > GIVE_UP_AFTER_MS) {
      return fail(lane, delivery, inbox.channel, { reason: `Not delivered within 24 hours. ${reason}` });
    }
    const wait = Math.max(result.afterMs, 50);
    const counts = result.outcome === 'retry';
    await postponeDelivery(store, lane.workspaceId, delivery, { afterMs: wait, reason, counts });
    metrics.of(turnMetrics).deliveries.inc({ channel: inbox.channel, outcome: 'retried' });
    lanes.runLater(writeDeliveryKey(lane), wait);
    return false;
  }

  /** A receipt may arrive before the call that sent the message returns: it was stored, and nobody knew what it was of. */
  async function applyEarlyReceipts(
    lane: DeliveryKey,
    { id }: Claimed,
    inbox: InboxRuntime,
    platformId: string,
  ): Promise<void> {
    if (channels[inbox.channel].receipts !== 'message') return;
    try {
      const early = await store.inWorkspace(lane.workspaceId, (tx) =>
        receiptsBefore(tx, { inboxId: inbox.id, threadId: lane.threadId, platformId }),
      );
      publish(early.map((message) => messageUpdated(lane.workspaceId, { message, channel: inbox.channel })));
    } catch (error) {
      // The message was sent whatever became of this.
      log.warn({ err: error, deliveryId: id }, 'early receipts were not applied');
    }
  }

  async function fail(
    lane: DeliveryKey,
    delivery: Claimed,
    channel: InboxRuntime['channel'] | undefined,
    failed: Omit<Extract<SendResult, { outcome: 'failed' }>, 'outcome'>,
  ): Promise<boolean> {
    const { message, more } = await endDelivery(store, lane.workspaceId, delivery, {
      state: 'failed',
      reason: failed.reason,
      code: failed.code ?? 'failed',
      retryable: failed.retryable ?? true,
      unreachable: failed.unreachable === true,
    });
    metrics.of(turnMetrics).deliveries.inc({ channel: channel ?? 'unknown', outcome: 'failed' });
    if (message) publish([messageUpdated(lane.workspaceId, { message, channel })]);
    return more;
  }

  async function drain(lane: DeliveryKey): Promise<void> {
    while (!closing) {
      const key = writeDeliveryKey(lane);
      const delivery = begun.get(key) ?? (await claimNext(store, lane));
      begun.delete(key);
      if (!delivery) return;
      const context = { ...readCarried(delivery.requestId ?? delivery.id), workspaceId: lane.workspaceId };
      const goesOn = await enter(tracing, context, 'deliver', { kind: 'consumer' }, () => deliverOne(lane, delivery));
      if (!goesOn) return;
    }
  }

  return {
    run: lanes.run,
    /** Goes on with a delivery that was begun in this process: nothing of its thread waits before it. */
    begin(lane: DeliveryKey, delivery: Claimed): void {
      const key = writeDeliveryKey(lane);
      begun.set(key, delivery);
      lanes.run(key).catch((error: unknown) => log.error({ err: error, deliveryId: delivery.id }, 'a delivery failed'));
    },
    busy: lanes.busy,
    /** Sends under way are finished; what waits is sent after the restart. */
    close(): Promise<void> {
      closing = true;
      return lanes.close();
    },
  };
}
