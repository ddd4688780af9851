/** The promises every channel makes, from its fixtures. A channel without samples here does not compile. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { ChannelName } from '@parley/contract';
import * as fc from 'fast-check';
import { AppError, unavailable } from '../platform/errors.ts';
import { contextOf } from '../test/send-context.ts';
import type { Channel, ChannelHttp, Inbound, OutboundMessage, Part, WebhookRequest } from './contract.ts';
import { receiptId } from './inbound.ts';
import { channels, describeChannel, findChannel } from './registry.ts';
import { parseVisitorEvent, type WebEvent } from './web/parse.ts';

type Samples = {
  credentials: Record<string, string>;
  /** strings that must never be seen outside a request to the platform */
  secrets: string[];
  /** a request the credentials prove, undefined when nothing comes by webhook */
  signed?: (body: Buffer) => WebhookRequest;
  parseFixture: (body: Buffer) => Inbound[];
  threadKey: string;
  /** what of a part the customer reads */
  shown: (part: Part) => string;
};

const arrival = { visitor: { id: 'visitor-1' }, eventId: 'event-1', at: new Date('2026-05-28T20:26:57Z') };
const telegram = { botToken: '7000000001:AAH-double-token-for-tests-only_0123456', secretToken: 'a-long_Secret1' };
const whatsapp = {
  phoneNumberId: '1122334455667',
  accessToken: 'EAAB-access-token-of-tests',
  appSecret: 'app-secret-of-tests',
  verifyToken: 'verify-token_of-tests',
};
const post = (rawBody: Buffer, headers: Record<string, string> = {}): WebhookRequest => ({
  method: 'POST',
  headers,
  query: {},
  rawBody,
});

const webhookOf = ({ intake }: Channel) => {
  assert.ok(intake?.kind === 'webhook');
  return intake;
};

const samples: Record<ChannelName, Samples> = {
  telegram: {
    credentials: telegram,
    secrets: ['AAH-double-token-for-tests-only_0123456', telegram.secretToken],
    signed: (body) => post(body, { 'x-telegram-bot-api-secret-token': telegram.secretToken }),
    parseFixture: (body) => webhookOf(channels.telegram).parse(post(body), telegram).events,
    threadKey: '412587349',
    shown: ({ body }) =>
      String(body['text'])
        .replace(/<[^>]*>/g, '')
        .replace(/&(lt|gt|amp|quot);/g, '.'),
  },
  whatsapp: {
    credentials: whatsapp,
    secrets: [whatsapp.accessToken, whatsapp.appSecret, whatsapp.verifyToken],
    signed: (body) =>
      post(body, {
        'x-hub-signature-256': `sha256=${createHmac('sha256', whatsapp.appSecret).update(body).digest('hex')}`,
      }),
    parseFixture: (body) => webhookOf(channels.whatsapp).parse(post(body), whatsapp).events,
    threadKey: '4915112345678',
    shown: ({ body }) => String((body['text'] as { body: string } | undefined)?.body ?? ''),
  },
  web: {
    credentials: {},
    secrets: [],
    parseFixture: (body) => {
      const { event, payload } = JSON.parse(body.toString()) as { event: WebEvent; payload: unknown };
      return [parseVisitorEvent(event, payload, arrival)];
    },
    threadKey: 'visitor-1',
    shown: ({ body }) => String(body['text']),
  },
};

const outbound = (text: string): OutboundMessage => ({
  messageId: '0198c4a2-7b1e-7c3d-9a55-0d2f6b8e4a10',
  author: { type: 'bot', id: null, name: 'Parley' },
  text,
  citations: [{ number: 1, title: 'Shipping', url: 'https://example.com/shipping' }],
  attachments: [],
});

const answering = (answer: () => Promise<{ status: number; body: string }>): ChannelHttp => ({
  baseUrl: 'http://platform.example',
  readFile: async () => Buffer.from('bytes'),
  fetch: async () => {
    const { status, body } = await answer();
    return { status, headers: {}, body: Buffer.from(body) };
  },
});

test('names from outside find channels and nothing else', () => {
  for (const name of ['toString', '__proto__', 'constructor', '', 'Telegram', 'nope']) {
    assert.equal(findChannel(name), undefined);
  }
  for (const name of Object.keys(channels)) assert.equal(findChannel(name)?.name, name);
});

