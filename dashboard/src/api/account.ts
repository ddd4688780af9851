import type {
  AcceptInviteInput,
  InvitationPreview,
  Login,
  Me,
  Presence,
  SetupInput,
  SetupState,
  SignInAttempt,
  Workspace,
  WorkspacePatch,
} from '@parley/contract';
import type { z } from 'zod';
import { get, patch, post } from './client.ts';
import { currentRefreshToken, forgetLogin, keepLogin } from './session.ts';
import { send } from './transport.ts';

const enter = async (path: string, body: unknown): Promise<Login> => {
  const { data } = await send<Login>('POST', path, { body });
  keepLogin(data);
  return data;
};

export const signIn = (email: string, password: string, proof?: string) =>
  enter('/auth/login', { email, password, ...(proof ? { proof } : {}) });
export const askForProof = (email: string) => send('POST', '/auth/proof', { body: { email } });
export const signInAttempts = () => get<SignInAttempt[]>('/me/sign-ins?limit=20');
export const setUp = (input: z.input<typeof SetupInput>) => enter('/auth/setup', input);
export const acceptInvite = (input: z.input<typeof AcceptInviteInput>) => enter('/auth/accept-invite', input);
export const setupState = async () => (await send<z.infer<typeof SetupState>>('GET', '/auth/setup-state')).data;
export const invitationPreview = async (token: string) =>
  (await send<InvitationPreview>('GET', `/auth/invitations/${encodeURIComponent(token)}`)).data;

export async function signOut(): Promise<void> {
  const refreshToken = currentRefreshToken();
  forgetLogin();
  if (refreshToken) await send('POST', '/auth/logout', { body: { refreshToken } });
}

export const me = () => get<Me>('/me');
export const setPresence = (presence: Presence) => patch<unknown>('/me/presence', { presence });

export async function switchWorkspace(workspaceId: string): Promise<void> {
  keepLogin(await post<Login>('/auth/switch', { workspaceId }));
}
export const createWorkspace = (name: string) => post<Workspace>('/workspaces', { name });
export const updateWorkspace = (id: string, changes: z.input<typeof WorkspacePatch>) =>
  patch<Workspace>(`/workspaces/${id}`, changes);
