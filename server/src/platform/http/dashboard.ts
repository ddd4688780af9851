import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyStaticOptions } from '@fastify/static';
import type { FastifyRequest } from 'fastify';
import type { Http } from './types.ts';

/** Addresses that are never a page of the dashboard, so that a wrong one says so. */
const NOT_PAGES = [
  '/api',
  '/webhooks',
  '/socket.io',
  '/health',
  '/metrics',
  '/docs',
  '/openapi.json',
  '/chat',
  '/assets',
];

const isPage = (request: FastifyRequest): boolean => {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  if (!request.headers.accept?.includes('text/html')) return false;
  const path = request.url.split('?')[0] ?? '';
  if (path.includes('//')) return false;
  return !NOT_PAGES.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
};

/** Files of a build, in the smaller forms it wrote beside them (scripts/lib/fronts.mjs) for whoever takes those. */
const built = (folder: string, cacheControl: (path: string) => string): FastifyStaticOptions => ({
  root: folder,
  cacheControl: false,
  preCompressed: true,
  dotfiles: 'ignore',
  schemaHide: true,
  suppressWarning: true,
  setHeaders: (reply, path) => void reply.header('cache-control', cacheControl(path)),
});

/** Gives the routes of this scope `reply.sendFile(name)` for the files of a built folder. */
export const useBuiltFiles = async (scope: Http, folder: string, cacheControl: string): Promise<void> => {
  await scope.register(fastifyStatic, { ...built(folder, () => cacheControl), serve: false });
};

/**
 * Serves the built dashboard from `folder` at the root; unknown pages get index.html, since the dashboard knows its
 * own addresses. Files under /assets have their content in their name and are kept for ever.
 */
export const serveDashboard = async (http: Http, folder: string): Promise<void> => {
  await http.register(fastifyStatic, {
    ...built(folder, (path) =>
      path.startsWith(join(folder, 'assets')) ? 'public, max-age=31536000, immutable' : 'no-cache',
    ),
    prefix: '/',
  });
  const index = join(folder, 'index.html');
  http.pages.send = (request, reply) => {
    if (!isPage(request) || !existsSync(index)) return false;
    reply.code(200).sendFile('index.html');
    return true;
  };
};
