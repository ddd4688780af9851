import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, badRequest, conflict, notFound, toProblem, tooMany, unavailable } from './errors.ts';

test('what is not known becomes a 500 that tells nothing', () => {
  const secret = 'select password from users';
  for (const thrown of [new Error(secret), secret, null, undefined, 7, { message: secret }, new TypeError(secret)]) {
    const answer = toProblem(thrown);
    assert.equal(answer.status, 500);
    assert.equal(answer.reportable, true);
    assert.doesNotMatch(JSON.stringify(answer.body), /password/);
  }
});

test('a 5xx that carries statusCode is still an unknown error', () => {
  assert.equal(toProblem(Object.assign(new Error('x'), { statusCode: 503 })).status, 500);
});

test('a database that is away is a 503 to come back from, and not the fault of each who notices', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.5:5432'), { code: 'ECONNREFUSED' });
  const ended = Object.assign(new Error('terminating connection'), { code: '57P01' });
  const silent = new Error('timeout exceeded when trying to connect');
  for (const error of [refused, ended, silent, new Error('Failed query', { cause: refused })]) {
    const answer = toProblem(error);
    assert.deepEqual([answer.status, answer.retryAfter, answer.reportable], [503, 5, false]);
    assert.doesNotMatch(JSON.stringify(answer.body), /10\.0\.0\.5|terminating|query/);
  }
});

test('our own errors keep code, status, details and retryAfter', () => {
  assert.deepEqual(toProblem(badRequest('No.', [{ field: 'name', message: 'is missing' }])), {
    status: 400,
    body: {
      success: false,
      error: { code: 'bad_request', message: 'No.', details: [{ field: 'name', message: 'is missing' }] },
    },
    reportable: false,
  });
  assert.equal(toProblem(notFound('The bot')).body.error.message, 'The bot was not found.');
  assert.equal(toProblem(tooMany(0.2)).retryAfter, 1);
  assert.equal(toProblem(conflict('Taken.')).status, 409);
  const down = toProblem(unavailable('Down.', 4.2, new Error('inner')));
  assert.deepEqual([down.status, down.retryAfter, down.reportable], [503, 5, true]);
  assert.doesNotMatch(JSON.stringify(down.body), /inner/);
});

test("the framework's refusals keep their status and lose their words", () => {
  for (const [statusCode, code] of [
    [400, 'bad_request'],
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [413, 'payload_too_large'],
    [429, 'too_many_requests'],
  ] as const) {
    const answer = toProblem(Object.assign(new Error('<script>'), { statusCode }));
    assert.equal(answer.status, statusCode);
    assert.equal(answer.body.error.code, code);
    assert.doesNotMatch(JSON.stringify(answer.body), /script/);
  }
  assert.equal(toProblem(Object.assign(new Error('x'), { statusCode: 415 })).status, 400);
});

test('failed validation names the fields', () => {
  const validation = [{ instancePath: '/items/0/name', message: 'is too long' }, { instancePath: '' }, null];
  assert.deepEqual(toProblem(Object.assign(new Error('x'), { statusCode: 400, validation })).body.error.details, [
    { field: 'items.0.name', message: 'is too long' },
    { field: '', message: 'is not valid' },
  ]);
});

test('a broken uniqueness rule is a conflict, also inside a wrapper', () => {
  const original = Object.assign(new Error('duplicate key (email)=(a@b.c)'), { code: '23505' });
  const answer = toProblem(new Error('Failed query', { cause: original }));
  assert.equal(answer.status, 409);
  assert.doesNotMatch(JSON.stringify(answer.body), /a@b/);
});

test('an AppError is an Error with a cause', () => {
  const cause = new Error('x');
  const error = unavailable('Down.', undefined, cause);
  assert.ok(error instanceof AppError && error instanceof Error);
  assert.equal(error.cause, cause);
});
