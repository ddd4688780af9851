import { z } from 'zod';
import { Id, PageQuery, Timestamp, line } from './common.ts';
import { allPermissions } from './nouns.ts';

export const Role = z.enum(['owner', 'admin', 'agent']);
export type Role = z.infer<typeof Role>;

export const Permission = z.enum(allPermissions);
export type Permission = z.infer<typeof Permission>;

export const Presence = z.enum(['online', 'idle', 'offline']);
export type Presence = z.infer<typeof Presence>;

export const Email = z
  .email()
  .max(254)
  .transform((email) => email.toLowerCase());
export const Password = z.string().min(10).max(200);

export const User = z.object({ id: Id, email: z.string(), name: z.string() });
export type User = z.infer<typeof User>;

export const Workspace = z.object({
  id: Id,
  name: z.string(),
  accent: z.string(),
  plan: z.string(),
  createdAt: Timestamp,
});
export type Workspace = z.infer<typeof Workspace>;
export const WorkspaceInput = z.strictObject({ name: line(80) }).meta({ examples: [{ name: 'Acme' }] });
export const Accent = z.enum(['indigo', 'teal', 'blue', 'green', 'amber', 'rose', 'slate']);
export const WorkspacePatch = z.strictObject({ name: line(80).optional(), accent: Accent.optional() });

export const WorkspaceMembership = z.object({ id: Id, name: z.string(), accent: z.string(), role: Role });
export type WorkspaceMembership = z.infer<typeof WorkspaceMembership>;

export const LoginInput = z
  .strictObject({
    email: Email,
    password: z.string().min(1).max(200),
    /** from the link of `POST /auth/proof`; makes this device known to the account */
    proof: z.string().min(10).max(200).optional(),
  })
  .meta({ examples: [{ email: 'ada@acme.example', password: 'correct horse battery' }] });
/** Access token: JWT, 1 hour, for one workspace. Refresh token: opaque, 7 days, single use, rotated at every refresh. */
export const Login = z.object({
  accessToken: z.string(),
  refreshToken: z.string(),
  user: User,
  workspaces: z.array(WorkspaceMembership),
  /** the workspace the access token is for; null when the user has none */
  workspaceId: Id.nullable(),
});
export type Login = z.infer<typeof Login>;
export const RefreshInput = z.strictObject({ refreshToken: z.string().min(10).max(200) });
/** Asks for a link to the mailbox of an account, good for 15 minutes and one sign-in. */
export const ProofInput = z.strictObject({ email: Email }).meta({ examples: [{ email: 'ada@acme.example' }] });
export const SwitchInput = z.strictObject({ workspaceId: Id });

/** First owner, by the one-time link printed at the first start. */
export const SetupInput = z
  .strictObject({
    token: z.string().min(10).max(200),
    email: Email,
    name: line(80),
    password: Password,
    workspaceName: line(80),
  })
  .meta({
    examples: [
      {
        token: 'from-the-printed-link',
        email: 'ada@acme.example',
        name: 'Ada',
        password: 'correct horse battery',
        workspaceName: 'Acme',
      },
    ],
  });
export const SetupState = z.object({ needsSetup: z.boolean() });
export const InvitationParams = z.object({ token: z.string().min(10).max(200) });
/** What an invitation link may tell before it is accepted. */
export const InvitationPreview = z.object({
  email: z.string(),
  role: Role,
  workspaceName: z.string(),
  expiresAt: Timestamp,
  hasAccount: z.boolean(),
});
export type InvitationPreview = z.infer<typeof InvitationPreview>;
export const AcceptInviteInput = z
  .strictObject({
    token: z.string().min(10).max(200),
    name: line(80).optional(),
    password: Password,
  })
  .meta({ examples: [{ token: 'from-the-invitation-link', name: 'Grace', password: 'correct horse battery' }] });

export const Me = z.object({
  user: User,
  workspace: Workspace.nullable(),
  role: Role.nullable(),
  permissions: z.array(Permission),
  presence: Presence,
  workspaces: z.array(WorkspaceMembership),
  /** what this installation takes, in bytes */
  limits: z.object({ attachmentBytes: z.int(), documentBytes: z.int() }),
});
export type Me = z.infer<typeof Me>;
/** A new address or password needs the current password; a new password ends the person's other sessions. */
export const MePatch = z
  .strictObject({
    name: line(80).optional(),
    email: Email.optional(),
    password: Password.optional(),
    currentPassword: z.string().min(1).max(200).optional(),
  })
  .meta({ examples: [{ name: 'Ada Lovelace' }] });
export type MePatch = z.infer<typeof MePatch>;

/** What a browser or program says of itself, in words its owner knows. */
export const DeviceName = z.object({
  kind: z.enum(['computer', 'phone', 'tablet', 'program']),
  /** "Firefox", or how a program calls itself; null when it says nothing */
  browser: z.string().nullable(),
  /** "Windows"; null when it is not known */
  system: z.string().nullable(),
});
export type DeviceName = z.infer<typeof DeviceName>;

/** Somebody tried to sign in to one's account. */
export const SignInAttempt = DeviceName.extend({
  id: Id,
  at: Timestamp,
  /** shortened: "203.0.113.…" */
  address: z.string(),
  /** the browser's or program's own description */
  device: z.string(),
  /** whether it signed in to this account before */
  knownDevice: z.boolean(),
  outcome: z.enum(['signed_in', 'wrong_password', 'refused', 'link_sent']),
});
export type SignInAttempt = z.infer<typeof SignInAttempt>;
export const SignInsQuery = PageQuery;
export const PresenceInput = z.strictObject({ presence: Presence }).meta({ examples: [{ presence: 'online' }] });

export const InviteInput = z
  .strictObject({ email: Email, role: Role })
  .meta({ examples: [{ email: 'grace@acme.example', role: 'agent' }] });
export const Invitation = z.object({
  id: Id,
  email: z.string(),
  role: Role,
  createdAt: Timestamp,
  expiresAt: Timestamp,
});
export type Invitation = z.infer<typeof Invitation>;
/** `inviteUrl` is shown once; only its hash is kept. */
export const InvitationCreated = Invitation.extend({
  inviteUrl: z.string(),
  /** it is on its way by mail as well, with a link of its own, which also proves the address */
  mailed: z.boolean(),
});
export type InvitationCreated = z.infer<typeof InvitationCreated>;
export const Member = z.object({
  id: Id,
  userId: Id,
  name: z.string(),
  email: z.string(),
  role: Role,
  presence: Presence,
  joinedAt: Timestamp,
});
export type Member = z.infer<typeof Member>;
export const MemberPatch = z.strictObject({ role: Role });
