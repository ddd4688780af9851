import { traceHeaders } from '../platform/telemetry/tracing.ts';
import { ModelFailure } from './failures.ts';

/** Bytes. An event or a whole answer holds a reply and what surrounds it; a stream says each token in a few hundred. */
const LARGEST_EVENT = 1_048_576;
const LARGEST_STREAM = 32 * 1_048_576;

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

const tooLarge = () =>
  new ModelFailure('invalid', 'The model provider sent more than an answer can hold.', { statusCode: 502 });

/** Passes bytes on as long as all of them, and those of one event, are within bounds; an event ends at an empty line. */
const bounded = (limits: { whole: number; event: number }): TransformStream<Uint8Array, Uint8Array> => {
  let whole = 0;
  let event = 0;
  let atLineBegin = false;
  return new TransformStream({
    transform(bytes, controller) {
      whole += bytes.length;
      let from = 0;
      for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, from)) {
        const isEmpty = end === from || (end === from + 1 && bytes[from] === CARRIAGE_RETURN);
        event = isEmpty && (from > 0 || atLineBegin) ? 0 : event + end + 1 - from;
        from = end + 1;
        if (event > limits.event) break;
      }
      event += bytes.length - from;
      atLineBegin = from === bytes.length;
      if (whole > limits.whole || event > limits.event) controller.error(tooLarge());
      else controller.enqueue(bytes);
    },
  });
};

/**
 * How models are called. Redirects are refused: the question, the passages and the key go to the configured address alone,
 * not to another one or into the network behind this server. The answer's size is bounded while it is read. The trace
 * headers are sent only to a server the operator runs, and only where a setting says so.
 *
 * @throws ModelFailure `rejected` for a redirect
 */
export const providerFetch: typeof fetch = async (input, init) => {
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
  const more = traceHeaders(input instanceof Request ? input.url : String(input));
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
  const response = await fetch(input, { ...init, headers, redirect: 'manual' });
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel();
    const message = 'The model provider sends its callers to another address. Set its base URL to the final one.';
    throw new ModelFailure('rejected', message, { statusCode: 400 });
  }
  if (!response.body) return response;
  const isStream = response.headers.get('content-type')?.includes('text/event-stream') ?? false;
  const limits = { whole: isStream ? LARGEST_STREAM : LARGEST_EVENT, event: LARGEST_EVENT };
  const { status, statusText } = response;
  return new Response(response.body.pipeThrough(bounded(limits)), { status, statusText, headers: response.headers });
};
