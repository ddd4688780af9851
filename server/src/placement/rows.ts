import type { Client } from 'pg';
import type { Kind } from '../platform/data/placing.ts';

/** A workspace's row of `placements`; one without lives in the shared tables. */
export type PlacementRow = {
  workspace: string;
  kind: Kind;
  schema_name: string | null;
  /** where its own database is, sealed */
  address: string | null;
  target: Kind | null;
  step: 'settled' | 'copying' | 'frozen' | 'switched';
  kept: Kind | null;
};

export async function readRow(client: Client, workspaceId: string): Promise<PlacementRow | undefined> {
  const { rows } = await client.query<PlacementRow>(
    'select workspace, kind, schema_name, address, target, step, kept from placements where workspace = $1',
    [workspaceId],
  );
  return rows[0];
}

/** Writes a change of the row. */
export async function note(client: Client, workspaceId: string, change: Partial<PlacementRow>): Promise<PlacementRow> {
  const row: PlacementRow = {
    ...((await readRow(client, workspaceId)) ?? {
      workspace: workspaceId,
      kind: 'shared',
      schema_name: null,
      address: null,
      target: null,
      step: 'settled',
      kept: null,
    }),
    ...change,
  };
  await client.query(
    `insert into placements (workspace, kind, schema_name, address, target, step, kept) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (workspace) do update set kind = excluded.kind, schema_name = excluded.schema_name,
       address = excluded.address, target = excluded.target, step = excluded.step, kept = excluded.kept, changed_at = now()`,
    [row.workspace, row.kind, row.schema_name, row.address, row.target, row.step, row.kept],
  );
  return row;
}

/** A workspace in the shared tables, with nothing left elsewhere, has no row. */
export async function forgetIfPlain(client: Client, workspaceId: string): Promise<void> {
  await client.query(
    `delete from placements where workspace = $1 and kind = 'shared' and step = 'settled' and kept is null`,
    [workspaceId],
  );
}
