import { sql } from 'drizzle-orm';
import type { SQL } from 'drizzle-orm';
import { newId } from '../data/ids.ts';
import { storedJson } from '../data/stored-json.ts';
import type { Tx } from '../data/tenant.ts';
import { carried } from '../telemetry/tracing.ts';
import type { Fact } from './define.ts';

/** One fact as a row for `insert into outbox (id, workspace_id, type, subject_id, payload, request_id)`, to be part of a larger statement. */
export const factValues = (fact: Fact): SQL =>
  sql`(${newId()}::uuid, ${fact.workspaceId}::uuid, ${fact.type}::text, ${fact.subjectId}::uuid, ${storedJson(fact.payload)}::jsonb, ${carried() ?? null}::text)`;

/** Writes facts in the transaction that makes them true: both are kept, or neither. */
export async function recordFacts(tx: Tx, facts: Fact[]): Promise<void> {
  if (facts.length === 0) return;
  await tx.execute(
    sql`insert into outbox (id, workspace_id, type, subject_id, payload, request_id) values ${sql.join(facts.map(factValues), sql`, `)}`,
  );
}