for (const [name, channel] of Object.entries(channels) as [ChannelName, (typeof channels)[ChannelName]][]) {
  const sample = samples[name];
  const folder = new URL(`./${name}/__fixtures__/`, import.meta.url);
  const fixtures = readdirSync(folder).filter((file) => file.endsWith('.json'));
  const bodies = fixtures.map((file) => ({ file, body: readFileSync(new URL(file, folder)) }));

  describe(name, () => {
    test('asks for its credentials and settings in words', () => {
      const { fields, settings, title } = describeChannel(channel);
      assert.notEqual(title, '');
      assert.deepEqual(fields.map((field) => field.name).sort(), Object.keys(channel.credentials.shape).sort());
      for (const field of [...fields, ...settings]) {
        assert.notEqual(field.label, '', field.name);
        assert.notEqual(field.help, '', field.name);
      }
      for (const secret of sample.secrets) {
        const named = Object.entries(sample.credentials).filter(([, value]) => value.includes(secret));
        for (const [field] of named)
          assert.ok(fields.find((each) => each.name === field)?.secret, `${field} is secret`);
      }
      // Whoever leaves out what is not required gets no further question.
      const required = fields.filter((field) => field.required || channel.generated?.includes(field.name));
      const typed = Object.fromEntries(required.map(({ name: field }) => [field, sample.credentials[field]]));
      assert.ok(channel.credentials.safeParse(typed).success);
    });

    test('reads every fixture the same way twice, each event with an id of its own', () => {
      const ids = new Set<string>();
      assert.ok(bodies.length > 0);
      for (const { file, body } of bodies) {
        const events = sample.parseFixture(body);
        assert.deepEqual(sample.parseFixture(body), events, file);
        assert.equal(events.length === 0, file.startsWith('ignored_'), file);
        events.forEach(assertEvent);
        for (const event of events) if (!event.platformId.endsWith(arrival.eventId)) ids.add(event.platformId);
      }
      const expected = bodies.flatMap(({ body }) => sample.parseFixture(body));
      assert.equal(ids.size, expected.filter((event) => !event.platformId.endsWith(arrival.eventId)).length);
    });

    test('renders the same parts twice, within its limit, and leaves the message as it was', () => {
      const texts = [
        'Short.',
        '',
        '**Bold** and `code` <b>',
        'A sentence of some length. '.repeat(500),
        '👩‍👩‍👧'.repeat(3000),
      ];
      for (const text of texts) {
        const message = outbound(text);
        const parts = channel.render(message);
        assert.deepEqual(channel.render(message), parts);
        assert.deepEqual(message, outbound(text));
        assert.deepEqual(
          parts.map((part) => part.ordinal),
          parts.map((_, index) => index),
        );
        for (const part of parts) {
          const shown = sample.shown(part);
          const size = channel.limits.unit === 'bytes' ? Buffer.byteLength(shown) : shown.length;
          assert.ok(size <= channel.limits.textLength);
        }
      }
    });

    test('turns whatever the platform answers into an outcome, without a secret in it', async () => {
      const [part] = channel.render(outbound('Hello'));
      assert.ok(part);
      const answers: [string, () => Promise<{ status: number; body: string }>][] = [
        ...[200, 204, 301, 400, 401, 403, 404, 409, 413, 429, 500, 502, 503].flatMap((status) =>
          ['', '{}', 'null', '{"ok":false}', '{"ok":true}', '<html>', JSON.stringify(sample.credentials)].map(
            (body): [string, () => Promise<{ status: number; body: string }>] => [
              `${status} ${body}`,
              async () => ({ status, body }),
            ],
          ),
        ),
        ['no network', () => Promise.reject(new TypeError(`fetch failed ${JSON.stringify(sample.credentials)}`))],
        ['breaker open', () => Promise.reject(unavailable('not now', 30))],
      ];
      for (const [what, answer] of answers) {
        const result = await channel.send(part, contextOf(sample.threadKey), sample.credentials, answering(answer));
        assert.ok(['sent', 'retry', 'failed'].includes(result.outcome), what);
        assert.ok(!containsSecret(JSON.stringify(result), sample.secrets), what);
        if (result.outcome === 'retry') assert.ok(result.afterMs > 0, what);
        const http = answering(answer);
        const webhookUrl = 'https://parley.example.com/webhooks/x';
        const media = { kind: 'document' as const, reference: 'file-1' };
        await assertSafe(channel.connect?.(sample.credentials, { webhookUrl }, http), sample.secrets);
        await assertSafe(channel.disconnect?.(sample.credentials, http), sample.secrets);
        await assertSafe(channel.typing?.(contextOf(sample.threadKey), sample.credentials, http), sample.secrets);
        await assertSafe(channel.fetchMedia?.(media, sample.credentials, http), sample.secrets);
      }
    });

    if (channel.intake?.kind !== 'webhook') return;
    const intake = channel.intake;

    test('lets nothing in that is not proven', () => {
      for (const { body } of bodies) {
        assert.equal(intake.verify(post(body), sample.credentials).ok, false, 'without a proof');
        assert.equal(intake.verify(post(body), {}).ok, false, 'without credentials');
        const proven = sample.signed?.(body);
        if (!proven) continue;
        const emptied = Object.fromEntries(Object.keys(sample.credentials).map((key) => [key, '']));
        assert.equal(intake.verify(proven, emptied).ok, false, 'with empty credentials');
        assert.equal(intake.verify(post(body, emptyHeaders(proven)), emptied).ok, false, 'emptiness proves nothing');
        const refused = intake.verify(post(body, tampered(proven)), sample.credentials);
        assert.ok(!refused.ok && !containsSecret(refused.reason, sample.secrets));
        assert.deepEqual(intake.verify(proven, sample.credentials), { ok: true });
      }
    });

    test('never takes garbage for a message, and never falls over it', () => {
      const garbage = fc.oneof(
        fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
        fc.json().map((text) => Buffer.from(text)),
        mutated(bodies.map(({ body }) => body)),
      );
      fc.assert(
        fc.property(garbage, (body) => {
          try {
            const { events } = intake.parse(post(body), sample.credentials);
            for (const event of events) assertEvent(event);
          } catch (error) {
            assert.ok(error instanceof AppError, String(error));
            assert.equal(error.code, 'bad_request');
            assert.ok(!containsSecret(error.message, sample.secrets));
          }
        }),
        { numRuns: 500 },
      );
    });
  });
}

