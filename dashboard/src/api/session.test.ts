import { beforeEach, describe, expect, it, vi } from 'vitest';
import { get } from './client.ts';
import { ApiError, describeProblem } from './problem.ts';
import { forgetLogin, keepLogin, refreshAccess, signedIn, signInEnded } from './session.ts';

type Call = { method: string; path: string; token: string | null; body: string };
let calls: Call[] = [];

/** A server at the wire: answers by method and path. */
function serve(answer: (call: Call) => { status: number; body: unknown; requestId?: string }): void {
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const call = {
      method: init.method ?? 'GET',
      path: url,
      token: new Headers(init.headers).get('authorization'),
      body: typeof init.body === 'string' ? init.body : '',
    };
    calls.push(call);
    const { status, body, requestId } = answer(call);
    return new Response(JSON.stringify(body), { status, headers: requestId ? { 'x-request-id': requestId } : {} });
  });
}

const refused = {
  status: 401,
  body: { success: false, error: { code: 'unauthorized', message: 'Sign in to do this.' } },
};
let rotations = 0;
const login = () => {
  rotations += 1;
  return {
    status: 200,
    body: {
      success: true,
      data: { accessToken: `access-${rotations}`, refreshToken: `refresh-${rotations}`, workspaceId: 'w1' },
    },
  };
};

beforeEach(() => {
  calls = [];
  rotations = 0;
  forgetLogin();
  signInEnded.value = false;
});

describe('the sign-in', () => {
  it('ends when the refresh token is refused', async () => {
    keepLogin({ accessToken: 'old', refreshToken: 'used', workspaceId: 'w1' });
    serve(() => refused);
    await expect(get('/me')).rejects.toMatchObject({ status: 401 });
    expect(signedIn()).toBe(false);
    expect(signInEnded.value).toBe(true);
  });

  it('survives a server that cannot be reached', async () => {
    keepLogin({ accessToken: 'old', refreshToken: 'good', workspaceId: 'w1' });
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('network')));
    await expect(refreshAccess()).rejects.toMatchObject({ status: 0 });
    expect(signedIn()).toBe(true);
  });

  it('rotates once for many calls at a time: a used token shown twice would end it', async () => {
    keepLogin({ accessToken: 'old', refreshToken: 'good', workspaceId: 'w1' });
    serve((call) => {
      if (call.path.endsWith('/auth/refresh')) return login();
      return call.token === 'Bearer access-1' ? { status: 200, body: { success: true, data: call.path } } : refused;
    });
    const answers = await Promise.all(['/a', '/b', '/c', '/d'].map((path) => get<string>(path)));
    expect(answers).toEqual(['/api/v1/a', '/api/v1/b', '/api/v1/c', '/api/v1/d']);
    expect(calls.filter((call) => call.path.endsWith('/auth/refresh'))).toHaveLength(1);
    expect(localStorage.getItem('parley.refresh')).toBe('refresh-1');
  });

  it('keeps the access token out of storage', () => {
    keepLogin({ accessToken: 'secret-access', refreshToken: 'r', workspaceId: 'w1' });
    expect(JSON.stringify({ ...localStorage })).not.toContain('secret-access');
  });
});

describe('problems', () => {
  it('keep the request id and hide what a failing server says', async () => {
    keepLogin({ accessToken: 'good', refreshToken: 'r', workspaceId: 'w1' });
    serve(() => ({
      status: 500,
      body: { success: false, error: { code: 'internal', message: 'pg: relation' } },
      requestId: 'r-1',
    }));
    const error: unknown = await get('/me').catch((failure: unknown) => failure);
    expect(describeProblem(error)).toEqual({ kind: 'failed', message: null, requestId: 'r-1' });
  });

  it('are told apart by status', () => {
    const kinds = [0, 400, 403, 404, 409, 413, 429, 500].map(
      (status) => describeProblem(new ApiError(status, 'x', 'y')).kind,
    );
    expect(kinds).toEqual(['offline', 'input', 'forbidden', 'missing', 'conflict', 'input', 'busy', 'failed']);
  });
});
