import { and, eq, isNull } from 'drizzle-orm';
import type { ChannelTemplate } from '@parley/contract';
import { channels } from '../../channels/registry.ts';
import { inboxes } from '../../db/schema/index.ts';
import type { Keyring } from '../../platform/crypto.ts';
import { conflict, notFound } from '../../platform/errors.ts';
import type { Store, Tx } from '../../platform/tenant.ts';
import type { ChannelHttpOf } from './connection.ts';
import { openCredentials } from './credentials.ts';
import { findInbox } from './queries.ts';

/** The templates as the platform named them last. @throws not-found */
export async function listTemplates(tx: Tx, inboxId: string): Promise<ChannelTemplate[]> {
  return (await findInbox(tx, inboxId)).templates;
}

/** The approved template of that name. @throws not-found */
export async function findTemplate(
  tx: Tx,
  inboxId: string,
  wanted: { name: string; language: string },
): Promise<ChannelTemplate> {
  const templates = await listTemplates(tx, inboxId);
  const found = templates.find(({ name, language }) => name === wanted.name && language === wanted.language);
  if (!found) throw notFound('The template');
  if (found.status !== 'APPROVED') throw conflict(`The platform has not approved this template (${found.status}).`);
  return found;
}

/** Its text with the variables filled in: what the customer will read, and what stands in the conversation. */
export const fillTemplate = (template: ChannelTemplate, variables: Record<string, string>): string =>
  template.body.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_mark, name: string) => variables[name] ?? '');

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
      .set({ templates, templatesSyncedAt: new Date() })
      .where(and(eq(inboxes.id, inboxId), isNull(inboxes.deletedAt))),
  );
  return templates;
}
