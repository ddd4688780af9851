import { isIPv4 } from 'node:net';
import { desc, eq, sql } from 'drizzle-orm';
import type { SignInAttempt } from '@parley/contract';
import { signIns } from '../../db/schema/index.ts';
import { newId } from '../../platform/data/ids.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import type { Device } from './commands.ts';
import { readUserAgent } from './user-agent.ts';

// Real time (1): attempts to sign in.

/** What is kept of each account: the latest, for so long. */
const KEPT = 200;
const KEPT_DAYS = 90;

/** `203.0.113.…`, `2001:db8:1:…`: enough to recognise one's own, without keeping where people are. */
export function shortenAddress(address: string | null): string {
  if (!address) return '';
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIPv4(plain)) return plain.replace(/\.\d+$/, '.…');
  const [head = ''] = plain.split('::');
  return `${head.split(':').slice(0, 3).join(':')}:…`;
}

/** In a transaction of `asSystem`. */
export async function recordAttempt(
  tx: Tx,
  userId: string,
  attempt: { outcome: SignInAttempt['outcome']; device: Device; knownDevice: boolean },
): Promise<void> {
  const { outcome, device, knownDevice } = attempt;
  await tx.insert(signIns).values({
    id: newId(),
    userId,
    outcome,
    knownDevice,
    address: shortenAddress(device.ip),
    device: device.userAgent ?? '',
  });
  await tx.execute(sql`
    delete from sign_ins where user_id = ${userId}::uuid and (created_at < now() - make_interval(days => ${KEPT_DAYS})
      or id in (select id from sign_ins where user_id = ${userId}::uuid order by id desc offset ${KEPT}))`);
}

/** The newest first. In a transaction of `asSystem`. */
export async function listAttempts(
  tx: Tx,
  userId: string,
  { page, limit }: { page: number; limit: number },
): Promise<{ rows: SignInAttempt[]; total: number }> {
  const rows = await tx
    .select()
    .from(signIns)
    .where(eq(signIns.userId, userId))
    .orderBy(desc(signIns.id))
    .limit(limit)
    .offset((page - 1) * limit);
  return {
    rows: rows.map(({ id, createdAt, address, device, knownDevice, outcome }) => ({
      id,
      at: createdAt.toISOString(),
      address,
      device,
      ...readUserAgent(device),
      knownDevice,
      outcome,
    })),
    total: await tx.$count(signIns, eq(signIns.userId, userId)),
  };
}
