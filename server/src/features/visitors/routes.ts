import { TextLanguage, widgetApi } from '@parley/contract';
import type { Bot } from '@parley/contract';
import { sql } from 'drizzle-orm';
import type { FastifyRequest } from 'fastify';
import { badRequest, forbidden, notFound, tooMany, unauthorized } from '../../platform/errors.ts';
import { done, ok, withUpload } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import { bucketOf } from '../../platform/http/proxies.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import { parseVisitorEvent } from '../../channels/web/parse.ts';
import type { Inbound } from '../../channels/contract.ts';
import type { Limiter } from '../../platform/limits/limiter.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { widgetWords } from '../../engine/texts/catalogue.ts';
import { catalogueLanguage, textsIn } from '../../engine/texts/texts.ts';
import type { BotDirectory } from '../bots/directory.ts';
import { endVisitor } from '../contacts/commands.ts';
import { storeFile } from '../files/commands.ts';
import { sendFile } from '../files/present.ts';
import { openVisitorFile } from '../files/queries.ts';
import type { InboxDirectory, InboxRuntime } from '../inboxes/directory.ts';
import { visitorEnded } from './changes.ts';
import { assertOrigin } from './handshake.ts';
import type { VisitorTokens } from './token.ts';

// Foreign tables: chunks, contact_identities, conversations, sources, threads, workspaces. What a visitor may see is decided by one statement.

/** The first language the visitor reads that we have texts in, else the bot's. */
function readersLanguage(wanted: string | undefined, bot: Bot | null): TextLanguage {
  const codes = (wanted ?? '').split(',').map((each) => each.trim().slice(0, 2).toLowerCase());
  const known = codes.map((code) => TextLanguage.safeParse(code)).find(({ success }) => success);
  return known?.data ?? catalogueLanguage(bot?.languages[0]);
}

