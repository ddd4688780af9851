/**
 * Double of the Anthropic Messages API (`/v1/messages`). Where the caller forces a tool (the SDK's way to a structured
 * reply on models without output formats), the scripted text is streamed as that tool's input.
 */
import { startModelDouble, type AnswerContext, type ModelDouble, type ModelWire } from './model-script.ts';

export function startAnthropicDouble(): Promise<ModelDouble> {
  return startModelDouble(anthropicWire);
}

const anthropicWire: ModelWire = {
  basePath: '/v1',
  streams: (request) => request.body['stream'] === true,
  opening: (context) => {
    const tool = forcedTool(context);
    const block = tool ? { type: 'tool_use', id: 'toolu_double', name: tool, input: {} } : { type: 'text', text: '' };
    return [
      event('message_start', {
        message: { ...head(context), content: [], stop_reason: null, usage: usage(context, 1) },
      }),
      event('content_block_start', { index: 0, content_block: block }),
      event('ping', {}),
    ];
  },
  delta: (context, text) => [
    event('content_block_delta', {
      index: 0,
      delta: forcedTool(context) ? { type: 'input_json_delta', partial_json: text } : { type: 'text_delta', text },
    }),
  ],
  closing: (context) => [
    event('content_block_stop', { index: 0 }),
    event('message_delta', {
      delta: { stop_reason: stopReason(context), stop_sequence: null },
      usage: { output_tokens: context.usage.output },
    }),
    event('message_stop', {}),
  ],
  failure: (message) => event('error', { error: { type: 'overloaded_error', message } }),
  whole: (context, text) => {
    const tool = forcedTool(context);
    return {
      ...head(context),
      content: tool
        ? [{ type: 'tool_use', id: 'toolu_double', name: tool, input: JSON.parse(text) as unknown }]
        : [{ type: 'text', text }],
      stop_reason: stopReason(context),
      stop_sequence: null,
      usage: usage(context, context.usage.output),
    };
  },
  errorBody: (status, message) => ({
    type: 'error',
    error: { type: status === 429 ? 'rate_limit_error' : status === 529 ? 'overloaded_error' : 'api_error', message },
  }),
};

function event(type: string, fields: Record<string, unknown>) {
  return { name: type, data: { type, ...fields } };
}

function head(context: AnswerContext) {
  const model = String(context.request.body['model'] ?? 'claude-double');
  return { id: 'msg_double', type: 'message', role: 'assistant', model, stop_sequence: null };
}

function usage(context: AnswerContext, output: number) {
  return { input_tokens: context.usage.input, output_tokens: output };
}

function stopReason(context: AnswerContext): string {
  if (context.finish === 'length') return 'max_tokens';
  return forcedTool(context) ? 'tool_use' : 'end_turn';
}

function forcedTool(context: AnswerContext): string | undefined {
  const choice = context.request.body['tool_choice'];
  if (typeof choice !== 'object' || choice === null) return undefined;
  const { type, name } = choice as { type?: unknown; name?: unknown };
  if (type === 'tool' && typeof name === 'string') return name;
  // `any` with a single tool leaves the model no other choice.
  const tools = context.request.body['tools'];
  const only: unknown = Array.isArray(tools) && tools.length === 1 ? tools[0] : undefined;
  return type === 'any' ? (only as { name?: string } | undefined)?.name : undefined;
}
