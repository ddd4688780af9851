import { authApi, type Login } from '@parley/contract';
import { ref } from 'vue';
import { oneAtATime } from './oneAtATime.ts';
import { statusOf } from './problem.ts';
import { type Input, send } from './transport.ts';

/** What the tabs share: the refresh token, and whose it is. */
export const refreshKey = 'parley.refresh';
const personKey = 'parley.person';

/** The access token lives in memory only; the refresh token is single use and shared by the tabs through localStorage. */
const accessToken = ref<string | null>(null);
const workspaceId = ref<string | null>(null);
let refreshing: Promise<string | null> | null = null;

const storedToken = (): string | null => localStorage.getItem(refreshKey);
/** Whose screen this tab shows; null before anybody signed in. */
let person: string | null = storedToken() && localStorage.getItem(personKey);

/**
 * Why nothing on this screen may be shown any more: the server or another tab ended the sign-in, the person left, or somebody
 * else or another workspace took its place. The app then empties the screen and leaves through a full load.
 */
type Departure = 'ended' | 'left' | 'changed';
export const departure = ref<Departure | null>(null);

export const signedIn = (): boolean => accessToken.value !== null || storedToken() !== null;
export const currentAccessToken = (): string | null => accessToken.value;

type Kept = Pick<Login, 'accessToken' | 'refreshToken' | 'workspaceId'> & { user?: Pick<Login['user'], 'id'> };

function keepAccess(login: Kept): void {
  accessToken.value = login.accessToken;
  workspaceId.value = login.workspaceId;
  person = login.user?.id ?? person;
}

export function keepLogin(login: Kept): void {
  keepAccess(login);
  departure.value = null;
  // The person first: other tabs look when the token comes.
  if (login.user) localStorage.setItem(personKey, login.user.id);
  localStorage.setItem(refreshKey, login.refreshToken);
}

export function forgetLogin(): void {
  accessToken.value = null;
  workspaceId.value = null;
  localStorage.removeItem(refreshKey);
}

/** This sign-in is over, wherever that was noticed. The other tabs hear of it by the storage. */
export function endSignIn(why: Departure = 'ended'): void {
  forgetLogin();
  departure.value = why;
}

/** Another tab may have signed out, or signed somebody else in, while this one was not looking. */
function lookAtOthers(): void {
  if (person === null || departure.value) return;
  if (storedToken() === null) endSignIn();
  else if ((localStorage.getItem(personKey) ?? person) !== person) departure.value = 'changed';
}
window.addEventListener('storage', ({ key }) => {
  if (key === refreshKey || key === personKey || key === null) lookAtOthers();
});
// A page that comes back from the browser's memory, or from behind, heard nothing meanwhile.
window.addEventListener('pageshow', lookAtOthers);
document.addEventListener('visibilitychange', lookAtOthers);

type Entrance = typeof authApi.signIn | typeof authApi.setUp | typeof authApi.acceptInvite;

/** Signs in through one of the calls that answer a login, and keeps it. */
export async function enter<C extends Entrance>(declared: C, body: Input<C>['body']): Promise<void> {
  keepLogin((await send(declared, { body } as Input<C>, null)) as Login);
}

/** The screen is empty at once; the server is told for a few seconds at most. */
export async function signOut(): Promise<void> {
  const refreshToken = storedToken();
  endSignIn('left');
  const signal = AbortSignal.timeout(5_000);
  if (refreshToken) await send(authApi.signOut, { body: { refreshToken }, signal }, null);
}

/** Takes the answer to `used` in, unless another tab did something else meanwhile. */
function adopt(login: Login, used: string): string | null {
  const stored = storedToken();
  if (stored === null) {
    // Signed out while the answer was on its way.
    endSignIn();
    return null;
  }
  const isOther = person !== null && login.user.id !== person;
  const isMoved = workspaceId.value !== null && login.workspaceId !== workspaceId.value;
  if (stored === used) keepLogin(login);
  // Another tab was ahead, and the token it has is the one that counts.
  else keepAccess(login);
  if (!isOther && !isMoved) return login.accessToken;
  // Nothing on this screen belongs to who is signed in, or where, any more.
  departure.value = 'changed';
  return null;
}

async function rotate(): Promise<string | null> {
  for (;;) {
    const refreshToken = storedToken();
    if (!refreshToken) {
      endSignIn();
      return null;
    }
    try {
      return adopt(await send(authApi.refresh, { body: { refreshToken } }, null), refreshToken);
    } catch (error) {
      if (statusOf(error) !== 401 && statusOf(error) !== 400) throw error;
      const stored = storedToken();
      if (stored !== null && stored !== refreshToken) continue;
      endSignIn();
      return null;
    }
  }
}

/**
 * A fresh access token, or null when the person has to sign in. One rotation at a time: in this tab by the shared
 * promise, between tabs by a lock, since presenting an older refresh token looks like theft and ends the sign-in.
 */
export function refreshAccess(): Promise<string | null> {
  refreshing ??= oneAtATime(refreshKey, rotate).finally(() => {
    refreshing = null;
  });
  return refreshing;
}
