import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BotInput } from '@parley/contract';
import { sql } from 'drizzle-orm';
import { createBot } from '../bots/commands.ts';
import { storeFile } from '../files/commands.ts';
import { createInbox } from '../inboxes/commands.ts';
import { createKnowledgeBase } from '../knowledge/commands.ts';
import type { KnowledgeProcessing } from '../knowledge/processors.ts';
import { addDocument, deleteSource } from '../knowledge/source-commands.ts';
import { AppError } from '../../platform/errors.ts';
import { newId, newToken } from '../../platform/data/ids.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import type { Store } from '../../platform/data/tenant.ts';

// Foreign tables: knowledge_bases, sources, workspaces. It looks for what it made.
// Real time (2): patience at the start.

const DOCS = fileURLToPath(new URL('../../../../docs', import.meta.url));
const GENERATED = new Set(['quality.md', 'performance.md']);

type Marks = {
  workspaceId: string;
  knowledgeBaseId: string;
  token: string;
  documents: Record<string, { sourceId: string; hash: string }>;
};

/** The guides people read; decisions and measurements are for builders. */
const guides = (): { name: string; bytes: Buffer; hash: string }[] =>
  existsSync(DOCS)
    ? readdirSync(DOCS, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.md') && !GENERATED.has(entry.name))
        .map((entry) => relative(DOCS, join(entry.parentPath, entry.name)))
        .filter((path) => !path.startsWith('decisions'))
        .sort()
        .map((name) => {
          const bytes = readFileSync(join(DOCS, name));
          return { name, bytes, hash: createHash('sha256').update(bytes).digest('hex') };
        })
    : [];

/**
 * The demo: a workspace whose bot answers about Parley from its own guides, on the page /demo. The first owner takes the
 * workspace over, so that the demo's conversations are in the inbox they see first.
 */
export function createDemo(parts: { store: Store; storage: Storage; knowledge: KnowledgeProcessing; log: Logger }) {
  const { store, storage, knowledge, log } = parts;

  async function marks(): Promise<Marks | undefined> {
    const { rows } = await store.asSystem((tx) =>
      tx.execute<{ demo: Marks }>(
        sql`select settings -> 'demo' as demo from workspaces where settings ? 'demo' and deleted_at is null order by created_at limit 1`,
      ),
    );
    return rows[0]?.demo;
  }

  async function build(): Promise<Marks> {
    const workspaceId = newId();
    const token = newToken();
    await store.asSystem((tx) =>
      tx.execute(sql`insert into workspaces (id, name, created_at) values (${workspaceId}::uuid, 'Demo', ${tx.now})`),
    );
    const knowledgeBaseId = await store.inWorkspace(workspaceId, async (tx) => {
      const base = await createKnowledgeBase(tx, workspaceId, {
        name: 'Parley guides',
        description: 'The guides that come with Parley.',
      });
      const bot = await createBot(
        tx,
        workspaceId,
        BotInput.parse({
          name: 'Parley guide',
          suggestedQuestions: [
            'How do I connect Telegram?',
            'Where is my data kept?',
            'When does the bot hand over to a person?',
          ],
          knowledgeBaseIds: [base.id],
          texts: {
            'hello.en': 'Hello! Ask me anything about Parley. I answer from its guides and show where I found it.',
            'notFound.en': 'I could not find this in Parley’s guides.',
          },
        }),
      );
      await createInbox(tx, workspaceId, {
        id: newId(),
        name: 'Demo page',
        channel: 'web',
        botId: bot.id,
        token,
        credentials: null,
        externalId: null,
        settings: { title: 'Parley' },
        status: 'connected',
        statusDetail: null,
      });
      return base.id;
    });
    return { workspaceId, knowledgeBaseId, token, documents: {} };
  }

  /** Guides that are new or changed are read again, and those that are gone forgotten. */
  async function refresh(demo: Marks): Promise<boolean> {
    const { workspaceId, knowledgeBaseId, documents } = demo;
    const { rows } = await store.inWorkspace(workspaceId, (tx) =>
      tx.execute(sql`select 1 from knowledge_bases where id = ${knowledgeBaseId}::uuid and deleted_at is null`),
    );
    // Whoever has the demo may have deleted its knowledge. Then there is nothing to keep up to date.
    if (rows.length === 0) return false;
    const present = guides();
    let changed = false;
    const drop = async (sourceId: string): Promise<void> => {
      try {
        await store.inWorkspace(workspaceId, (tx) => deleteSource(tx, sourceId));
      } catch (error) {
        // Whoever has the demo may have deleted the guide already.
        if (!(error instanceof AppError && error.code === 'not_found')) throw error;
      }
    };
    for (const [name, { sourceId }] of Object.entries(documents)) {
      if (present.some((guide) => guide.name === name)) continue;
      await drop(sourceId);
      Reflect.deleteProperty(documents, name);
      changed = true;
    }
    for (const guide of present) {
      const before = documents[guide.name];
      if (before?.hash === guide.hash) continue;
      const file = await storeFile(
        { store, storage },
        { workspaceId, name: basename(guide.name), content: guide.bytes, createdBy: { type: 'bot', id: null } },
      );
      const source = await store.inWorkspace(workspaceId, (tx) =>
        addDocument(tx, { workspaceId, knowledgeBaseId }, file),
      );
      if (before) await drop(before.sourceId);
      documents[guide.name] = { sourceId: source.id, hash: guide.hash };
      changed = true;
      await knowledge.enqueue(workspaceId, source.id);
    }
    return changed;
  }

  return {
    async ensure(): Promise<void> {
      const found = await marks();
      const demo = found ?? (await build());
      const changed = await refresh(demo);
      if (found && !changed) return;
      await store.asSystem((tx) =>
        tx.execute(
          sql`update workspaces set settings = jsonb_set(settings, '{demo}', ${JSON.stringify(demo)}::jsonb) where id = ${demo.workspaceId}::uuid`,
        ),
      );
      log.debug({ guides: Object.keys(demo.documents).length }, 'the demo is up to date');
    },
    /**
     * Resolves when the guides are read, after `patienceMs` at the latest. Otherwise the first question at /demo would find
     * no knowledge.
     */
    async read(patienceMs: number): Promise<void> {
      const demo = await marks();
      if (!demo) return;
      const end = Date.now() + patienceMs;
      while (Date.now() < end) {
        const { rows } = await store.inWorkspace(demo.workspaceId, (tx) =>
          tx.execute(sql`
            select 1 from sources where knowledge_base_id = ${demo.knowledgeBaseId}::uuid and deleted_at is null
              and status in ('pending', 'processing') limit 1`),
        );
        if (rows.length === 0) return;
        await sleep(100);
      }
      log.warn('the guides of the demo are still being read');
    },
    /** The web inbox of /demo. */
    token: async (): Promise<string | undefined> => (await marks())?.token,
  };
}
export type Demo = ReturnType<typeof createDemo>;
