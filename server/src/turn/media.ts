import { z } from 'zod';
import type { Attachment } from '@parley/contract';
import type { MediaReference } from '../channels/contract.ts';
import { forgetFetchedFiles, storeFile } from '../features/files/commands.ts';
import { messageUpdated } from '../features/messages/changes.ts';
import { attach } from '../features/messages/commands.ts';
import { messageFacts } from '../features/messages/facts.ts';
import { sql } from 'drizzle-orm';
import type { InboxDirectory, InboxRuntime } from '../features/inboxes/directory.ts';
import type { ClientOf } from './deliver.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import { defineReaction } from '../platform/facts/reactions.ts';
import { recordFacts } from '../platform/facts/record.ts';
import type { Publish } from '../platform/publish/publish.ts';
import type { Storage } from '../platform/storage/storage.ts';
import type { Store } from '../platform/data/tenant.ts';

// Foreign tables: conversations, messages. The hot path reads and writes in one statement.

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
 * Fetches what the customer sent along from the platform and keeps it as files of the
 * message. What there is to fetch stands in the event, whose id is the message's. Running it again changes nothing once the message has its files.
 */
export function createMediaFetcher(deps: {
  store: Store;
  storage: Storage;
  publish: Publish;
  log: Logger;
  inboxes: InboxDirectory;
  clientOf: ClientOf;
}) {
  const { store, publish } = deps;

  async function fetchOne(inbox: InboxRuntime, conversationId: string, media: MediaReference): Promise<Attachment> {
    const { channel, http, credentials } = await deps.clientOf(inbox);
    if (!channel.fetchMedia) throw new Error(`the ${inbox.channel} channel fetches no media`);
    const fetched = await channel.fetchMedia(media, credentials, http);
    return storeFile(
      { store, storage: deps.storage },
      {
        workspaceId: inbox.workspaceId,
        name: fetched.name ?? media.name ?? media.kind,
        content: fetched.bytes,
        createdBy: { type: 'contact', id: null },
        conversationId,
      },
    );
  }

  return defineReaction({
    name: 'fetch-files',
    sentence: 'Fetches the files customers sent from their platform.',
    on: messageFacts.on('message.received', 'message.echoed'),
    wants: (fact) => fact.payload.files > 0,
    async handle({ workspaceId, subjectId, payload: { conversationId } }) {
      const [row] = await store.once<{ inbox_id: string; files: number; error: string | null; media: unknown }>(
        workspaceId,
        sql`select c.inbox_id, jsonb_array_length(m.attachments) as files, m.error, e.payload -> 'media' as media from messages m
            join conversations c on c.id = m.conversation_id join inbound_events e on e.id = m.id
            where m.id = ${subjectId}::uuid and e.id = ${subjectId}::uuid and m.deleted_at is null`,
      );
      if (!row || row.files > 0) return;
      const media = Media.parse(row.media);
      const inbox = await deps.inboxes.byId(workspaceId, row.inbox_id);
      if (!inbox) return;
      const attachments: Attachment[] = [];
      let problem: string | undefined;
      let cause: unknown;
      for (const item of media) {
        try {
          attachments.push(await fetchOne(inbox, conversationId, item));
        } catch (error) {
          deps.log.warn({ err: error, messageId: subjectId }, 'a file was not fetched');
          cause = error;
          problem = `A file could not be fetched from the platform: ${item.name ?? item.kind}.`;
        }
      }
      // The message names what is missing from the first try on, and the fact is of then; a later try may still bring it.
      const isFirst = attachments.length > 0 || row.error === null;
      const message = await store.inWorkspace(workspaceId, async (tx) => {
        const attached = await attach(tx, subjectId, attachments, problem);
        // Deleted while its files were on their way.
        if (!attached) await forgetFetchedFiles(tx, attachments);
        if (attached && isFirst) {
          const counts = { stored: attachments.length, missing: media.length - attachments.length };
          await recordFacts(tx, [
            messageFacts.make('message.files_stored', {
              workspaceId,
              subjectId,
              payload: { conversationId, ...counts },
            }),
          ]);
        }
        return attached;
      });
      if (message) publish([messageUpdated(workspaceId, { message, channel: inbox.channel })]);
      if (attachments.length === 0 && problem) throw new Error(problem, { cause });
    },
  });
}