async function assertSafe(work: Promise<unknown> | undefined, secrets: string[]): Promise<void> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof AppError, String(error));
    const everything = `${error.message} ${error.stack} ${String(error.cause)} ${JSON.stringify(error)}`;
    assert.ok(!containsSecret(everything, secrets));
  }
}

function assertEvent(event: Inbound): void {
  assert.notEqual(event.platformId, '');
  assert.notEqual(event.threadKey, '');
  assert.notEqual(event.sender.externalId, '');
  assert.ok(!Number.isNaN(Date.parse(event.at)));
  // By this id a receipt is found again that came before the send returned.
  if (event.kind === 'status') assert.equal(event.platformId, receiptId(event.messageId, event.status));
  const everything = JSON.stringify(event);
  assert.ok(!everything.includes('\\u0000'), 'a NUL cannot be stored');
  assert.ok(!/\\ud[89a-f]/i.test(everything), 'nor can half a surrogate pair');
}

const containsSecret = (text: string, secrets: string[]): boolean => secrets.some((secret) => text.includes(secret));

const emptyHeaders = (request: WebhookRequest): Record<string, string> =>
  Object.fromEntries(Object.keys(request.headers).map((name) => [name, '']));

const tampered = (request: WebhookRequest): Record<string, string> =>
  Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, `${(value ?? '').slice(0, -1)}~`]));

/** Fixtures with one value somewhere inside replaced by something else. */
function mutated(bodies: Buffer[]): fc.Arbitrary<Buffer> {
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('\u0000', '\ud800', 'x\u0000y\udfff', -1, 1e308, '', [], {}, null),
  );
  return fc.tuple(fc.constantFrom(...bodies), fc.nat(60), odd).map(([body, at, value]) => {
    let seen = 0;
    const replaced: unknown = JSON.parse(body.toString(), (_key, current: unknown) =>
      seen++ === at ? value : current,
    );
    return Buffer.from(JSON.stringify(replaced) ?? 'null');
  });
}
