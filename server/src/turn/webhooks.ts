import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Channel, Verification, WebhookIntake, WebhookRequest } from '../channels/contract.ts';
import { findChannel } from '../channels/registry.ts';
import type { FindInbox, InboxDirectory, InboxRuntime } from '../features/inboxes/directory.ts';
import { AppError, notFound } from '../platform/errors.ts';
import { keepRawBodies } from '../platform/http/index.ts';
import type { Http } from '../platform/http/index.ts';
import { createRefusals } from '../platform/http/refusals.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { turnMetrics } from './metrics.ts';
import { noteSkipped } from './receive.ts';
import type { Receive } from './receive.ts';

const Params = z.object({ channel: z.string().max(30), token: z.string().max(100) });
const SharedParams = Params.omit({ token: true });
/** Of either address. */
const AnyParams = Params.partial({ token: true });

const single = (values: NodeJS.Dict<string | string[]>): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]));

const toWebhookRequest = (request: FastifyRequest): WebhookRequest => ({
  method: request.method === 'GET' ? 'GET' : 'POST',
  headers: single(request.headers),
  query: single(request.query as NodeJS.Dict<string | string[]>),
  rawBody: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
});

/** Handshakes and events are counted apart: anybody can have a platform send the first to an address of theirs. */
const thingOf = ({ method }: FastifyRequest, thing: string): string => `${method} ${thing}`;

type InboundWebhook = { channel: Channel; intake: WebhookIntake<unknown> };

function findWebhook(name: string): InboundWebhook {
  const channel = findChannel(name);
  if (channel?.intake?.kind !== 'webhook') throw notFound('The inbox');
  return { channel, intake: channel.intake };
}

function assertVerified(verified: Verification): void {
  if (verified.ok) return;
  const code = verified.status === 400 ? 'bad_request' : verified.status === 401 ? 'unauthorized' : 'forbidden';
  throw new AppError(code, verified.status, 'This request could not be verified.');
}

/** @throws the first failure, once all have ended */
function valuesOf<T>(ended: PromiseSettledResult<T>[]): T[] {
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  return ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

/**
 * Of the inboxes with one account those that may use it now: an older one, whose access ended, gets nothing of who has it
 * today. Where none is in order, all that are not disabled: a token that ran out loses no message.
 */
function receiving(inboxes: InboxRuntime[]): InboxRuntime[] {
  const connected = inboxes.filter(({ status }) => status === 'connected');
  return connected.length > 0 ? connected : inboxes.filter(({ status }) => status !== 'disabled');
}

/**
 * Where platforms send their events. Verify on the raw bytes, parse, commit, then 200: a platform that gets a 200 never has
 * to send the event again, and one that does not will.
 */
export function webhookRoutes(
  http: Http,
  deps: {
    findInbox: FindInbox;
    inboxes: Pick<InboxDirectory, 'byExternalId'>;
    receive: Receive;
    /** the settings of channels, by the variable's name */
    environment: Record<string, string | undefined>;
    metrics: Metrics;
    log: Logger;
  },
): void {
  const { metrics, log } = deps;
  const refusals = createRefusals();

  /** Before the body is read: who is to be sent away costs no more than a line. */
  async function admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    try {
      const { data } = AnyParams.safeParse(request.params);
      const found = findWebhook(data?.channel ?? '');
      await refusals.assertFew(request.ip, thingOf(request, data?.token ?? found.channel.name));
      if (data?.token === undefined) return;
      const inbox = await deps.findInbox(data.token, request.ip);
      if (inbox?.channel !== found.channel.name) throw notFound('The inbox');
    } catch (error) {
      // What is still on its way is not waited for.
      if (request.method === 'POST') void reply.header('connection', 'close');
      throw error;
    }
  }

  /** @throws when the request is not proven to be the platform's */
  async function assertProven(request: FastifyRequest, thing: string, verified: Verification): Promise<void> {
    if (!verified.ok) await refusals.count(request.ip, thingOf(request, thing));
    assertVerified(verified);
  }

  /** Stores what of the request is this inbox's. */
  async function store({ intake }: InboundWebhook, request: WebhookRequest, inbox: InboxRuntime): Promise<number> {
    const { events, skipped } = intake.parse(request, inbox.credentials);
    noteSkipped({ metrics, log }, inbox, skipped);
    const { stored } = await deps.receive(inbox, events);
    return stored;
  }

  async function byToken(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const params = Params.parse(request.params);
    const found = findWebhook(params.channel);
    const inbox = await deps.findInbox(params.token, request.ip);
    if (inbox?.channel !== found.channel.name) throw notFound('The inbox');
    const webhook = toWebhookRequest(request);
    await assertProven(request, params.token, found.intake.verify(webhook, inbox.credentials));
    const answer = found.intake.respond?.(webhook);
    if (answer) return reply.status(answer.status).type(answer.contentType).send(answer.body);
    // Answered but not kept: a platform would repeat it for days, and a person disabled the inbox.
    const stored = inbox.status === 'disabled' ? 0 : await store(found, webhook, inbox);
    const answered = found.intake.answer?.(webhook);
    if (answered) return reply.status(answered.status).type(answered.contentType).send(answered.body);
    return reply.status(200).send({ success: true, data: { stored } });
  }

  /** One address for all inboxes of an app of this installation, proven by the app's secrets. */
  async function byApp(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const found = findWebhook(SharedParams.parse(request.params).channel);
    const { shared } = found.intake;
    if (!shared) throw notFound('The inbox');
    const variables: [string, string][] = Object.entries(shared.variables);
    const secrets = variables.map(([field, variable]) => [field, deps.environment[variable]]);
    if (secrets.some(([, secret]) => !secret)) throw notFound('The inbox');
    const webhook = toWebhookRequest(request);
    await assertProven(request, found.channel.name, found.intake.verify(webhook, Object.fromEntries(secrets)));
    const answer = found.intake.respond?.(webhook);
    if (answer) return reply.status(answer.status).type(answer.contentType).send(answer.body);
    // Each inbox for itself: what one workspace's cannot take keeps nothing from another's. The platform repeats the whole, and
    // what is stored already is known by its ids.
    const each = await Promise.allSettled(
      shared.inboxOf(webhook).map(async (externalId) => {
        const inboxes = await deps.inboxes.byExternalId(found.channel.name, externalId);
        if (inboxes.length === 0)
          metrics.of(turnMetrics).inboundEvents.inc({ channel: found.channel.name, outcome: 'unknown_inbox' });
        const ofInboxes = await Promise.allSettled(receiving(inboxes).map((inbox) => store(found, webhook, inbox)));
        return valuesOf(ofInboxes).reduce((sum, stored) => sum + stored, 0);
      }),
    );
    const stored = valuesOf(each).reduce((sum, one) => sum + one, 0);
    return reply.status(200).send({ success: true, data: { stored } });
  }

  void http.register(async (scope: Http) => {
    keepRawBodies(scope);
    // A platform is no browser: nothing here is shown or framed.
    const common = { method: ['GET' as const, 'POST' as const], helmet: false as const, onRequest: admit };
    scope.route({
      ...common,
      url: '/webhooks/:channel/:token',
      config: { body: 'webhook' },
      schema: { hide: true, params: Params },
      handler: byToken,
    });
    scope.route({
      ...common,
      url: '/webhooks/:channel',
      config: { body: 'webhook' },
      schema: { hide: true, params: SharedParams },
      handler: byApp,
    });
  });
}
