import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Live } from '../sockets/realtime.ts';
import type { Store } from '../data/tenant.ts';
import type { Wake } from '../cluster/wake.ts';

/** What publishing may use. */
export type PublishKit = { store: Store; live: Live; wake: Wake; metrics: Metrics; log: Logger };

type Publisher<D> = {
  kind: string;
  publish(of: { workspaceId: string; detail: D }, kit: PublishKit): void | Promise<void>;
  /** Changes with the same key within `gatherMs` (default 50) are published once, with the latest detail. */
  gather?: (detail: D) => string;
  gatherMs?: number;
};

/** What a commit changed, to be published after it. Made by the function `defineChange` returns. */
export type Change = {
  kind: string;
  workspaceId: string;
  detail: unknown;
  publish(kit: PublishKit): void | Promise<void>;
  /** undefined: published at once */
  key: string | undefined;
  /** milliseconds; how long changes with this key are gathered */
  gatherMs: number;
};

const GATHER_MS = 50;

/** Names a kind of change and how it is published. Returns what makes one: `(workspaceId, detail)`. */
export const defineChange =
  <D>(kind: string, { publish, gather, gatherMs = GATHER_MS }: Omit<Publisher<D>, 'kind'>) =>
  (workspaceId: string, detail: D): Change => ({
    kind,
    workspaceId,
    detail,
    publish: (kit) => publish({ workspaceId, detail }, kit),
    key: gather && `${kind} ${workspaceId} ${gather(detail)}`,
    gatherMs,
  });
