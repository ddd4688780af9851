import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Attachment } from '@parley/contract';
import type { Channel, MediaReference } from '../channels/contract.ts';
import { channels } from '../channels/registry.ts';
import { forgetFetchedFiles, storeFile } from '../features/files/commands.ts';
import type { InboxDirectory, InboxRuntime } from '../features/inboxes/directory.ts';
import { messageUpdated } from '../features/messages/changes.ts';
import { messageFacts } from '../features/messages/facts.ts';
import { claimFile, noteFiles, settleFile } from '../features/messages/file-fetches.ts';
import type { ClaimedFile, FileOutcome } from '../features/messages/file-fetches.ts';
import { FILES_DUE, readFilesKey, writeFilesKey } from '../features/messages/topics.ts';
import type { FilesKey } from '../features/messages/topics.ts';
import type { Wake } from '../platform/cluster/wake.ts';
import type { Store } from '../platform/data/tenant.ts';
import { AppError } from '../platform/errors.ts';
import { defineReaction } from '../platform/facts/reactions.ts';
import { recordFacts } from '../platform/facts/record.ts';
import { createKeyedQueue } from '../platform/jobs/keyed-queue.ts';
import type { Publish } from '../platform/publish/publish.ts';
import type { Storage } from '../platform/storage/storage.ts';
import type { Sweep } from '../platform/sweeps/sweeps.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import type { ClientOf } from './deliver.ts';

// Foreign tables: conversations, file_fetches, messages. The hot path reads and writes in one statement.
// Real time (3): leases and tries, and for how long what became of them is kept.

const Media = z.object({
  kind: z.enum(['image', 'audio', 'video', 'document']),
  reference: z.string(),
  name: z.string().optional(),
  mime: z.string().optional(),
  size: z.number().optional(),
});

/** What a platform says no to is asked for so often: "wrong file_id or the file is temporarily unavailable" is one sentence at Telegram. */
const MAX_REFUSALS = 6;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** For how long a platform keeps a file, where its channel does not say. */
const HOURS = 24;
export const mediaHoursOf = ({ mediaHours }: Channel): number => mediaHours ?? HOURS;
const LIMIT = 500;
const KEPT_DAYS = 30;

const waitMs = (attempts: number): number =>
  Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempts - 1, 12)) * (0.75 + Math.random() / 2);

/** Away, and it is asked again for as long as it keeps the file; or it says no, or something is wrong with this one. */
function afterError(error: unknown, { attempts, isKept }: ClaimedFile): FileOutcome {
  const code = error instanceof AppError ? error.code : undefined;
  const reason = error instanceof AppError ? error.message : 'The file could not be fetched. The log names the error.';
  if (code === 'payload_too_large') return { state: 'failed', reason };
  const isAway = code === 'unavailable' || code === 'too_many_requests';
  if (!isKept || (!isAway && attempts >= MAX_REFUSALS)) return { state: 'failed', reason };
  const asked = isAway && error instanceof AppError ? (error.retryAfter ?? 0) * 1_000 : 0;
  return { state: 'pending', reason, afterMs: Math.max(asked, waitMs(attempts)) };
}

/**
 * Fetches what the customer sent along from the platform and keeps it as files of the message. A file that does not come is
 * tried again for as long as the platform keeps it; then the message says so, and a person may have it tried again.
 */
