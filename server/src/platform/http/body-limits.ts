import {
  MAX_ATTACHMENT_BYTES,
  MAX_CREDENTIALS_BYTES,
  MAX_DOCUMENT_MB,
  MAX_IMPORT_BYTES,
  MAX_JSON_BYTES,
  MAX_MAIL_WEBHOOK_BYTES,
  MAX_WEBHOOK_BYTES,
} from '@parley/contract';
import type { FastifyContextConfig } from 'fastify';
import type { Http } from './types.ts';

/** What a route's body is; it says how large it may be. `attachment` and `document`: multipart with one file. */
export type BodyKind = 'credentials' | 'json' | 'import' | 'attachment' | 'document' | 'webhook' | 'mail';
export type BodyLimits = Record<BodyKind, number>;

export const bodyLimits = (maxDocumentBytes = MAX_DOCUMENT_MB * 1024 * 1024): BodyLimits => ({
  credentials: MAX_CREDENTIALS_BYTES,
  json: MAX_JSON_BYTES,
  import: MAX_IMPORT_BYTES,
  attachment: MAX_ATTACHMENT_BYTES,
  document: maxDocumentBytes,
  webhook: MAX_WEBHOOK_BYTES,
  mail: MAX_MAIL_WEBHOOK_BYTES,
});

/** Callers that are not signed in get the smallest limit. */
const kindOf = ({ body, permission }: Partial<FastifyContextConfig>): BodyKind =>
  body ?? (permission && permission !== 'public' ? 'json' : 'credentials');

export const isUpload = (kind: BodyKind | undefined): boolean => kind === 'attachment' || kind === 'document';

/** Gives each route the limit its configuration names. For a file `withUpload` keeps it, while the file goes to disk. */
export const limitBodies = (http: Http, limits: BodyLimits): void => {
  http.decorate('bodyLimits', limits);
  http.addHook('onRoute', (route) => {
    const kind = kindOf(route.config ?? {});
    route.bodyLimit = limits[isUpload(kind) ? 'credentials' : kind];
  });
};
