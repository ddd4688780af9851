import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createChannelHttp } from '../../channels/http.ts';
import { until } from '../../test/app.ts';
import { answerJson, startHttpDouble } from '../../test/doubles/http-double.ts';
import { startOtlpDouble } from '../../test/doubles/otlp.ts';
import { createOutbound } from '../outbound/breaker.ts';
import { createLogger, currentRequestId, runWithContext } from './log.ts';
import { createOtlpTracing } from './tracing-otlp.ts';
import { carried, enter, inSpan, noTracing, readCarried, readTraceParent, traceHeaders } from './tracing.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

async function collect(tell: string[] = []) {
  const collector = await startOtlpDouble();
  const lines: { level: string; msg: string }[] = [];
  const log = createLogger({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) });
  const tracing = createOtlpTracing({ endpoint: collector.url, ratio: 1, tell, log, process: {} });
  return { collector, tracing, log, lines };
}

describe('what work carries of its request', () => {
  it('the id alone, or with the trace; a process that traces nothing hands the trace on', () => {
    assert.equal(carried(), undefined);
    assert.equal(
      runWithContext({ requestId: 'request-1' }, () => carried()),
      'request-1',
    );
    const text = `request-1/${TRACE}-${SPAN}-01`;
    const context = readCarried(text);
    assert.deepEqual(context, { requestId: 'request-1', parent: { traceId: TRACE, spanId: SPAN, flags: '01' } });
    assert.equal(
      enter(noTracing, context, 'work', {}, () => inSpan('inner', {}, () => carried())),
      text,
    );
    assert.equal(
      enter(noTracing, context, 'work', {}, () => currentRequestId()),
      'request-1',
    );
  });

  it('nonsense of a caller is no trace', () => {
    assert.deepEqual(readTraceParent(`00-${TRACE}-${SPAN}-00`), { traceId: TRACE, spanId: SPAN, flags: '00' });
    const zeros = `00-${'0'.repeat(32)}-${SPAN}-01`;
    for (const header of [
      undefined,
      '',
      'x',
      zeros,
      `01-${TRACE}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}`,
      [`00-${TRACE}-${SPAN}-01`],
    ])
      assert.equal(readTraceParent(header), undefined);
    assert.deepEqual(readCarried('request-1/whatever'), { requestId: 'request-1' });
  });
});

describe('spans', () => {
  it('work that fails marks its span by the name of the error; its words stay here', async () => {
    const { collector, tracing } = await collect();
    await assert.rejects(
      enter(tracing, { requestId: 'r-1' }, 'outer', {}, () =>
        inSpan('inner', {}, async () => {
          throw new TypeError('the words of a customer');
        }),
      ),
      TypeError,
    );
    await tracing.close();
    assert.deepEqual(collector.spans.map(({ name, failed }) => [name, failed]).sort(), [
      ['inner', true],
      ['outer', true],
    ]);
    assert.doesNotMatch(JSON.stringify(collector.spans), /words/);
    await collector.close();
  });

  it('a caller who does not want to be recorded is not', async () => {
    const { collector, tracing } = await collect();
    const parent = { traceId: TRACE, spanId: SPAN, flags: '00' };
    enter(tracing, { requestId: 'r-1', parent }, 'not recorded', {}, () => inSpan('neither', {}, () => undefined));
    enter(tracing, { requestId: 'r-2' }, 'recorded', {}, () => undefined);
    await tracing.close();
    assert.deepEqual(
      collector.spans.map(({ name }) => name),
      ['recorded'],
    );
    await collector.close();
  });

  it('a collector that is away is told once, takes spans again, and keeps nobody from stopping', async () => {
    const { collector, tracing, lines } = await collect();
    const work = () => enter(tracing, { requestId: 'r-1' }, 'work', {}, () => undefined);
    await collector.close();
    work();
    await until(async () => lines.length > 0, 'it is noticed', 30_000);
    work();
    const started = performance.now();
    await tracing.close();
    assert.ok(performance.now() - started < 5_000);
    assert.deepEqual(
      lines.map(({ level, msg }) => [level, msg.split(':')[0]]),
      [['warn', 'traces cannot be sent']],
    );
  });
});

describe('who is told of a trace', () => {
  it('no platform, unless its host is on the list', async () => {
    const heard: (string | undefined)[] = [];
    const platform = await startHttpDouble(async ({ headers }, response) => {
      heard.push(headers['traceparent']);
      answerJson(response, 200, {});
    });
    const call = async (tell: string[]): Promise<void> => {
      const { collector, tracing, log } = await collect(tell);
      const http = createChannelHttp({
        channel: { name: 'telegram' },
        baseUrl: platform.url,
        outbound: createOutbound({ log }),
        readFile: async () => Buffer.alloc(0),
      });
      await enter(tracing, { requestId: 'r-1' }, 'work', {}, () => http.fetch('/any', { method: 'GET' }));
      await tracing.close();
      await collector.close();
    };
    await call(['another.example']);
    assert.deepEqual(heard, [undefined]);
    await call([new URL(platform.url).host]);
    assert.match(heard[1] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.deepEqual(traceHeaders(platform.url), {});
    await platform.close();
  });

  it('without a collector nothing of the library is loaded', async () => {
    const watch = `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ resolve(name, context, next) { loaded.push(name); return next(name, context); } });
      const { openTracing } = await import(${JSON.stringify(new URL('../../tracing.ts', import.meta.url).href)});
      await import(${JSON.stringify(new URL('../../app.ts', import.meta.url).href)});
      await openTracing({ otel: { ratio: 1, tell: [] }, roles: { api: true, worker: {} } }, undefined);
      console.log(loaded.filter((name) => /opentelemetry\\/(sdk|exporter|resources)/.test(name)).length, loaded.length > 100);
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', watch], {
      timeout: 60_000,
    });
    assert.equal(stdout.trim(), '0 true');
  });
});
