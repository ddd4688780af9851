import { z } from 'zod';
import type { Attachment } from '@parley/contract';
import type { Channel, ChannelHttp, MediaReference } from '../channels/contract.ts';
import { storeFile } from '../features/files/commands.ts';
import { announceChange } from '../features/messages/announce.ts';
import { attach } from '../features/messages/commands.ts';
import { sql } from 'drizzle-orm';
import type { InboxDirectory, InboxRuntime } from '../features/inboxes/lookup.ts';
import type { Logger } from '../platform/log.ts';
import type { RelayedFact } from '../platform/outbox.ts';
import type { Live } from '../platform/realtime.ts';
import type { Storage } from '../platform/storage.ts';
import type { Store } from '../platform/tenant.ts';

const Fact = z.object({ conversationId: z.uuid() });
const Media = z.array(
  z.object({
    kind: z.enum(['image', 'audio', 'video', 'document']),
    reference: z.string(),
    name: z.string().optional(),
    mime: z.string().optional(),
    size: z.number().optional(),
  }),
);

/**
 * Reacts to `message.received_with_media`: fetches what the customer sent from the platform and keeps it as files of the
 * message. What there is to fetch stands in the event, whose id is the message's. Running it again changes nothing once the message has its files.
 */
export function createMediaFetcher(parts: {
  store: Store;
  storage: Storage;
  live: Live;
  log: Logger;
  inboxes: InboxDirectory;
  channelOf: (inbox: InboxRuntime) => { channel: Channel; http: ChannelHttp };
}) {
  const { store, live } = parts;

  async function fetchOne(inbox: InboxRuntime, conversationId: string, media: MediaReference): Promise<Attachment> {
    const { channel, http } = parts.channelOf(inbox);
    if (!channel.fetchMedia) throw new Error(`the ${inbox.channel} channel fetches no media`);
    const fetched = await channel.fetchMedia(media, inbox.credentials, http);
    return storeFile(
      { store, storage: parts.storage },
      {
        workspaceId: inbox.workspaceId,
        name: fetched.name ?? media.name ?? media.kind,
        content: fetched.bytes,
        createdBy: { type: 'contact', id: null },
        conversationId,
      },
    );
  }

  return async function fetchMedia(fact: RelayedFact): Promise<void> {
    const { conversationId } = Fact.parse(fact.payload);
    const [row] = await store.once<{ inbox_id: string; files: number; media: unknown }>(
      fact.workspaceId,
      sql`select c.inbox_id, jsonb_array_length(m.attachments) as files, e.payload -> 'media' as media from messages m
          join conversations c on c.id = m.conversation_id join inbound_events e on e.id = m.id
          where m.id = ${fact.subjectId}::uuid and e.id = ${fact.subjectId}::uuid and m.deleted_at is null`,
    );
    if (!row || row.files > 0) return;
    const media = Media.parse(row.media);
    const inbox = await parts.inboxes.byId(fact.workspaceId, row.inbox_id);
    if (!inbox) return;
    const attachments: Attachment[] = [];
    let problem: string | undefined;
    let cause: unknown;
    for (const item of media) {
      try {
        attachments.push(await fetchOne(inbox, conversationId, item));
      } catch (error) {
        parts.log.warn({ err: error, messageId: fact.subjectId }, 'a file was not fetched');
        cause = error;
        problem = `A file could not be fetched from the platform: ${item.name ?? item.kind}.`;
      }
    }
    const message = await store.inWorkspace(fact.workspaceId, (tx) => attach(tx, fact.subjectId, attachments, problem));
    if (message) announceChange(live, message, 'agents');
    // The message says what is missing from the first try on; a later one may still bring it.
    if (attachments.length === 0 && problem) throw new Error(problem, { cause });
  };
}
