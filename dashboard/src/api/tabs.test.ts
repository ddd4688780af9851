import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const workspaceId = '01890000-0000-7000-8000-000000000003';
const ada = '01890000-0000-7000-8000-000000000001';
const grace = '01890000-0000-7000-8000-000000000002';

type Token = { user: string; next?: string };
let tokens: Map<string, Token>;
let asked: string[];
let stolen: boolean;
/** Each answer to a refresh waits for what this returns. */
let beforeAnswer: () => Promise<unknown>;
let made: number;

const begin = (user = ada): string => {
  const token = `refresh-${(made += 1)}`;
  tokens.set(token, { user });
  return token;
};

/** Rotates as the server does: the last used token leads to the same successor, an older one ends it all. */
function rotated(token: string): Token & { next: string } {
  const known = tokens.get(token);
  if (!known) throw new Error('unknown');
  const following = known.next && tokens.get(known.next);
  if (following && following.next) {
    stolen = true;
    tokens.clear();
    throw new Error('reused');
  }
  known.next ??= begin(known.user);
  return { ...known, next: known.next };
}

function answerTo(refreshToken: string): Response {
  try {
    const { next, user } = rotated(refreshToken);
    const data = {
      accessToken: `access to ${next}`,
      refreshToken: next,
      workspaceId,
      user: { id: user, email: 'ada@example.com', name: 'Ada' },
      workspaces: [],
    };
    return new Response(JSON.stringify({ success: true, data }));
  } catch {
    const error = { code: 'unauthorized', message: 'Your sign-in has ended.' };
    return new Response(JSON.stringify({ success: false, error }), { status: 401 });
  }
}

/** A tab: the module as a page of its own loads it. The tabs share localStorage and, here, the window. */
async function openTab() {
  vi.resetModules();
  return import('./session.ts');
}
const closeTab = () => window.dispatchEvent(new Event('pagehide'));
/** What the browser tells the other tabs. */
const tellTabs = () => window.dispatchEvent(new StorageEvent('storage', { key: 'parley.refresh' }));
const signIn = (refreshToken: string, user = ada) => {
  localStorage.setItem('parley.person', user);
  localStorage.setItem('parley.refresh', refreshToken);
};

beforeEach(() => {
  localStorage.clear();
  tokens = new Map();
  asked = [];
  stolen = false;
  made = 0;
  beforeAnswer = () => Promise.resolve();
  vi.stubGlobal('navigator', { ...navigator, locks: undefined });
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const { refreshToken } = JSON.parse(init.body as string) as { refreshToken: string };
    if (url.endsWith('/auth/logout')) {
      tokens.clear();
      return new Response(JSON.stringify({ success: true, data: { done: true } }));
    }
    asked.push(refreshToken);
    const answer = answerTo(refreshToken);
    await beforeAnswer();
    return answer;
  });
});
afterEach(() => vi.unstubAllGlobals());

it('lets several tabs go on at once where the browser has no locks', async () => {
  signIn(begin());
  const tabs = [await openTab(), await openTab(), await openTab()];
  const access = await Promise.all(tabs.map((tab) => tab.refreshAccess()));
  expect(access.every((token) => token !== null)).toBe(true);
  expect(stolen).toBe(false);
  const newest = await (await openTab()).refreshAccess();
  expect(newest).toBe(`access to ${localStorage.getItem('parley.refresh')}`);
});

it('goes on after reloads that lost the answer', async () => {
  signIn(begin());
  beforeAnswer = () => new Promise(() => undefined);
  for (let reload = 0; reload < 2; reload += 1) {
    void (await openTab()).refreshAccess();
    await vi.waitFor(() => expect(asked).toHaveLength(reload + 1));
    closeTab();
  }
  beforeAnswer = () => Promise.resolve();
  const tab = await openTab();
  expect(await tab.refreshAccess()).toBe('access to refresh-2');
  expect(asked).toEqual(['refresh-1', 'refresh-1', 'refresh-1']);
  expect(tab.departure.value).toBeNull();
});

it('keeps the newer token of a tab that was ahead', async () => {
  signIn(begin());
  const slow = await openTab();
  let answer = () => undefined as void;
  beforeAnswer = () => new Promise<void>((resolve) => (answer = resolve));
  const access = slow.refreshAccess();
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  localStorage.setItem('parley.refresh', 'newer');
  answer();
  expect(await access).toBe('access to refresh-2');
  expect(localStorage.getItem('parley.refresh')).toBe('newer');
});

it('tries the token of a tab that was ahead when its own is refused', async () => {
  signIn('forgotten by a move to another workspace');
  const tab = await openTab();
  let answer = () => undefined as void;
  beforeAnswer = () => new Promise<void>((resolve) => (answer = resolve));
  const access = tab.refreshAccess();
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  signIn(begin());
  beforeAnswer = () => Promise.resolve();
  answer();
  expect(await access).toBe('access to refresh-2');
  expect(tab.departure.value).toBeNull();
});

it('ends in every tab as soon as one signs out', async () => {
  signIn(begin());
  const [here, there] = [await openTab(), await openTab()];
  await there.refreshAccess();
  const leaving = here.signOut();
  tellTabs();
  expect(there.departure.value).toBe('ended');
  expect(there.currentAccessToken()).toBeNull();
  expect(here.departure.value).toBe('left');
  await leaving;
  expect(here.signedIn()).toBe(false);
});

it('does not sign in again by an answer that was on its way', async () => {
  signIn(begin());
  const [here, there] = [await openTab(), await openTab()];
  let answer = () => undefined as void;
  beforeAnswer = () => new Promise<void>((resolve) => (answer = resolve));
  const access = there.refreshAccess();
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  await here.signOut();
  answer();
  expect(await access).toBeNull();
  expect(localStorage.getItem('parley.refresh')).toBeNull();
  expect(there.departure.value).toBe('ended');
});

it('shows nobody what another person left on the screen', async () => {
  signIn(begin());
  const tab = await openTab();
  await tab.refreshAccess();
  signIn(begin(grace), grace);
  tellTabs();
  expect(tab.departure.value).toBe('changed');

  const unaware = await openTab();
  signIn(begin(ada), ada);
  expect(await unaware.refreshAccess()).toBeNull();
  expect(unaware.departure.value).toBe('changed');
});
