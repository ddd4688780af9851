import { authApi, type Login } from '@parley/contract';
import { ref } from 'vue';
import { type Input, send } from './transport.ts';
import { statusOf } from './problem.ts';

const storageKey = 'parley.refresh';

/** The access token lives in memory only; the refresh token is single use and shared by the tabs through localStorage. */
const accessToken = ref<string | null>(null);
const workspaceId = ref<string | null>(null);
/** True once the server no longer accepts this sign-in; the shell then asks for a new one. */
export const signInEnded = ref(false);
let refreshing: Promise<string | null> | null = null;

export const signedIn = (): boolean => accessToken.value !== null || localStorage.getItem(storageKey) !== null;
export const currentAccessToken = (): string | null => accessToken.value;

export function keepLogin(login: Pick<Login, 'accessToken' | 'refreshToken' | 'workspaceId'>): void {
  accessToken.value = login.accessToken;
  workspaceId.value = login.workspaceId;
  localStorage.setItem(storageKey, login.refreshToken);
}

export function forgetLogin(): void {
  accessToken.value = null;
  workspaceId.value = null;
  localStorage.removeItem(storageKey);
}

type Entrance = typeof authApi.signIn | typeof authApi.setUp | typeof authApi.acceptInvite;

/** Signs in through one of the calls that answer a login, and keeps it. */
export async function enter<C extends Entrance>(declared: C, body: Input<C>['body']): Promise<void> {
  keepLogin((await send(declared, { body } as Input<C>, null)) as Login);
}

export async function signOut(): Promise<void> {
  const refreshToken = localStorage.getItem(storageKey);
  forgetLogin();
  if (refreshToken) await send(authApi.signOut, { body: { refreshToken } }, null);
}

async function rotate(): Promise<string | null> {
  const refreshToken = localStorage.getItem(storageKey);
  if (!refreshToken) return null;
  try {
    const data = await send(authApi.refresh, { body: { refreshToken } }, null);
    const moved = workspaceId.value !== null && data.workspaceId !== workspaceId.value;
    keepLogin(data);
    // Another tab switched the workspace of this sign-in: nothing on this screen belongs to it any more.
    if (moved) location.assign('/');
    return data.accessToken;
  } catch (error) {
    if (statusOf(error) === 401 || statusOf(error) === 400) {
      forgetLogin();
      signInEnded.value = true;
      return null;
    }
    throw error;
  }
}

/**
 * A fresh access token, or null when the person has to sign in. One rotation at a time: in this tab by the shared
 * promise, between tabs by a lock, since presenting a used refresh token looks like theft and ends the sign-in.
 */
export function refreshAccess(): Promise<string | null> {
  refreshing ??= (navigator.locks ? navigator.locks.request('parley.refresh', rotate) : rotate()).finally(() => {
    refreshing = null;
  });
  return refreshing;
}
