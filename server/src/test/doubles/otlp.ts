/** Double of an OpenTelemetry collector: takes OTLP over HTTP with JSON, keeps the spans, and can be away. */
import { z } from 'zod';
import { answerJson, startHttpDouble } from './http-double.ts';

const Value = z.object({
  stringValue: z.string().optional(),
  intValue: z.union([z.number(), z.string()]).optional(),
  doubleValue: z.number().optional(),
  boolValue: z.boolean().optional(),
});
const Attributes = z.array(z.object({ key: z.string(), value: Value })).default([]);
const Traces = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }).optional(),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string().regex(/^[0-9a-f]{32}$/),
              spanId: z.string().regex(/^[0-9a-f]{16}$/),
              parentSpanId: z.string().optional(),
              name: z.string(),
              kind: z.number(),
              attributes: Attributes,
              status: z.object({ code: z.number().optional() }).optional(),
            }),
          ),
        }),
      ),
    }),
  ),
});

export type ReceivedSpan = {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  attributes: Record<string, unknown>;
  failed: boolean;
  service: unknown;
};

const flat = (attributes: z.infer<typeof Attributes>): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

const FAILED = 2;

export async function startOtlpDouble() {
  const spans: ReceivedSpan[] = [];
  const state = { away: false, requests: 0 };
  const double = await startHttpDouble(async ({ method, path, rawBody }, response) => {
    state.requests += 1;
    if (state.away) return answerJson(response, 503, {});
    if (method !== 'POST' || path !== '/v1/traces') return answerJson(response, 404, {});
    const { resourceSpans } = Traces.parse(JSON.parse(rawBody.toString('utf8')));
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = flat(resource?.attributes ?? [])['service.name'];
      for (const { spans: received } of scopeSpans)
        for (const { attributes, status, parentSpanId, kind: _kind, ...span } of received)
          spans.push({
            ...span,
            parentSpanId: parentSpanId || undefined,
            attributes: flat(attributes),
            failed: status?.code === FAILED,
            service,
          });
    }
    answerJson(response, 200, {});
  });
  return { ...double, spans, state };
}
