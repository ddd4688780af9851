import type { Attachment } from '@parley/contract';
import type { Memory } from './memory.ts';
import type { Draft } from './store.ts';

const dayMs = 86_400_000;

function isDraft(value: unknown): value is Draft {
  if (typeof value !== 'object' || value === null) return false;
  const draft = value as Record<keyof Draft, unknown>;
  return (
    typeof draft.clientId === 'string' &&
    typeof draft.text === 'string' &&
    typeof draft.at === 'number' &&
    Array.isArray(draft.attachments)
  );
}

/**
 * What is still to be sent, oldest first. It survives a reload; the same `clientId` makes sending twice harmless.
 * A draft left behind for more than a day is not sent by itself any more: the visitor decides.
 */
export function createOutbox(memory: Memory) {
  function read(): Draft[] {
    try {
      const stored: unknown = JSON.parse(memory.get('outbox') ?? '[]');
      return Array.isArray(stored) ? stored.filter(isDraft) : [];
    } catch {
      return [];
    }
  }
  // Another tab may have written in between, so each change starts from what is stored now.
  const change = (to: (drafts: Draft[]) => Draft[]): void => {
    const drafts = to(read());
    memory.set('outbox', drafts.length > 0 ? JSON.stringify(drafts) : null);
  };
  return {
    list: read,
    add(clientId: string, text: string, attachments: Attachment[]): Draft {
      const draft = { clientId, text, attachments, at: Date.now(), error: null };
      change((drafts) => [...drafts, draft]);
      return draft;
    },
    remove: (clientId: string): void => change((drafts) => drafts.filter((each) => each.clientId !== clientId)),
    /** `error` null: it is on its way again. */
    mark: (clientId: string, error: string | null): void =>
      change((drafts) => drafts.map((each) => (each.clientId === clientId ? { ...each, error } : each))),
    /** After a reload: what failed is tried again, what is too old waits for the visitor. */
    wake: (now: number): void =>
      change((drafts) => drafts.map((each) => ({ ...each, error: now - each.at > dayMs ? '' : null }))),
  };
}
export type Outbox = ReturnType<typeof createOutbox>;
