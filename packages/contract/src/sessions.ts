import { Done, PageQuery, paged, success } from './common.ts';
import { api, get, patch, post } from './declare.ts';
import {
  AcceptInviteInput,
  InvitationParams,
  InvitationPreview,
  Login,
  LoginInput,
  Me,
  MePatch,
  PresenceInput,
  ProofInput,
  RefreshInput,
  SetupInput,
  SetupState,
  SignInAttempt,
  SwitchInput,
  User,
} from './people.ts';

export const authApi = api('Sign-in', {
  signIn: post('/auth/login', 'public', { summary: 'Log in', body: LoginInput, response: success(Login) }),
  askForProof: post('/auth/proof', 'public', {
    summary: 'Have a link sent that proves who signs in',
    body: ProofInput,
    response: success(Done),
  }),
  refresh: post('/auth/refresh', 'public', { summary: 'Get new tokens', body: RefreshInput, response: success(Login) }),
  signOut: post('/auth/logout', 'public', { summary: 'Log out', body: RefreshInput, response: success(Done) }),
  switchWorkspace: post('/auth/switch', 'signed-in', {
    summary: 'Go to another workspace',
    body: SwitchInput,
    response: success(Login),
  }),
  setupState: get('/auth/setup-state', 'public', {
    summary: 'Whether the first owner is still to come',
    response: success(SetupState),
  }),
  setUp: post('/auth/setup', 'public', { summary: 'Make the first owner', body: SetupInput, response: success(Login) }),
  previewInvitation: get('/auth/invitations/:token', 'public', {
    summary: 'Look at an invitation',
    params: InvitationParams,
    response: success(InvitationPreview),
  }),
  acceptInvite: post('/auth/accept-invite', 'public', {
    summary: 'Accept an invitation',
    body: AcceptInviteInput,
    response: success(Login),
  }),
});

export const meApi = api('Sign-in', {
  get: get('/me', 'signed-in', { summary: 'Who I am and what I may do', response: success(Me) }),
  update: patch('/me', 'signed-in', {
    summary: 'Change my name, address or password',
    body: MePatch,
    response: success(User),
  }),
  listSignIns: get('/me/sign-ins', 'signed-in', {
    summary: 'Who tried to sign in to my account, the newest first',
    query: PageQuery,
    response: paged(SignInAttempt),
  }),
  setPresence: patch('/me/presence', 'conversations:read', {
    summary: 'Say whether I am there',
    body: PresenceInput,
    response: success(PresenceInput),
  }),
});
