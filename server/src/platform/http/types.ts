import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Permission, Role } from '@parley/contract';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { RequestContext } from '../telemetry/log.ts';
import type { BodyKind, BodyLimits } from './body-limits.ts';
import type { HealthReports } from './health.ts';

/** Who is signed in. Without a workspace (never joined one, or removed from it) there are no permissions. */
export type SignedIn = {
  userId: string;
  sessionId: string;
  name: string;
  email: string;
  workspaceId: string | null;
  role: Role | null;
  permissions: ReadonlySet<Permission>;
  /** Set when a program sends this with an API key, in the name of whoever made the key; `sessionId` is the key's id. */
  apiKey?: { plan: string };
};

/** Who acts inside a workspace. */
export type Actor = SignedIn & { workspaceId: string; role: Role };

/** What a route asks of the caller: a permission, the login of a person, or nothing. */
export type RoutePermission = Permission | 'signed-in' | 'public';

export type Http = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>;

export type DrainOptions = {
  /** How long readiness says 503 before the doors close, so that balancers look elsewhere (default 0). */
  noticeMs?: number;
  /** How long requests under way may take before their connections are cut (default 20 s). */
  graceMs?: number;
};

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Mandatory under /api/v1. */
    permission?: RoutePermission;
    /** Stricter than the common limit per address: for what takes a password or a secret. */
    limit?: 'credentials';
    /** Costs much and can wait: the first to be refused under pressure. */
    load?: 'heavy';
    /** What other people's pages may load: a script or data, or a page in a frame. */
    embed?: 'script' | 'page';
    /**
     * What the body is, and so how large it may be (default `json`; `credentials` where nobody has to be signed in).
     * `attachment` and `document`: multipart with one file in the field `file`, to be read with `withUpload`.
     */
    body?: BodyKind;
    /** Needs the token of a visitor instead of a login; the handler reads it. */
    visitor?: true;
  }
  interface FastifyRequest {
    signedIn: SignedIn | null;
    logContext: RequestContext | null;
  }
  interface FastifyInstance {
    /** in bytes */
    bodyLimits: BodyLimits;
    /** where files are while they are received */
    uploadFolder: string;
    /** Readiness turns 503, requests under way finish, then the server is closed. Safe to call twice. */
    drain(options?: DrainOptions): Promise<void>;
    isDraining(): boolean;
    health: HealthReports;
    /** Answers an address no route has with a page; false when it is none. */
    pages: { send: ((request: FastifyRequest, reply: FastifyReply) => boolean) | null };
  }
}
