import { conversationsApi, meApi } from '@parley/contract';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { call } from './client.ts';
import { ApiError, describeProblem } from './problem.ts';
import { departure, forgetLogin, keepLogin, refreshAccess, signedIn } from './session.ts';

type Sent = { method: string; path: string; token: string | null; body: string };
let calls: Sent[] = [];

/** A server at the wire: answers by method and path. */
function serve(answer: (call: Sent) => { status: number; body: unknown; requestId?: string }): void {
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const sent = {
      method: init.method ?? 'GET',
      path: url,
      token: new Headers(init.headers).get('authorization'),
      body: typeof init.body === 'string' ? init.body : '',
    };
    calls.push(sent);
    const { status, body, requestId } = answer(sent);
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
      data: {
        accessToken: `access-${rotations}`,
        refreshToken: `refresh-${rotations}`,
        workspaceId: '01890000-0000-7000-8000-000000000003',
        user: { id: '01890000-0000-7000-8000-000000000001', email: 'ada@example.com', name: 'Ada' },
        workspaces: [],
      },
    },
  };
};

beforeEach(() => {
  calls = [];
  rotations = 0;
  forgetLogin();
  departure.value = null;
});

describe('the sign-in', () => {
  it('ends when the refresh token is refused', async () => {
    keepLogin({ accessToken: 'old', refreshToken: 'used', workspaceId: '01890000-0000-7000-8000-000000000003' });
    serve(() => refused);
    await expect(call(meApi.get)).rejects.toMatchObject({ status: 401 });
    expect(signedIn()).toBe(false);
    expect(departure.value).toBe('ended');
  });

  it('ends when a call is refused with a fresh token', async () => {
    keepLogin({ accessToken: 'old', refreshToken: 'good', workspaceId: '01890000-0000-7000-8000-000000000003' });
    serve(({ path }) => (path.endsWith('/auth/refresh') ? login() : refused));
    await expect(call(meApi.get)).rejects.toMatchObject({ status: 401 });
    expect(calls).toHaveLength(3);
    expect(departure.value).toBe('ended');
    expect(signedIn()).toBe(false);
  });

  it('survives a server that cannot be reached', async () => {
    keepLogin({ accessToken: 'old', refreshToken: 'good', workspaceId: '01890000-0000-7000-8000-000000000003' });
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('network')));
    await expect(refreshAccess()).rejects.toMatchObject({ status: 0 });
    expect(signedIn()).toBe(true);
  });

  it('rotates once for many calls at a time: a used token shown twice would end it', async () => {
    keepLogin({ accessToken: 'old', refreshToken: 'good', workspaceId: '01890000-0000-7000-8000-000000000003' });
    const counts = {
      ...{ mine: 1, unassigned: 2, waiting: 3, bot: 4, agent: 5, snoozed: 6, resolved: 7, open: 8, all: 9 },
      ...{ waitingSince: null, inboxes: [] },
    };
    serve(({ path, token }) => {
      if (path.endsWith('/auth/refresh')) return login();
      return token === 'Bearer access-1' ? { status: 200, body: { success: true, data: counts } } : refused;
    });
    const answers = await Promise.all([1, 2, 3, 4].map(() => call(conversationsApi.count)));
    expect(answers).toEqual([counts, counts, counts, counts]);
    expect(calls.filter(({ path }) => path.endsWith('/auth/refresh'))).toHaveLength(1);
    expect(localStorage.getItem('parley.refresh')).toBe('refresh-1');
  });

  it('keeps the access token out of storage', () => {
    keepLogin({ accessToken: 'secret-access', refreshToken: 'r', workspaceId: '01890000-0000-7000-8000-000000000003' });
    expect(JSON.stringify({ ...localStorage })).not.toContain('secret-access');
  });
});

describe('problems', () => {
  it('keep the request id and hide what a failing server says', async () => {
    keepLogin({ accessToken: 'good', refreshToken: 'r', workspaceId: '01890000-0000-7000-8000-000000000003' });
    serve(() => ({
      status: 500,
      body: { success: false, error: { code: 'internal', message: 'pg: relation' } },
      requestId: 'r-1',
    }));
    const error: unknown = await call(meApi.get).catch((failure: unknown) => failure);
    expect(describeProblem(error)).toEqual({ kind: 'failed', message: null, requestId: 'r-1' });
  });

  it('are told apart by status', () => {
    const kinds = [0, 400, 403, 404, 409, 413, 429, 500].map(
      (status) => describeProblem(new ApiError(status, 'x', 'y')).kind,
    );
    expect(kinds).toEqual(['offline', 'input', 'forbidden', 'missing', 'conflict', 'input', 'busy', 'failed']);
  });
});
