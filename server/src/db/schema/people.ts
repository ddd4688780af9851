import { boolean, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import type { ApiKeyScope, Presence, Role, SignInAttempt } from '@parley/contract';
import { createdAt, deletedAt, id, moment, workspaceId } from './columns.ts';

export const workspaces = pgTable('workspaces', {
  id: id(),
  name: text('name').notNull(),
  plan: text('plan').notNull().default('free'),
  accent: text('accent').notNull().default('indigo'),
  settings: jsonb('settings').$type<Record<string, unknown>>().notNull().default({}),
  createdAt: createdAt(),
  deletedAt: deletedAt(),
});

export const users = pgTable('users', {
  id: id(),
  email: text('email').notNull(),
  name: text('name').notNull(),
  passwordHash: text('password_hash'),
  createdAt: createdAt(),
  disabledAt: moment('disabled_at'),
  emailVerifiedAt: moment('email_verified_at'),
  language: text('language'),
});

export const memberships = pgTable('memberships', {
  id: id(),
  workspaceId: workspaceId(),
  userId: uuid('user_id').notNull(),
  role: text('role').$type<Role>().notNull(),
  presence: text('presence').$type<Presence>().notNull().default('offline'),
  createdAt: createdAt(),
  removedAt: moment('removed_at'),
});

export const invitations = pgTable('invitations', {
  id: id(),
  workspaceId: workspaceId(),
  email: text('email').notNull(),
  role: text('role').$type<Role>().notNull(),
  tokenHash: text('token_hash').notNull(),
  invitedBy: uuid('invited_by'),
  createdAt: createdAt(),
  expiresAt: moment('expires_at').notNull(),
  acceptedAt: moment('accepted_at'),
  revokedAt: moment('revoked_at'),
  mailedTokenHash: text('mailed_token_hash'),
});

export const sessions = pgTable('sessions', {
  id: id(),
  userId: uuid('user_id').notNull(),
  createdAt: createdAt(),
  lastSeenAt: moment('last_seen_at').notNull().defaultNow(),
  revokedAt: moment('revoked_at'),
  revokedReason: text('revoked_reason'),
  userAgent: text('user_agent'),
  ip: text('ip'),
});

export const refreshTokens = pgTable('refresh_tokens', {
  id: id(),
  sessionId: uuid('session_id').notNull(),
  workspaceIdHint: uuid('workspace_id_hint'),
  tokenHash: text('token_hash').notNull(),
  createdAt: createdAt(),
  expiresAt: moment('expires_at').notNull(),
  usedAt: moment('used_at'),
  /** while the token that came after it was not used */
  successorSalt: text('successor_salt'),
});

export const apiKeys = pgTable('api_keys', {
  id: id(),
  workspaceId: workspaceId(),
  name: text('name').notNull(),
  prefix: text('prefix').notNull(),
  tokenHash: text('token_hash').notNull(),
  scopes: text('scopes').array().$type<ApiKeyScope[]>().notNull(),
  createdBy: uuid('created_by').notNull(),
  createdAt: createdAt(),
  lastUsedAt: moment('last_used_at'),
  revokedAt: moment('revoked_at'),
});

export const signIns = pgTable('sign_ins', {
  id: id(),
  userId: uuid('user_id').notNull(),
  createdAt: createdAt(),
  address: text('address').notNull(),
  device: text('device').notNull(),
  knownDevice: boolean('known_device').notNull(),
  outcome: text('outcome').$type<SignInAttempt['outcome']>().notNull(),
});

export const oneTimeTokens = pgTable('one_time_tokens', {
  id: id(),
  purpose: text('purpose').$type<'setup' | 'password_reset' | 'sign_in' | 'address'>().notNull(),
  userId: uuid('user_id'),
  email: text('email'),
  mailed: boolean('mailed').notNull().default(false),
  tokenHash: text('token_hash').notNull(),
  createdAt: createdAt(),
  expiresAt: moment('expires_at').notNull(),
  usedAt: moment('used_at'),
});
