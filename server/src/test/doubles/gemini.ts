/** Double of the Gemini API: `:generateContent` and `:streamGenerateContent?alt=sse` under `/v1beta/models/<model>`. */
import { startModelDouble, type AnswerContext, type ModelDouble, type ModelWire } from './model-script.ts';

export function startGeminiDouble(): Promise<ModelDouble> {
  return startModelDouble(geminiWire);
}

const STATUS_NAMES: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
};

const geminiWire: ModelWire = {
  basePath: '/v1beta',
  streams: (request) => request.path.endsWith(':streamGenerateContent'),
  // Gemini announces nothing: its first event carries text.
  opening: () => [],
  delta: (context, text) => [{ data: piece(context, text) }],
  closing: (context) => [{ data: piece(context, '', context.finish) }],
  failure: (message) => ({ data: { error: { code: 503, message, status: 'UNAVAILABLE' } } }),
  whole: (context, text) => piece(context, text, context.finish),
  errorBody: (status, message) => ({ error: { code: status, message, status: STATUS_NAMES[status] ?? 'INTERNAL' } }),
};

function piece(context: AnswerContext, text: string, finish?: 'stop' | 'length') {
  const { input, output } = context.usage;
  const finishReason = finish === undefined ? {} : { finishReason: finish === 'length' ? 'MAX_TOKENS' : 'STOP' };
  return {
    candidates: [{ index: 0, content: { role: 'model', parts: [{ text }] }, ...finishReason }],
    usageMetadata: { promptTokenCount: input, candidatesTokenCount: output, totalTokenCount: input + output },
    modelVersion: /models\/([^:]+):/.exec(context.request.path)?.[1] ?? 'gemini-double',
    responseId: 'double',
  };
}
