import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { features } from './features/index.ts';
import { createMetrics } from './platform/telemetry/metrics.ts';

/** The board and the alerts ask for metrics that exist, under labels they have. */

const declared = features.flatMap(({ metrics = [] }) => metrics);

const read = (path: string): string => readFileSync(new URL(`../../deploy/${path}`, import.meta.url), 'utf8');

const Board = z.object({
  title: z.string(),
  panels: z.array(
    z.object({
      title: z.string(),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).default([]),
    }),
  ),
});

/** `expr:` of each rule, also those folded over several lines. */
const alertExpressions = (rules: string): string[] =>
  rules
    .split(/^ +- alert: /m)
    .slice(1)
    .map((rule) => /^ +expr: (?:>-)?([\s\S]*?)^ {8}\w+:/m.exec(rule)?.[1]?.replace(/\s+/g, ' ').trim() ?? '');

/** Names that stand where PromQL has a metric: before `{`, `[`, `)`, or alone. */
function metricsIn(expression: string): string[] {
  const plain = expression
    .replace(/\{[^}]*\}/g, '')
    .replace(/"[^"]*"/g, '')
    .replace(/\[[^\]]*\]/g, '');
  const names =
    plain.replace(/\b(?:by|without|on|ignoring) \([^)]*\)/g, '').match(/\b[a-z_][a-z0-9_]*\b(?!\s*\()/g) ?? [];
  return names.filter((name) => !/^(by|and|or|unless|bool)$/.test(name));
}

async function known(): Promise<{ has(name: string): boolean; labels(name: string): string[] }> {
  const types = new Map(
    (await createMetrics({ declared }).registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]),
  );
  const plain = (name: string): string => {
    const base = name.replace(/_(bucket|sum|count)$/, '');
    return types.get(base) === 'histogram' ? base : name;
  };
  const registry = createMetrics({ declared }).registry;
  return {
    has: (name) => name === 'up' || types.has(plain(name)),
    labels: (name) => {
      const metric = registry.getSingleMetric(plain(name));
      const names: unknown = metric && Reflect.get(metric, 'labelNames');
      return Array.isArray(names) ? names.map(String) : [];
    },
  };
}

/** Labels an expression selects or groups by. */
function labelsIn(expression: string): string[] {
  const selected = [...expression.matchAll(/([a-z_]+)(?:=~|!=|!~|=)"/g)].map(([, label]) => label ?? '');
  const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => (list ?? '').split(/,\s*/));
  // Those Prometheus adds itself.
  return [...selected, ...grouped].filter((label) => !['job', 'instance', 'le', ''].includes(label));
}

async function assertAsksForWhatExists(expression: string): Promise<void> {
  const names = metricsIn(expression);
  const { has, labels } = await known();
  assert.ok(names.length > 0, expression);
  for (const name of names) assert.ok(has(name), `${name} does not exist: ${expression}`);
  const having = new Set(names.flatMap(labels));
  for (const label of labelsIn(expression)) assert.ok(having.has(label), `no metric has ${label}: ${expression}`);
  assert.equal(expression.split('(').length, expression.split(')').length, expression);
}

describe('the board and the alerts', () => {
  it('a metric or a label that does not exist is found', async () => {
    await assert.rejects(
      assertAsksForWhatExists('sum(rate(parley_turn_total[5m]))'),
      /parley_turn_total does not exist/,
    );
    await assert.rejects(assertAsksForWhatExists('sum by (workspace) (parley_turns_total)'), /no metric has workspace/);
  });

  it('every panel asks for what exists, and none lies on another', async () => {
    const board = Board.parse(JSON.parse(read('grafana/parley.json')));
    const expressions = board.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    assert.ok(expressions.length > 30);
    for (const expression of expressions) await assertAsksForWhatExists(expression);
    const cells = board.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_unused, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    assert.equal(new Set(cells).size, cells.length);
  });

  it('every alert asks for what exists, and has a severity and words', async () => {
    const rules = read('prometheus/parley.rules.yml');
    const expressions = alertExpressions(rules);
    const count = (pattern: RegExp): number => rules.match(pattern)?.length ?? 0;
    const alerts = count(/^ {6}- alert: Parley\w+$/gm);
    assert.ok(alerts >= 15);
    assert.equal(expressions.length, alerts);
    assert.equal(count(/^ +labels: \{ severity: (critical|warning) \}$/gm), alerts);
    assert.equal(count(/^ +summary: .+$/gm), alerts);
    assert.equal(count(/^ +description: .+$/gm), alerts);
    for (const expression of expressions) await assertAsksForWhatExists(expression);
  });

  it('what every process shows the same is not added up', () => {
    const common = /^(bull_queue_jobs_total|parley_backlog|parley_backlog_oldest_seconds|parley_conversations_active)$/;
    const board = Board.parse(JSON.parse(read('grafana/parley.json')));
    const expressions = [
      ...board.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
      ...alertExpressions(read('prometheus/parley.rules.yml')),
    ].filter((expression) => metricsIn(expression).some((name) => common.test(name)));
    assert.ok(expressions.length >= 6);
    for (const expression of expressions) assert.match(expression, /^max\b/, expression);
  });

  it('every metric of our own is on the board or in an alert, or said to be elsewhere', async () => {
    const asked = `${read('grafana/parley.json')}${read('prometheus/parley.rules.yml')}`;
    const elsewhere = new Set([
      // Nothing classifies messages yet.
      'ai_classification_duration_seconds',
      // The same figures by pool, signal and table, for a closer look.
      ...['db_pool_total', 'db_pool_idle', 'db_pool_waiting', 'parley_pressure_signal', 'parley_heavy_reads_total'],
      ...['parley_partitions', 'parley_partitions_dropped_total'],
    ]);
    const own = (await createMetrics({ defaults: false, declared }).registry.getMetricsAsJSON()).map(
      ({ name }) => name,
    );
    assert.deepEqual(
      own.filter((name) => !elsewhere.has(name) && !asked.includes(name)),
      [],
    );
  });
});
