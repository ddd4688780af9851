import type { Embedder } from './knowledge/embed.ts';
import type { Config } from './platform/config.ts';
import type { Dependency } from './platform/http/index.ts';
import type { Storage } from './platform/storage.ts';

export type DependencyParts = {
  roles: Config['roles'];
  database: () => Promise<unknown>;
  /** undefined without one */
  redis: (() => Promise<unknown>) | undefined;
  jobs: () => Promise<unknown>;
  storage: Storage;
  embedder: Embedder;
  /** workspaces whose own database is away */
  placementsAway: () => string[];
};

/**
 * What this process rests on. Needed is what it can do nothing without: a probe that fails takes it out of the traffic,
 * and the whole fleet with it when all share what failed. So only the database is needed everywhere. Without Redis,
 * files or the model people can still read and write; a process that does nothing but work on them cannot go on.
 */
export function listDependencies(parts: DependencyParts): Record<string, Dependency> {
  const { roles, redis, storage, embedder } = parts;
  const { turn, delivery, knowledge, facts } = roles.worker;
  const talks = roles.api || turn || delivery;
  return {
    database: { needed: true, probe: parts.database },
    ...(redis ? { redis: { needed: false, probe: redis } } : {}),
    jobs: { needed: !talks && (knowledge || facts), probe: parts.jobs },
    files: { needed: !talks && knowledge, probe: storage.probe },
    embedder: { needed: !talks && knowledge, probe: embedder.probe },
    // The log names them. All other workspaces are served.
    placements: {
      needed: false,
      probe: async () => {
        if (parts.placementsAway().length > 0) throw new Error('a database of its own is away');
      },
    },
  };
}
