import { sql } from 'drizzle-orm';
import type { WebhookEvent } from '@parley/contract';
import { createCache } from '../../platform/limits/cache.ts';
import type { CommittedFact } from '../../platform/facts/define.ts';
import { PLACEMENT_CHANGED } from '../../placement/registry.ts';
import type { Place } from '../../platform/data/tenant.ts';
import { RESYNC } from '../../platform/cluster/wake.ts';
import type { Wake } from '../../platform/cluster/wake.ts';
import { eventOf } from './events.ts';
import { WEBHOOKS_CHANGED } from './topics.ts';

/** What one workspace wants to hear; 'all' when an endpoint names no events. */
type Wanted = Set<WebhookEvent> | 'all';

export type WebhookDirectory = {
  /** Whether an endpoint of the workspace, which lives there, wants to be told of this fact. */
  wants(fact: CommittedFact, place: Place): Promise<boolean>;
};

/**
 * Which workspaces want to hear of what. One statement answers for all workspaces of a place for `ttlMs` milliseconds, or
 * until a change: the facts of those without webhooks cost nothing further.
 */
export function createWebhookDirectory({ wake, ttlMs }: { wake: Wake; ttlMs: number }): WebhookDirectory {
  const places = createCache<Map<string, Wanted>>({ max: 5_000, ttlMs });
  // A workspace that moved is asked for where it is now, and that place may have been looked at before it came.
  for (const topic of [WEBHOOKS_CHANGED, PLACEMENT_CHANGED, RESYNC]) wake.on(topic, () => places.clear());

  async function look(place: Place): Promise<Map<string, Wanted>> {
    const { rows } = await place.asSystem((tx) =>
      tx.execute<{ workspace_id: string; events: WebhookEvent[] }>(
        sql`select workspace_id, events from webhook_endpoints where enabled`,
      ),
    );
    const found = new Map<string, Wanted>();
    for (const { workspace_id: id, events } of rows) {
      const known = found.get(id);
      const all = events.length === 0 || known === 'all';
      found.set(id, all ? 'all' : new Set([...(known ?? []), ...events]));
    }
    return found;
  }

  return {
    async wants(fact, place) {
      const event = eventOf(fact);
      if (!event) return false;
      const wanted = (await places.load(place.name, () => look(place))).get(fact.workspaceId);
      return wanted === 'all' || (wanted?.has(event) ?? false);
    },
  };
}
