import { sql } from 'drizzle-orm';
import type { SealedSecret } from '../../db/schema/index.ts';
import { HttpStatusError, readRetryAfter } from '../../platform/outbound/breaker.ts';
import type { Outbound } from '../../platform/outbound/breaker.ts';
import type { Keyring } from '../../platform/security/crypto.ts';
import type { DefinedQueue } from '../../platform/jobs/jobs.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import type { Outside } from '../../platform/outbound/outside.ts';
import { ahead, isFree, isHeld } from '../../platform/data/lease.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { openAddress } from './address.ts';
import { composeBody } from './body.ts';
import { webhooksChanged } from './changes.ts';
import { webhookMetrics } from './metrics.ts';
import { outcomeOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { eventIdOf } from './present.ts';
import { targetOf } from './queries.ts';
import { signedHeaders } from './secrets.ts';

// Real time (5): schedule of deliveries.

/** A delivery to send. */
export type WebhookToSend = { workspaceId: string; deliveryId: string };

const TIMEOUT_MS = 15_000;
/** Longer than an attempt takes: whoever sends has it alone meanwhile. */
const LEASE_MS = 60_000;
/** The clocks of the database and of the queue may differ by so much. */
const EARLY_SECONDS = 1;
/** An endpoint to which nothing was delivered for so long is switched off. */
const FAILING_DAYS = 5;

type Claimed = {
  /** how its writes name the lease */
  lease: string;
  endpoint_id: string;
  fact_id: string;
  type: string;
  subject_id: string;
  detail: Record<string, unknown>;
  attempts: number;
  url: string;
  secrets: SealedSecret[];
  enabled: boolean;
};

/** Sends single deliveries. What becomes of one stands in its row; a job that runs twice finds it taken, or done. */
export function createSender(parts: {
  store: Store;
  publish: Publish;
  log: Logger;
  metrics: Metrics;
  outbound: Outbound;
  outside: Outside;
  keyring: Keyring;
  queue: Pick<DefinedQueue<WebhookToSend>, 'add'>;
}) {
  const { store, publish, log, metrics, outbound, outside, keyring, queue } = parts;

  async function claim({ workspaceId, deliveryId }: WebhookToSend): Promise<Claimed | undefined> {
    const [claimed] = await store.once<Claimed>(
      workspaceId,
      sql`update webhook_deliveries d set attempts = d.attempts + 1, lease_until = ${ahead(LEASE_MS)}
          from webhook_endpoints e
          where d.id = ${deliveryId}::uuid and e.id = d.endpoint_id and d.state = 'pending'
            and d.next_attempt_at <= now() + make_interval(secs => ${EARLY_SECONDS}) and ${isFree(sql`d.lease_until`)}
          returning d.lease_until::text as lease, d.endpoint_id, d.fact_id, d.type, d.subject_id, d.detail, d.attempts, e.url, e.secrets, e.enabled`,
    );
    if (claimed) return claimed;
    // Made while its endpoint was being deleted.
    await store.once(
      workspaceId,
      sql`delete from webhook_deliveries d where d.id = ${deliveryId}::uuid
          and not exists (select 1 from webhook_endpoints e where e.id = d.endpoint_id)`,
    );
    return undefined;
  }

  /** One attempt. @throws what went wrong, see outcome.ts */
  async function post(
    { endpoint_id: id, fact_id: factId, url: stored, secrets }: Claimed,
    body: string,
  ): Promise<number> {
    const url = openAddress(keyring, id, stored);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Parley-Webhooks/1',
      ...signedHeaders(keyring, { id, secrets }, { id: eventIdOf(factId), body }),
    };
    return outbound.call(
      targetOf(id),
      async (signal) => {
        const answer = await outside.request(url, { method: 'POST', headers, body, signal, readAtMost: 1_024 });
        const { status } = answer;
        if (status < 200 || status > 299)
          throw new HttpStatusError(status, '', readRetryAfter(answer.headers['retry-after']));
        return status;
      },
      // A failed attempt is tried again by its row, so that its wait outlives this process.
      { timeoutMs: TIMEOUT_MS, attempts: 1 },
    );
  }

  async function attempt(workspaceId: string, claimed: Claimed): Promise<{ outcome: Outcome; tookMs: number | null }> {
    const over = (error: string) => ({
      outcome: { is: 'failed' as const, status: null, error, waitSeconds: null },
      tookMs: null,
    });
    if (!claimed.enabled) return over('The webhook was off.');
    const { fact_id: factId, type, subject_id: subjectId, detail } = claimed;
    const body = await store.inWorkspace(workspaceId, (tx) => composeBody(tx, { factId, type, subjectId, detail }));
    if (body === undefined) return over('What it was about is gone.');
    const started = performance.now();
    const took = (): number => Math.round(performance.now() - started);
    try {
      return { outcome: { is: 'delivered', status: await post(claimed, body) }, tookMs: took() };
    } catch (error) {
      const outcome = outcomeOf(error, claimed.attempts);
      log.debug({ err: error, endpointId: claimed.endpoint_id, outcome: outcome.is }, 'a webhook was not delivered');
      return { outcome, tookMs: 'status' in outcome && outcome.status !== null ? took() : null };
    }
  }

  /**
   * @returns the reason when the endpoint is switched off with this; undefined when another one sends the delivery by now, since
   * this one was paused past its lease: what became of it then counts for nothing
   */
  async function note(at: WebhookToSend, claimed: Claimed, outcome: Outcome, tookMs: number | null) {
    const { workspaceId, deliveryId } = at;
    const endpointId = claimed.endpoint_id;
    const mine = sql`id = ${deliveryId}::uuid and ${isHeld(sql`lease_until`, claimed.lease)}`;
    return store.inWorkspace(workspaceId, async (tx): Promise<{ disabledFor?: string } | undefined> => {
      if (outcome.is === 'put off') {
        const { rows } = await tx.execute(sql`
          update webhook_deliveries set attempts = attempts - 1, lease_until = null,
            next_attempt_at = ${ahead(outcome.waitSeconds * 1_000)} where ${mine} returning id`);
        return rows[0] && {};
      }
      const wait = outcome.is === 'failed' ? outcome.waitSeconds : null;
      const state = outcome.is === 'delivered' ? 'delivered' : wait === null ? 'failed' : 'pending';
      const noted = await tx.execute(sql`
        update webhook_deliveries set state = ${state}, status = ${outcome.status}::int, response_ms = ${tookMs}::int,
          error = ${outcome.is === 'delivered' ? null : outcome.error}::text, lease_until = null,
          next_attempt_at = ${ahead((wait ?? 0) * 1_000)},
          finished_at = case when ${state} <> 'pending' then now() end
        where ${mine} returning id`);
      if (!noted.rows[0]) return undefined;
      if (!claimed.enabled) return {};
      if (outcome.is === 'delivered') {
        await tx.execute(
          sql`update webhook_endpoints set failing_since = null where id = ${endpointId}::uuid and failing_since is not null`,
        );
        return {};
      }
      const { rows } = await tx.execute<{ too_long: boolean }>(sql`
        update webhook_endpoints set failing_since = coalesce(failing_since, now()) where id = ${endpointId}::uuid and enabled
        returning failing_since < now() - make_interval(days => ${FAILING_DAYS}) as too_long`);
      const reason =
        outcome.is === 'gone'
          ? outcome.error
          : rows[0]?.too_long
            ? `Nothing could be delivered for ${FAILING_DAYS} days. The last try: ${outcome.error}`
            : undefined;
      if (reason !== undefined)
        await tx.execute(sql`
          update webhook_endpoints set enabled = false, disabled_reason = ${reason} where id = ${endpointId}::uuid`);
      return { disabledFor: reason };
    });
  }

  return async function send(at: WebhookToSend): Promise<void> {
    const claimed = await claim(at);
    if (!claimed) return;
    const { outcome, tookMs } = await attempt(at.workspaceId, claimed);
    const noted = await note(at, claimed, outcome, tookMs);
    if (!noted) return;
    const { disabledFor } = noted;
    const waitSeconds = 'waitSeconds' in outcome ? outcome.waitSeconds : null;
    metrics.of(webhookMetrics).webhookDeliveries.inc({
      outcome: outcome.is === 'failed' && waitSeconds !== null ? 'retried' : outcome.is,
    });
    if (disabledFor !== undefined) {
      log.warn(
        { workspaceId: at.workspaceId, endpointId: claimed.endpoint_id, reason: disabledFor },
        'a webhook is switched off',
      );
      publish([webhooksChanged(at.workspaceId)]);
    }
    if (waitSeconds !== null)
      await queue.add(at, {
        // Unlike that of any other attempt, also after a replay.
        jobId: `${at.deliveryId}-${claimed.attempts}-${Date.now()}`,
        delayMs: Math.ceil(waitSeconds * 1_000),
      });
  };
}
