import type { InboxRuntime } from '../features/inboxes/lookup.ts';
import type { Logger } from '../platform/telemetry/log.ts';
import type { EmitTyping } from '../platform/publish/typing.ts';

/** An answer that is there at once needs no indicator, and platforms count each of them as a request. */
const AFTER_MS = 250;
/** Platforms forget an indicator after about five seconds. */
const REPEAT_MS = 4_000;

/** Shows that the bot is at work, only while it is. Failing to show it disturbs nothing. */
export function createTyping(parts: {
  emitTyping: EmitTyping;
  log: Logger;
  /** the platform's own indicator; undefined where it has none */
  onPlatform: (inbox: InboxRuntime, threadKey: string, conversationId: string) => (() => Promise<void>) | undefined;
}) {
  /** those that wait to be shown, and those that are */
  const waiting = new Map<string, NodeJS.Timeout>();
  const shown = new Map<string, NodeJS.Timeout | undefined>();

  const tell = (conversationId: string, name: string | null, typing: boolean): void =>
    parts.emitTyping({ conversationId, who: 'bot', name, typing });

  return {
    start(conversationId: string, inbox: InboxRuntime, threadKey: string, name: string): void {
      if (waiting.has(conversationId) || shown.has(conversationId)) return;
      const begin = (): void => {
        waiting.delete(conversationId);
        tell(conversationId, name, true);
        const show = parts.onPlatform(inbox, threadKey, conversationId);
        const again = () => {
          show?.().catch((error: unknown) => parts.log.debug({ err: error }, 'typing was not shown'));
        };
        again();
        shown.set(conversationId, show ? setInterval(again, REPEAT_MS) : undefined);
      };
      waiting.set(conversationId, setTimeout(begin, AFTER_MS));
    },
    stop(conversationId: string): void {
      clearTimeout(waiting.get(conversationId));
      waiting.delete(conversationId);
      if (!shown.has(conversationId)) return;
      clearInterval(shown.get(conversationId));
      shown.delete(conversationId);
      tell(conversationId, null, false);
    },
    close(): void {
      for (const timer of waiting.values()) clearTimeout(timer);
      for (const timer of shown.values()) clearInterval(timer);
      waiting.clear();
      shown.clear();
    },
  };
}
export type Typing = ReturnType<typeof createTyping>;
