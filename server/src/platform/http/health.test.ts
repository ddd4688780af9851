import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildHttp } from '../../test/http-server.ts';
import { createLogger } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createExamination } from './health.ts';
import type { Health } from './health.ts';
import { createHttp } from './index.ts';

async function serve(health: Health) {
  const metrics = createMetrics({ defaults: false });
  const http = await createHttp({
    config: { publicUrl: 'http://localhost' },
    log: createLogger({ level: 'silent' }),
    metrics,
    authenticate: async () => null,
    serves: 'health',
    health,
  });
  return { http, get: (url: string) => http.inject({ url }) };
}

const well = async (): Promise<void> => undefined;
const ill = async (): Promise<never> => {
  throw new Error('connect ECONNREFUSED postgres://parley:hunter2@db.internal:5432');
};

describe('health', () => {
  it('shows that a dependency is down and never why', async () => {
    const http = await buildHttp({ broken: true });
    assert.equal((await http.inject({ url: '/health/live' })).statusCode, 200);
    assert.equal((await http.inject({ url: '/health/ready' })).statusCode, 503);
    const health = await http.inject({ url: '/health' });
    assert.equal(health.statusCode, 503);
    assert.equal(health.json().dependencies.database.status, 'down');
    assert.doesNotMatch(health.body, /hunter2/);
    await http.close();
  });

  it('is not ready without what is needed, and ready without the rest; says neither address nor reason', async () => {
    const without = async (needed: boolean) => {
      const { http, get } = await serve({
        dependencies: { database: { needed: true, probe: well }, other: { needed, probe: ill } },
        targets: () => ({}),
      });
      const [ready, health] = [await get('/health/ready'), await get('/health')];
      await http.close();
      return { ready, health };
    };
    const needed = await without(true);
    assert.equal(needed.ready.statusCode, 503);
    assert.equal(needed.health.statusCode, 503);
    assert.equal(needed.health.json().status, 'down');
    const optional = await without(false);
    assert.equal(optional.ready.statusCode, 200);
    assert.equal(optional.health.statusCode, 200);
    assert.equal(optional.health.json().status, 'degraded');
    assert.equal(optional.health.json().dependencies.other.status, 'down');
    assert.equal(optional.health.json().dependencies.other.needed, false);
    for (const { body } of [needed.health, optional.health])
      assert.doesNotMatch(body, /hunter2|internal|REFUSED|stack/);
  });

  it('however many ask, a dependency is asked once; live asks nobody', async (context) => {
    let asked = 0;
    const { http, get } = await serve({
      dependencies: { database: { needed: true, probe: async () => void (asked += 1) } },
      targets: () => ({}),
    });
    for (let count = 0; count < 20; count += 1) assert.equal((await get('/health/live')).statusCode, 200);
    assert.equal(asked, 0);
    const now = Math.ceil(performance.now());
    let passed = 0;
    context.mock.method(performance, 'now', () => now + passed);
    await Promise.all(Array.from({ length: 50 }, () => get('/health')));
    await Promise.all(Array.from({ length: 50 }, () => get('/health/ready')));
    assert.match((await get('/metrics')).body, /parley_dependency_up\{dependency="database"\} 1/);
    passed = 999;
    await get('/health');
    assert.equal(asked, 1);
    passed = 1_000;
    await get('/health');
    assert.equal(asked, 2);
    await http.close();
  });

  it('a probe that never answers is down within two seconds, and is not started again beside itself', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const now = Math.ceil(performance.now());
    let passed = 0;
    context.mock.method(performance, 'now', () => now + passed);
    let started = 0;
    const look = createExamination({
      database: {
        needed: true,
        probe: () => {
          started += 1;
          return new Promise(() => undefined);
        },
      },
      throwing: {
        needed: false,
        probe: () => {
          throw new Error('at once');
        },
      },
    });
    const first = look();
    await new Promise((resolve) => setImmediate(resolve));
    context.mock.timers.tick(2_000);
    assert.equal((await first).database?.status, 'down');
    assert.equal((await first).throwing?.status, 'down');
    passed = 2_000;
    const second = look();
    await new Promise((resolve) => setImmediate(resolve));
    context.mock.timers.tick(2_000);
    assert.equal((await second).database?.status, 'down');
    assert.equal(started, 1);
  });

  it('tells of each kind of outside service the worst, and neither ids nor figures', async () => {
    const none = { attempts: 0, failures: 0, timeouts: 0, retries: 0, opened: 0 };
    const { http, get } = await serve({
      dependencies: { database: { needed: true, probe: well } },
      targets: () => ({
        telegram: {
          state: 'open',
          attempts: 9,
          failures: 5,
          timeouts: 1,
          retries: 2,
          opened: 1,
          retryAfterSeconds: 60,
        },
        'webhook:endpoint:0197-one': { state: 'half-open', ...none },
        'webhook:endpoint:0197-two': { state: 'closed', ...none },
      }),
    });
    const health = (await get('/health')).json();
    assert.equal(health.status, 'degraded');
    assert.deepEqual(health, {
      status: 'degraded',
      dependencies: { database: { status: 'up', needed: true } },
      breakers: { telegram: 'open', 'webhook:endpoint': 'half-open' },
    });
    assert.equal((await get('/health/ready')).statusCode, 200);
    await http.close();
  });
});
