import type { ChannelTemplate } from '@parley/contract';
import { and, asc, count, eq, isNull, ne } from 'drizzle-orm';
import { inboxes } from '../../db/schema/index.ts';
import { badRequest, conflict, notFound } from '../../platform/errors.ts';
import type { Tx } from '../../platform/data/tenant.ts';
import type { InboxRow } from './present.ts';

/** @throws not-found, also for an inbox of another workspace and for a deleted one */
export async function findInbox(tx: Tx, id: string): Promise<InboxRow> {
  const [row] = await tx
    .select()
    .from(inboxes)
    .where(and(eq(inboxes.id, id), isNull(inboxes.deletedAt)));
  if (!row) throw notFound('The inbox');
  return row;
}

/**
 * One account, one inbox of a workspace: a platform sends what comes to one address, and whoever is answered twice is answered
 * by nobody. A disabled inbox takes nothing.
 *
 * @throws conflict naming the inbox that has the account
 */
export async function assertAccountFree(
  tx: Tx,
  account: { channel: InboxRow['channel']; externalId: string; inboxId: string },
): Promise<void> {
  const [taken] = await tx
    .select({ name: inboxes.name })
    .from(inboxes)
    .where(
      and(
        eq(inboxes.channel, account.channel),
        eq(inboxes.externalId, account.externalId),
        ne(inboxes.id, account.inboxId),
        ne(inboxes.status, 'disabled'),
        isNull(inboxes.deletedAt),
      ),
    );
  if (taken)
    throw conflict(
      `This account is connected already, in the inbox “${taken.name}”. Change that one, or disable it first.`,
    );
}

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

/**
 * Its text with the variables filled in: what the customer will read, and what stands in the conversation.
 *
 * @throws badRequest naming the variables that are missing, or not the template's: the platform refuses such a message
 */
export function fillTemplate(template: ChannelTemplate, variables: Record<string, string>): string {
  const given = new Map(Object.entries(variables));
  const problem = (name: string, message: string) => ({ field: `template.variables.${name}`, message });
  const problems = [
    ...template.variables
      .filter((name) => !given.get(name)?.trim())
      .map((name) => problem(name, 'is needed by this template')),
    ...[...given.keys()]
      .filter((name) => !template.variables.includes(name))
      .map((name) => problem(name, 'is no variable of this template')),
  ];
  if (problems.length > 0) throw badRequest('The variables are not those of the template.', problems);
  return template.body.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_mark, name: string) => given.get(name) ?? '');
}

/** Oldest first. */
export async function listInboxes(
  tx: Tx,
  query: { page: number; limit: number },
): Promise<{ rows: InboxRow[]; total: number }> {
  const rows = await tx
    .select()
    .from(inboxes)
    .where(isNull(inboxes.deletedAt))
    .orderBy(asc(inboxes.createdAt), asc(inboxes.id))
    .limit(query.limit)
    .offset((query.page - 1) * query.limit);
  const [all] = await tx.select({ total: count() }).from(inboxes).where(isNull(inboxes.deletedAt));
  return { rows, total: all?.total ?? 0 };
}

/** How many inboxes a bot answers. */
export async function countInboxesOf(tx: Tx, botId: string): Promise<number> {
  const [counted] = await tx
    .select({ total: count() })
    .from(inboxes)
    .where(and(eq(inboxes.botId, botId), isNull(inboxes.deletedAt)));
  return counted?.total ?? 0;
}
