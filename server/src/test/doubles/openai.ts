/**
 * Double of the OpenAI API: `/v1/responses` (what the AI SDK calls by default), `/v1/chat/completions` (what compatible
 * servers speak) and `/v1/embeddings` (a fixed vector per text: equal texts are equal, nothing more is promised).
 */
import { createHash } from 'node:crypto';
import { startModelDouble, type AnswerContext, type ModelDouble, type ModelWire } from './model-script.ts';

const CREATED = 1_780_000_000;

export function startOpenAiDouble(): Promise<ModelDouble> {
  return startModelDouble(openAiWire);
}

const isChat = (context: AnswerContext): boolean => context.request.path.endsWith('/chat/completions');
const modelOf = (context: AnswerContext): string => String(context.request.body['model'] ?? 'gpt-double');

const openAiWire: ModelWire = {
  basePath: '/v1',
  streams: (request) => request.body['stream'] === true,
  opening: (context) =>
    isChat(context)
      ? [{ data: chatChunk(context, { role: 'assistant', content: '' }, null) }]
      : [
          responseEvent('response.created', {
            response: { ...responseHead(context), status: 'in_progress', output: [] },
          }),
          responseEvent('response.output_item.added', {
            output_index: 0,
            item: { type: 'message', id: 'msg_double', role: 'assistant', status: 'in_progress', content: [] },
          }),
        ],
  delta: (context, text) =>
    isChat(context)
      ? [{ data: chatChunk(context, { content: text }, null) }]
      : [
          responseEvent('response.output_text.delta', {
            item_id: 'msg_double',
            output_index: 0,
            content_index: 0,
            delta: text,
          }),
        ],
  closing: (context, whole) =>
    isChat(context)
      ? [
          { data: chatChunk(context, {}, context.finish) },
          { data: { ...chatHead(context), object: 'chat.completion.chunk', choices: [], usage: chatUsage(context) } },
          { data: '[DONE]' },
        ]
      : [
          responseEvent('response.output_item.done', { output_index: 0, item: messageItem(whole) }),
          responseEvent(context.finish === 'length' ? 'response.incomplete' : 'response.completed', {
            response: wholeResponse(context, whole),
          }),
        ],
  failure: (message) => ({
    name: 'error',
    data: {
      type: 'error',
      sequence_number: 9,
      error: { type: 'server_error', code: 'server_error', message, param: null },
    },
  }),
  whole: (context, text) =>
    isChat(context)
      ? {
          ...chatHead(context),
          object: 'chat.completion',
          choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: context.finish }],
          usage: chatUsage(context),
        }
      : wholeResponse(context, text),
  errorBody: (status, message) => ({
    error: { message, type: status === 429 ? 'rate_limit_error' : 'server_error', param: null, code: null },
  }),
  other: (request) => (request.path.endsWith('/embeddings') ? embeddings(request.body) : undefined),
};

function responseEvent(type: string, fields: Record<string, unknown>) {
  return { name: type, data: { type, sequence_number: 0, ...fields } };
}

function responseHead(context: AnswerContext) {
  return { id: 'resp_double', object: 'response', created_at: CREATED, model: modelOf(context), error: null };
}

function messageItem(text: string) {
  return {
    type: 'message',
    id: 'msg_double',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text, annotations: [] }],
  };
}

function wholeResponse(context: AnswerContext, text: string) {
  const { input, output } = context.usage;
  return {
    ...responseHead(context),
    status: context.finish === 'length' ? 'incomplete' : 'completed',
    incomplete_details: context.finish === 'length' ? { reason: 'max_output_tokens' } : null,
    output: [messageItem(text)],
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: input + output,
    },
  };
}

function chatHead(context: AnswerContext) {
  return { id: 'chatcmpl-double', created: CREATED, model: modelOf(context) };
}

function chatChunk(context: AnswerContext, delta: Record<string, unknown>, finish: string | null) {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return { ...chatHead(context), object: 'chat.completion.chunk', choices };
}

function chatUsage(context: AnswerContext) {
  const { input, output } = context.usage;
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}

function embeddings(body: Record<string, unknown>) {
  const inputs = Array.isArray(body['input']) ? body['input'].map(String) : [String(body['input'])];
  const size = typeof body['dimensions'] === 'number' ? body['dimensions'] : 1536;
  return {
    object: 'list',
    model: body['model'],
    data: inputs.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text, size) })),
    usage: { prompt_tokens: inputs.length * 8, total_tokens: inputs.length * 8 },
  };
}

function vectorOf(text: string, size: number): number[] {
  const seed = createHash('sha512').update(text).digest();
  const values = Array.from({ length: size }, (_, index) => (seed[index % seed.length] ?? 0) / 255 - 0.5);
  const length = Math.hypot(...values) || 1;
  return values.map((value) => value / length);
}
