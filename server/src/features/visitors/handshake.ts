import { z } from 'zod';
import { forbidden, notFound } from '../../platform/errors.ts';
import { newId } from '../../platform/data/ids.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { endedVisitor } from '../contacts/queries.ts';
import type { InboxDirectory, InboxRuntime } from '../inboxes/directory.ts';
import type { VisitorTokens } from './token.ts';

const Auth = z.object({ inbox: z.string().max(100), visitor: z.string().max(2000).optional() });

/**
 * Who a widget's socket stands for. A token that is not ours, too old, or of a visitor who has ended makes a new one: it opens nobody's
 * conversation, and it does not lock anybody out either.
 *
 * @throws not-found for an unknown or disabled inbox; forbidden for a page that may not embed it
 */
export async function admitVisitor(
  parts: { store: Store; inboxes: InboxDirectory; tokens: VisitorTokens; ownOrigin: string },
  auth: unknown,
  origin: string | undefined,
): Promise<{ inbox: InboxRuntime; visitorId: string }> {
  const parsed = Auth.safeParse(auth);
  const inbox = parsed.success ? await parts.inboxes.byToken(parsed.data.inbox) : null;
  if (!parsed.success || !inbox || inbox.channel !== 'web' || inbox.status === 'disabled') throw notFound('The inbox');
  assertOrigin(inbox, origin, parts.ownOrigin);
  const known = parsed.data.visitor ? await parts.tokens.read(parsed.data.visitor, inbox.id) : null;
  const ended = known ? await parts.store.once(inbox.workspaceId, endedVisitor(inbox.id, known)) : [];
  return { inbox, visitorId: known && ended.length === 0 ? known : newId() };
}

/** The inbox's allow-list of embedding pages; empty means any. Our own pages always may. */
export function assertOrigin(inbox: InboxRuntime, origin: string | undefined, ownOrigin: string): void {
  const allowed = inbox.settings.allowedOrigins;
  if (allowed.length === 0 || origin === undefined || origin === ownOrigin) return;
  if (!allowed.some((candidate) => new URL(candidate).origin === origin)) {
    throw forbidden('This page may not embed this chat.');
  }
}
