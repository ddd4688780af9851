import { forbidden, unauthorized } from '../errors.ts';
import type { FastifyRequest } from 'fastify';
import type { Actor, Http, SignedIn } from './types.ts';

const API = '/api/v1/';

/** Whose request this is. Throws unauthorized when nobody is signed in (only possible on public routes). */
export const signedInOf = (request: FastifyRequest): SignedIn => {
  if (!request.signedIn) throw unauthorized();
  return request.signedIn;
};

/** Whose request this is, inside a workspace. Throws unauthorized without a login, forbidden without a workspace. */
export const actorOf = (request: FastifyRequest): Actor => {
  const { workspaceId, role, ...signedIn } = signedInOf(request);
  if (!workspaceId || !role) throw forbidden('Join or create a workspace first.');
  return { ...signedIn, workspaceId, role };
};

/**
 * Every route under /api/v1 says what it asks of the caller and what it answers; one that does not stops the start.
 * The check runs after the rate limit and before a body is read.
 */
export const guardAccess = (http: Http, authenticate: (request: FastifyRequest) => Promise<SignedIn | null>): void => {
  http.decorateRequest('signedIn', null);

  http.addHook('onRoute', (route) => {
    if (!route.url.startsWith(API)) return;
    const name = `${String(route.method)} ${route.url}`;
    if (!route.config?.permission) throw new Error(`${name} declares no permission`);
    if (!route.schema?.response) throw new Error(`${name} declares no response schema`);
  });

  http.addHook('preParsing', async (request) => {
    const permission = request.routeOptions.config.permission;
    if (!permission || permission === 'public') return;
    request.signedIn = await authenticate(request);
    const { permissions, workspaceId, apiKey } = signedInOf(request);
    if (request.logContext && workspaceId) request.logContext.workspaceId = workspaceId;
    // What a person does as themselves, a program with their key does not: make workspaces, change logins.
    const mayPass = permission === 'signed-in' ? !apiKey : permissions.has(permission);
    if (!mayPass) throw forbidden();
  });
};
