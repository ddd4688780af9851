import type { Pool, QueryResult } from 'pg';

/** The kinds of place a workspace can live in. */
export type Kind = 'shared' | 'schema' | 'database';

/** Where a workspace lives that does not simply live in the shared tables. */
export type Placement = {
  workspaceId: string;
  kind: Kind;
  /** where its tables are, inside its database */
  schema: string;
  /** of its own database, sealed */
  address: string | null;
  /** it is being moved: it can be read, but nothing may be written until the move is through */
  isFrozen: boolean;
};

export type Placements = {
  /** Undefined: in the shared tables, and nothing special. Costs no statement. */
  of(workspaceId: string): Placement | undefined;
  /** Those that live outside of the shared tables. */
  elsewhere(): Placement[];
  /** The schemas of the product's own database that have tenant tables, the shared one first. */
  schemas(): string[];
  /** Whether some workspace may be written nowhere at this moment, as far as this process knows. */
  someFrozen(): boolean;
  /** Reads them again, e.g. because a placement changed. Callers at the same time share one read. */
  reload(): Promise<void>;
  /** Waits until what is known is fresh enough to act on. Undefined when it is. */
  stale(): Promise<void> | undefined;
  /**
   * For a writer that was refused, for the `times`th time: reads where the workspace lives now, and waits a moment for a
   * move to be through.
   * @throws 503 when the move takes longer
   */
  settled(workspaceId: string, times: number): Promise<void>;
  /** Starts reading them again every few seconds, for broadcasts that are lost. */
  start(): void;
  close(): void;
};

/** What runs a statement as parley_system: a connection in such a transaction, or one statement in a transaction of its own. */
export type Asking = { query(text: string, values: unknown[]): Promise<Pick<QueryResult, 'rows'>> };

/** What the store asks of whoever knows where workspaces live (server/src/placement). */
export type Placing = {
  placements: Placements;
  pools: {
    /** Runs `work` with the connections of the placement. @throws 503 when no connection gets free in time */
    use<T>(placement: Placement, work: (pool: Pool) => Promise<T>): Promise<T>;
  };
  /** Copies to a database of a workspace's own what it needs of the shared one. */
  createMirror: (shared: Asking) => (workspaceId: string, own: Asking) => Promise<void>;
};
