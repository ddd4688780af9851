import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import type { FastifyHelmetOptions } from '@fastify/helmet';
import type { Http } from './types.ts';

const self = "'self'";

/** The dashboard: everything from here, inside no frame. Styles are inlined by the component library. */
const dashboardPolicy = {
  defaultSrc: [self],
  scriptSrc: [self],
  scriptSrcAttr: ["'none'"],
  styleSrc: [self, "'unsafe-inline'"],
  // No foreign pictures: an address in a message must not call home from an agent's browser.
  imgSrc: [self, 'data:', 'blob:'],
  fontSrc: [self, 'data:'],
  connectSrc: [self],
  mediaSrc: [self, 'blob:'],
  objectSrc: ["'none'"],
  baseUri: [self],
  formAction: [self],
  frameAncestors: ["'none'"],
};

/** The API reference starts from a script inside its page. */
const referencePolicy = {
  ...dashboardPolicy,
  scriptSrc: [self, "'unsafe-inline'"],
  workerSrc: [self, 'blob:'],
};

const policy = (directives: Record<string, string[]>) => ({
  contentSecurityPolicy: { useDefaults: false, directives },
});

const embeddable: FastifyHelmetOptions = {
  ...policy({ ...dashboardPolicy, frameAncestors: ['*'] }),
  crossOriginResourcePolicy: { policy: 'cross-origin' },
  xFrameOptions: false,
};

/** Where the pages of our customers' visitors call. Everything else is for our own pages alone. */
const isForVisitors = (url: string): boolean => url.startsWith('/api/v1/widget/');

/** Headers that tell a browser what it may do, and who may call from where. */
export const secureHeaders = async (http: Http, publicUrl: string): Promise<void> => {
  http.addHook('onRoute', (route) => {
    if (route.url === '/docs' || route.url.startsWith('/docs/')) route.helmet = policy(referencePolicy);
    if (route.config?.embed || isForVisitors(route.url)) route.helmet = embeddable;
  });
  await http.register(helmet, {
    ...policy(dashboardPolicy),
    xFrameOptions: { action: 'deny' },
    strictTransportSecurity: publicUrl.startsWith('https:') ? { maxAge: 31_536_000 } : false,
    referrerPolicy: { policy: 'strict-origin-when-cross-origin' },
  });
  await http.register(cors, {
    delegator: (request, decide) => {
      // A preflight is answered by a route of its own, so the address decides and not the route.
      const open = isForVisitors(request.url) || request.routeOptions.config?.embed === 'script';
      decide(null, {
        origin: open ? '*' : false,
        methods: ['GET', 'HEAD', 'POST'],
        allowedHeaders: ['authorization', 'content-type', 'x-request-id'],
        exposedHeaders: ['x-request-id', 'retry-after'],
        maxAge: 600,
        strictPreflight: false,
      });
    },
  });
};