export function createMediaFetcher(deps: {
  store: Store;
  storage: Storage;
  wake: Wake;
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

  async function inboxOf(workspaceId: string, conversationId: string): Promise<InboxRuntime | undefined> {
    const [row] = await store.once<{ inbox_id: string }>(
      workspaceId,
      sql`select inbox_id from conversations where id = ${conversationId}::uuid`,
    );
    return row && ((await deps.inboxes.byId(workspaceId, row.inbox_id)) ?? undefined);
  }

  async function attempt(key: FilesKey, file: ClaimedFile): Promise<FileOutcome> {
    const inbox = await inboxOf(key.workspaceId, file.conversationId);
    if (!inbox) return { state: 'failed', reason: 'This inbox was removed.' };
    try {
      return { state: 'stored', attachment: await fetchOne(inbox, file.conversationId, Media.parse(file.media)) };
    } catch (error) {
      deps.log.warn({ err: error, messageId: key.messageId, attempts: file.attempts }, 'a file was not fetched');
      return afterError(error, file);
    }
  }

  /** Everything of the message that is due now. */
  async function workOff(key: FilesKey): Promise<void> {
    const { workspaceId, messageId } = key;
    const counts = { stored: 0, missing: 0 };
    let isFirst = false;
    let conversationId: string | undefined;
    for (
      let file = await claimFile(store, workspaceId, messageId);
      file;
      file = await claimFile(store, workspaceId, messageId)
    ) {
      const claimed = file;
      const outcome = await attempt(key, claimed);
      isFirst ||= claimed.attempts === 1;
      conversationId = claimed.conversationId;
      counts[outcome.state === 'stored' ? 'stored' : 'missing'] += 1;
      const message = await store.inWorkspace(workspaceId, async (tx) => {
        const shown = await settleFile(tx, messageId, claimed.id, outcome);
        // Deleted while its files were on their way.
        if (!shown && outcome.state === 'stored') await forgetFetchedFiles(tx, [outcome.attachment]);
        return shown;
      });
      const inbox = await inboxOf(workspaceId, claimed.conversationId);
      if (message) publish([messageUpdated(workspaceId, { message, channel: inbox?.channel })]);
      if (outcome.state === 'pending') queue.runLater(writeFilesKey(key), outcome.afterMs);
    }
    // The message names what is missing from the first try on, and the fact is of then; a later try may still bring it.
    if (!conversationId || (!isFirst && counts.stored === 0)) return;
    const payload = { conversationId, ...counts };
    await store.inWorkspace(workspaceId, (tx) =>
      recordFacts(tx, [messageFacts.make('message.files_stored', { workspaceId, subjectId: messageId, payload })]),
    );
  }
  const queue = createKeyedQueue({
    wake: deps.wake,
    topic: FILES_DUE,
    work: (name) => workOff(readFilesKey(name)),
  });

  /** What there is to fetch stands in the events the message was made of. */
  async function noteFilesOf(key: FilesKey, conversationId: string): Promise<void> {
    const { workspaceId, messageId } = key;
    const inbox = await inboxOf(workspaceId, conversationId);
    if (!inbox) return;
    await store.inWorkspace(workspaceId, async (tx) => {
      const { rows } = await tx.execute<{ media: unknown }>(sql`
        select e.payload -> 'media' as media from messages m
        cross join lateral (
          select m.id as event_id, 0 as place where m.payload -> 'album' is null
          union all
          select (a ->> 'eventId')::uuid, n from jsonb_array_elements(coalesce(m.payload -> 'album', '[]')) with ordinality as x(a, n)
        ) parts
        join inbound_events e on e.id = parts.event_id
        where m.id = ${messageId}::uuid and m.deleted_at is null
          and (m.attachments = '[]' or exists (select 1 from file_fetches f where f.message_id = m.id))
        order by parts.place`);
      const hours = mediaHoursOf(channels[inbox.channel]);
      await noteFiles(
        tx,
        { workspaceId, conversationId, messageId, hours },
        rows.flatMap(({ media }) => z.array(Media).parse(media)),
      );
    });
  }

  return {
    reaction: defineReaction({
      name: 'fetch-files',
      sentence: 'Fetches the files customers sent from their platform.',
      on: messageFacts.on('message.received', 'message.echoed'),
      wants: (fact) => fact.payload.files > 0,
      async handle({ workspaceId, subjectId: messageId, payload: { conversationId } }) {
        const key = { workspaceId, messageId };
        await noteFilesOf(key, conversationId);
        await workOff(key);
      },
    }),
    close: queue.close,
  };
}

/** Files that are due again, or whose fetcher died. */
export const dueFiles = (wake: Wake): Sweep => ({
  name: 'due files',
  async at(place) {
    const { rows } = await place.asSystem((tx) =>
      tx.execute<{ workspace_id: string; message_id: string }>(sql`
        select distinct workspace_id, message_id from file_fetches
        where state = 'pending' and next_attempt_at < now() - interval '1 second'
          and (lease_until is null or lease_until < now()) limit ${LIMIT}`),
    );
    for (const row of rows)
      wake.wake(FILES_DUE, writeFilesKey({ workspaceId: row.workspace_id, messageId: row.message_id }));
  },
});

/** What became of a file is told by its message. */
export const forgetOldFetches: Sweep = {
  name: 'old fetches of files',
  everyMs: 3_600_000,
  at: (place) =>
    place.asSystem((tx) =>
      tx.execute(sql`delete from file_fetches where id in (
        select id from file_fetches where created_at < now() - make_interval(days => ${KEPT_DAYS}) and state <> 'pending' limit 5000)`),
    ),
};
