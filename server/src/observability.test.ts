import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Bot, Inbox, KnowledgeBase, Message, SessionCreated } from '@parley/contract';
import { connect, startTestApp, until } from './test/app.ts';
import type { TestApp } from './test/app.ts';
import { startOpenAiDouble } from './test/doubles/openai.ts';
import { startOtlpDouble } from './test/doubles/otlp.ts';
import type { ReceivedSpan } from './test/doubles/otlp.ts';
import { startTelegramDouble } from './test/doubles/telegram.ts';
import { learn, makeBot, openTelegram, says, SECRET, textUpdate } from './test/talk.ts';

type Line = Record<string, unknown> & { msg: string; requestId?: string; traceId?: string };

const QUESTION = 'How long does a refund of a broken parcel take until the money is back on my account, please?';

/** A company with a bot that asks a model about its knowledge, on Telegram and on its website. */
async function open(env: Record<string, string>) {
  const telegram = await startTelegramDouble();
  const openai = await startOpenAiDouble();
  const lines: Line[] = [];
  const test: TestApp = await startTestApp(
    {
      CHANNEL_TELEGRAM_API_URL: telegram.url,
      OPENAI_API_KEY: 'key',
      OPENAI_BASE_URL: openai.url,
      LOG_LEVEL: 'trace',
      ...env,
    },
    { writeLog: (line) => void lines.push(JSON.parse(line)) },
  );
  const base = (await test.owner<KnowledgeBase>('POST', '/knowledge-bases', { name: 'Help' })).data;
  const answer = 'A refund takes five working days after we have received the parcel.';
  await learn(test, base.id, 'How long does a refund take?', answer);
  const bot: Bot = await makeBot(test, { name: 'Robin', model: 'openai/test', knowledgeBaseIds: [base.id] });
  const chat = await openTelegram(test, telegram, bot.id);
  const web = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.id })).data;
  openai.otherwise(says('Five working days.', 'Anything else?'));
  let lastUpdate = 5_000;
  /** A message with a file, so that the facts have something to do. */
  async function post(chatId: number, headers: Record<string, string>): Promise<Response> {
    lastUpdate += 1;
    telegram.addFile('a-photo', Buffer.from('a picture'));
    const photo = [{ file_id: 'a-photo', file_unique_id: 'u', width: 1, height: 1, file_size: 9 }];
    const { message, ...update } = textUpdate(lastUpdate, chatId, QUESTION);
    const { text, ...rest } = message;
    return fetch(`${test.url}/webhooks/telegram/${chat.inbox.token}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': SECRET, ...headers },
      body: JSON.stringify({ ...update, message: { ...rest, photo, caption: text } }),
    });
  }
  return {
    test,
    telegram,
    openai,
    lines,
    chat,
    web,
    post,
    async close() {
      await test.close();
      await Promise.all([telegram.close(), openai.close()]);
    },
  };
}

const isOf = (id: string) => (line: Line) => line.requestId === id;
const said = (lines: Line[]): string[] => lines.map(({ msg }) => msg);

describe('one id from the webhook to the delivered message', () => {
  let here: Awaited<ReturnType<typeof open>>;
  before(async () => {
    here = await open({});
  });
  after(() => here?.close());

  it('stands in every line: HTTP, turn, model, delivery, facts and jobs', async () => {
    const { lines, post, chat, telegram } = here;
    await quiet(lines, 'the start is over');
    const from = lines.length;
    const id = 'webhook-0123456789';
    const answer = await post(41, { 'x-request-id': id });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('x-request-id'), id);
    await until(async () => chat.heard(41).length === 2, 'the answer has arrived');
    const has = (msg: string) => said(lines.slice(from)).includes(msg);
    for (const step of [
      ...['received', 'answered', 'a round begins', 'a question was asked', 'a paragraph is stored', 'a turn ended'],
      ...['delivered', 'a job has run'],
    ])
      await until(async () => has(step), `a line says: ${step}`);
    await quiet(lines, 'all is said');
    assert.ok(telegram.calls.length > 0);
    // What asks from outside has ids of its own; everything else was caused by the webhook.
    const path = lines.slice(from).filter((line) => line['route'] === undefined || isOf(id)(line));
    const without = path.filter((line) => !isOf(id)(line));
    assert.deepEqual(without, []);
  });

  it('a round of several messages names the ids of all', async () => {
    const { lines, post, chat } = here;
    const ids = ['together-00001', 'together-00002', 'together-00003'];
    const before = chat.heard(42).length;
    await Promise.all(ids.map((id) => post(42, { 'x-request-id': id })));
    await until(async () => chat.heard(42).length > before, 'they are answered');
    await until(
      async () => ids.every((id) => lines.some((line) => line.msg === 'a round begins' && namesOf(line).includes(id))),
      'each id is named by the round it was answered in',
    );
  });

  it('what a visitor says on a socket has one as well', async () => {
    const { lines, test, web } = here;
    const visitor = await connect(test.url, { inbox: web.token });
    const started = await visitor.call<SessionCreated>('customer:start_chat', {});
    assert.ok(started.success);
    const from = lines.length;
    const { conversationId } = started.data;
    await visitor.call('customer:send_message', { conversationId, text: QUESTION, clientId: 'c1' });
    await visitor.wait('message:received', (message: Message) => message.author.type === 'bot');
    const [received] = lines.slice(from).filter(({ msg }) => msg === 'received');
    const id = received?.requestId;
    assert.match(id ?? '', /^[\w-]{8,64}$/);
    const told = (msg: string) => lines.slice(from).some((line) => line.msg === msg && line.requestId === id);
    await until(async () => told('a turn ended'), 'its turn ended');
    for (const msg of ['a socket event was handled', 'a round begins', 'a paragraph is stored'])
      assert.ok(told(msg), msg);
    visitor.close();
  });
});

describe('a model of one’s own', () => {
  it('is told of the trace when its host is on the list', async () => {
    const collector = await startOtlpDouble();
    const openai = await startOpenAiDouble();
    const here = await open({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OPENAI_BASE_URL: openai.url,
      PARLEY_TRACE_HOSTS: new URL(openai.url).host,
    });
    openai.otherwise(says('Five working days.'));
    try {
      await here.post(81, { 'x-request-id': '0198a00000007000800000000000cafe' });
      await until(async () => openai.requests.length > 0, 'the model is asked');
      assert.match(openai.requests[0]?.headers['traceparent'] ?? '', /^00-0198a00000007000800000000000cafe-/);
    } finally {
      await here.close();
      await Promise.all([openai.close(), collector.close()]);
    }
  });
});

describe('what is measured', () => {
  it('the path of a message, its stages, its tokens and their price, and nothing that names a workspace', async () => {
    const here = await open({ PARLEY_MODEL_PRICES: 'openai/test=1000/2000' });
    try {
      await here.post(71, {});
      await until(async () => here.chat.heard(71).length >= 2, 'it is answered');
      const visitor = await connect(here.test.url, { inbox: here.web.token });
      const metrics = async (): Promise<string> => (await fetch(`${here.test.url}/metrics`)).text();
      await until(
        async () => /parley_deliveries_total\{[^}]*outcome="sent"\} 2/.test(await metrics()),
        'both are sent',
      );
      const body = await metrics();
      for (const stage of ['wait', 'store', 'terms', 'retrieve', 'model', 'paragraph', 'finish'])
        assert.match(
          body,
          new RegExp(`^parley_turn_stage_duration_seconds_count\\{stage="${stage}"\\} [1-9]`, 'm'),
          stage,
        );
      for (const series of [
        ...['parley_message_processing_duration_seconds_count\\{outcome="answered"\\}', 'active_websocket_connections'],
        ...['parley_ai_tokens_total\\{provider="openai",direction="output"\\}', 'database_pool_max'],
        ...['parley_ai_cost_usd_total\\{provider="openai",model="openai/test"\\}', 'parley_memory_limit_bytes'],
        ...[
          'parley_outbound_duration_seconds_count\\{target="model:openai"\\}',
          'parley_job_wait_seconds_count\\{queue="fetch-files"\\}',
        ],
        ...['parley_dependency_up\\{dependency="database"\\}', 'parley_dependency_up\\{dependency="embedder"\\}'],
        ...[
          'parley_conversations_active\\{status="bot"\\}',
          'parley_delivery_duration_seconds_count\\{channel="telegram"\\}',
        ],
      ])
        assert.match(body, new RegExp(`^${series} (?!0$)`, 'm'), series);
      assert.match(body, /^parley_backlog\{kind="events"\} \d+$/m);
      assert.match(body, /^bull_queue_jobs_total\{queue="fetch-files",status="failed"\} 0$/m);
      // Neither ids nor addresses: those would be a series for each.
      assert.doesNotMatch(body, /[0-9a-f]{8}-[0-9a-f]{4}-|127\.0\.0\.1/);
      visitor.socket.close();
    } finally {
      await here.close();
    }
  });
});

describe('what waits for a platform', () => {
  it('grows older, however often it is tried', async () => {
    const here = await open({});
    try {
      here.openai.otherwise(says('Five working days.'));
      here.telegram.fail({ kind: 'rate-limit', retryAfter: 600 }, { method: 'sendMessage' });
      await here.post(91, {});
      const age = async (): Promise<number> => {
        const body = await (await fetch(`${here.test.url}/metrics`)).text();
        return Number(/^parley_backlog_oldest_seconds\{kind="deliveries"\} (\S+)$/m.exec(body)?.[1]);
      };
      await until(async () => (await age()) > 1, 'it is seen to wait');
    } finally {
      await here.close();
    }
  });
});

const namesOf = (line: Line): unknown[] => [line.requestId, ...((line['together'] as unknown[] | undefined) ?? [])];

/** Until nothing has been said for a moment. */
function quiet(lines: Line[], what: string): Promise<unknown> {
  let last = { count: lines.length, at: performance.now() };
  return until(async () => {
    if (lines.length !== last.count) last = { count: lines.length, at: performance.now() };
    return performance.now() - last.at >= 400;
  }, what);
}

describe('traces', () => {
  let here: Awaited<ReturnType<typeof open>>;
  let collector: Awaited<ReturnType<typeof startOtlpDouble>>;
  before(async () => {
    collector = await startOtlpDouble();
    here = await open({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  });
  after(async () => {
    await here?.close();
    await collector?.close();
  });

  it('one tree from the webhook to the call of the platform, and nobody outside hears of it', async () => {
    const { post, chat, openai, lines } = here;
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const caller = '00f067aa0ba902b7';
    const id = 'traced-0123456789';
    await post(51, { 'x-request-id': id, traceparent: `00-${traceId}-${caller}-01` });
    await until(async () => chat.heard(51).length === 2, 'the answer has arrived');
    const spans = (): ReceivedSpan[] => collector.spans.filter((span) => span.traceId === traceId);
    const named = (name: string) => spans().filter((span) => span.name === name);
    const wanted = [
      ...['POST /webhooks/:channel/:token', 'receive', 'turn', 'mailbox claim', 'store', 'terms', 'retrieve', 'model'],
      ...['call model:openai', 'paragraph', 'finish', 'deliver', 'call channel:telegram', 'job fetch-files'],
    ];
    await until(async () => wanted.every((name) => named(name).length > 0), `all of ${wanted.join(', ')}`).catch(
      (error: unknown) => {
        throw new Error(
          `${String(error)}; there are ${spans()
            .map(({ name }) => name)
            .join(', ')}`,
        );
      },
    );
    await until(async () => named('deliver').length === 2, 'both deliveries are told');
    const one = (name: string): ReceivedSpan => {
      const [span] = named(name);
      assert.ok(span, name);
      return span;
    };
    const parentOf = (span: ReceivedSpan): string | undefined =>
      spans().find(({ spanId }) => spanId === span.parentSpanId)?.name;
    assert.equal(one('POST /webhooks/:channel/:token').parentSpanId, caller);
    for (const [child, parent] of [
      ['receive', 'POST /webhooks/:channel/:token'],
      ['turn', 'receive'],
      ['mailbox claim', 'turn'],
      ['store', 'turn'],
      ['retrieve', 'turn'],
      ['model', 'turn'],
      ['finish', 'turn'],
      ['job fetch-files', 'store'],
    ] as const)
      assert.equal(parentOf(one(child)), parent, child);
    // What the model says is told while it speaks.
    assert.ok(named('paragraph').some((span) => parentOf(span) === 'call model:openai'));
    for (const span of named('deliver')) assert.equal(parentOf(span), 'paragraph');
    assert.ok(named('call channel:telegram').some((span) => parentOf(span) === 'deliver'));
    assert.equal(one('turn').attributes['parley.request_id'], id);
    assert.equal(one('turn').service, 'parley');
    assert.equal(
      spans().some((span) => span.failed),
      false,
    );
    // Nothing of what was written, and nothing about the trace to others.
    assert.doesNotMatch(JSON.stringify(collector.spans), /refund|parcel|working days/i);
    for (const { headers } of openai.requests) assert.equal(headers['traceparent'], undefined);
    assert.ok(lines.some((line) => line.requestId === id && line.traceId === traceId && line.msg === 'delivered'));
  });

  it('without a trace of the caller, the id of the request is the id of the trace; probes begin none', async () => {
    const { test } = here;
    const id = '0198a000-0000-7000-8000-00000000beef';
    const answer = await fetch(`${test.url}/api/v1/me`, {
      headers: { 'x-request-id': id, traceparent: '00-nonsense' },
    });
    assert.equal(answer.status, 401);
    await fetch(`${test.url}/health`);
    const traceId = id.replaceAll('-', '');
    await until(async () => collector.spans.some((span) => span.traceId === traceId), 'the trace is there');
    assert.equal(
      collector.spans.some(({ name }) => /health|metrics/.test(name)),
      false,
    );
  });

  it('a collector that is away disturbs nobody, and is told once', async () => {
    const { post, chat, lines } = here;
    collector.state.away = true;
    for (const chatId of [61, 62, 63]) assert.equal((await post(chatId, {})).status, 200);
    await until(async () => [61, 62, 63].every((chatId) => chat.heard(chatId).length === 2), 'all are answered');
    collector.state.away = false;
    assert.ok(lines.filter(({ msg }) => /traces cannot be sent/.test(msg)).length <= 1);
  });
});
