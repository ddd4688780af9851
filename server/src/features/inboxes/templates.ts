import { and, eq, isNull } from 'drizzle-orm';
import type { ChannelTemplate } from '@parley/contract';
import { channels } from '../../channels/registry.ts';
import { inboxes } from '../../db/schema/index.ts';
import type { Keyring } from '../../platform/security/crypto.ts';
import { conflict } from '../../platform/errors.ts';
import type { Store } from '../../platform/data/tenant.ts';
import type { ChannelHttpOf } from './connection.ts';
import { openCredentials } from './credentials.ts';
import { findInbox } from './queries.ts';

/** Asks the platform now. @throws not-found; conflict where the channel has none; badRequest in the platform's words */
export async function syncTemplates(
  parts: { store: Store; keyring: Keyring; channelHttp: ChannelHttpOf },
  workspaceId: string,
  inboxId: string,
): Promise<ChannelTemplate[]> {
  const { store, keyring } = parts;
  const inbox = await store.inWorkspace(workspaceId, (tx) => findInbox(tx, inboxId));
  const channel = channels[inbox.channel];
  if (!channel.listTemplates) throw conflict(`${channel.title} has no templates.`);
  const templates = await channel.listTemplates(openCredentials(keyring, inbox), parts.channelHttp(inbox));
  await store.inWorkspace(workspaceId, (tx) =>
    tx
      .update(inboxes)
      .set({ templates, templatesSyncedAt: tx.now })
      .where(and(eq(inboxes.id, inboxId), isNull(inboxes.deletedAt))),
  );
  return templates;
}
