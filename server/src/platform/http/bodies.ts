import { assertModestText, importLimits, jsonLimits } from '../limits/json-limits.ts';
import type { Http } from './types.ts';

/** JSON only, besides uploads. An empty body is none; keys that would reach a prototype are refused. */
export const acceptJson = (http: Http): void => {
  const parse = http.getDefaultJsonParser('error', 'error');
  // Text is not accepted: a form of another site may send it without asking.
  http.removeAllContentTypeParsers();
  http.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) {
      done(null, undefined);
      return;
    }
    const text = body.toString();
    assertModestText(text, request.routeOptions.config.body === 'import' ? importLimits : jsonLimits);
    void parse(request, text, done);
  });
};

/**
 * Inside of this scope `request.body` is a Buffer with the bytes as they came, whatever they are called
 * (undefined for none): signatures are over bytes. For webhooks:
 * `http.register(async (scope) => { keepRawBodies(scope); scope.post('/webhooks/…', { config: { body: 'webhook' } }, …) })`
 */
export const keepRawBodies = (scope: Http): void => {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
};