/** What the widget asks over HTTP. Everything a visitor owns needs the signed visitor token, in a header. */
export function visitorRoutes(
  http: Http,
  parts: {
    store: Store;
    storage: Storage;
    inboxes: InboxDirectory;
    bots: BotDirectory;
    tokens: VisitorTokens;
    ownOrigin: string;
    publish: Publish;
    receive: (inbox: InboxRuntime, events: Inbound[]) => Promise<unknown>;
    /** files per address: whoever opens a chat may send some, nobody may fill the disk */
    uploadLimit: Limiter;
  },
): void {
  const { store, bots, tokens } = parts;

  async function inboxOf(request: FastifyRequest, token: string): Promise<InboxRuntime> {
    const inbox = await parts.inboxes.byToken(token);
    if (!inbox || inbox.channel !== 'web') throw notFound('The inbox');
    if (inbox.status === 'disabled') throw forbidden('This chat is closed.');
    assertOrigin(inbox, request.headers.origin, parts.ownOrigin);
    return inbox;
  }

  /** Whoever the visitor token names, ended or not. */
  async function visitorOf(request: FastifyRequest, inbox: InboxRuntime): Promise<string> {
    const token = /^visitor ([\w.-]{1,2000})$/i.exec(request.headers.authorization ?? '')?.[1];
    const visitorId = token ? await tokens.read(token, inbox.id) : null;
    if (!visitorId) throw unauthorized('Open the chat first.');
    return visitorId;
  }

  /** The newest conversation of a visitor. */
  async function newestOf(inbox: InboxRuntime, visitorId: string) {
    const [row] = await store.once<{ id: string; status: string; ended: boolean }>(
      inbox.workspaceId,
      sql`select c.id, c.status, exists (select 1 from contact_identities i
            where i.inbox_id = t.inbox_id and i.external_id = t.thread_key and i.ended_at is not null) as ended
          from conversations c join threads t on t.id = c.thread_id
          where t.inbox_id = ${inbox.id}::uuid and t.thread_key = ${visitorId} order by c.created_at desc limit 1`,
    );
    return row;
  }

  /** The conversation of whoever the visitor token names. */
  async function conversationOf(request: FastifyRequest, inbox: InboxRuntime): Promise<string> {
    const row = await newestOf(inbox, await visitorOf(request, inbox));
    if (row?.ended) throw unauthorized('Open the chat first.');
    if (!row) throw notFound('The conversation');
    return row.id;
  }

  addRoutes(
    http,
    widgetApi,
    {
      config: async (request) => {
        const inbox = await inboxOf(request, request.params.token);
        const bot = inbox.botId ? await bots.byId(inbox.workspaceId, inbox.botId) : null;
        const language = readersLanguage(request.query.language ?? request.headers['accept-language'], bot);
        const texts = textsIn(language, bot?.texts);
        const [workspace] = await store.once<{ name: string }>(
          inbox.workspaceId,
          sql`select name from workspaces where id = ${inbox.workspaceId}::uuid`,
        );
        return ok({
          title: inbox.settings.title,
          accent: inbox.settings.accent,
          position: inbox.settings.position,
          theme: inbox.settings.theme,
          greeting: bot ? bot.greeting || texts('hello') : '',
          suggestedQuestions: bot?.suggestedQuestions ?? [],
          handoffEnabled: bot?.handoffEnabled ?? true,
          language,
          words: {
            ...widgetWords[language],
            ...{ person: texts('talkToPerson'), resolved: texts('closed'), keep: texts('closeThis') },
          },
          workspaceName: workspace?.name ?? '',
        });
      },

      upload: async (request) => {
        const inbox = await inboxOf(request, request.params.token);
        const conversationId = await conversationOf(request, inbox);
        const { allow, retryAfterSeconds } = await parts.uploadLimit.take(bucketOf(request.ip));
        if (!allow) throw tooMany(retryAfterSeconds);
        return withUpload(request, async ({ name, file }) => {
          if (file.size === 0) throw badRequest('This file is empty.', [{ field: 'file', message: 'is empty' }]);
          const createdBy = { type: 'contact', id: null } as const;
          const { workspaceId } = inbox;
          return ok(await storeFile(parts, { workspaceId, name, content: file, createdBy, conversationId }));
        });
      },

      download: async (request, reply) => {
        const inbox = await inboxOf(request, request.params.token);
        const conversationId = await conversationOf(request, inbox);
        const { id } = request.params;
        const { workspaceId } = inbox;
        // Not kept by the browser: on a shared computer it is gone with the visitor.
        return sendFile(reply, await openVisitorFile(parts, { workspaceId, conversationId, id }), 'no-store');
      },

      forget: async (request) => {
        // The signed token is the proof. Who leaves may leave whatever became of the inbox and of the page's address.
        const inbox = await parts.inboxes.byToken(request.params.token);
        if (inbox?.channel !== 'web') throw notFound('The inbox');
        const visitorId = await visitorOf(request, inbox);
        await store.inWorkspace(inbox.workspaceId, (tx) => endVisitor(tx, inbox.id, visitorId));
        parts.publish([visitorEnded(inbox.workspaceId, { visitorId })]);
        // Nobody is there to read an answer. Asked again, e.g. after an answer that was lost, it is the same event.
        const newest = await newestOf(inbox, visitorId);
        if (newest && newest.status !== 'resolved') {
          const arrival = { visitor: { id: visitorId }, eventId: 'forgotten', at: store.clock.now() };
          await parts.receive(inbox, [parseVisitorEvent('customer:end_chat', { conversationId: newest.id }, arrival)]);
        }
        return done();
      },

      getPassage: async (request) => {
        const inbox = await inboxOf(request, request.params.token);
        const bot = inbox.botId ? await bots.byId(inbox.workspaceId, inbox.botId) : null;
        // Only what this inbox's bot may cite: knowing an id opens nothing else.
        const [row] = await store.once<{ title: string; heading_path: string; text: string; url: string | null }>(
          inbox.workspaceId,
          sql`select k.title, k.heading_path, k.text, s.url from chunks k join sources s on s.id = k.source_id and s.deleted_at is null
            where k.id = ${request.params.chunkId}::uuid
              and k.knowledge_base_id = any(${sql.param(bot?.knowledgeBaseIds ?? [])}::uuid[])`,
        );
        if (!row) throw notFound('The passage');
        return ok({ title: row.title, headingPath: row.heading_path, text: row.text, url: row.url });
      },
    },
    {
      upload: { description: 'Header `authorization: Visitor <visitor token>`.' },
      forget: { description: 'Header `authorization: Visitor <visitor token>`. Done also when the visitor has ended.' },
    },
  );
}
