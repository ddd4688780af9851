import type { KindOfWork, Pressure } from '../limits/pressure.ts';
import type { Http } from './types.ts';

/** Undefined for what is never refused: probes, pages and scripts. */
const kindOf = (url: string | undefined, load: 'heavy' | undefined): KindOfWork | undefined => {
  if (url?.startsWith('/webhooks/')) return 'webhooks';
  if (url?.startsWith('/api/v1/widget/')) return 'visitors';
  return url?.startsWith('/api/') ? (load ?? 'ordinary') : undefined;
};

/** Sends away with 503 what there is no room for now, before anything of it is looked at. */
export const shedLoad = (http: Http, pressure: Pressure): void => {
  http.addHook('onRequest', async ({ routeOptions: { url, config } }) => {
    const kind = kindOf(url, config.load);
    if (kind) pressure.admit(kind);
  });
};
