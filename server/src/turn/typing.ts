import type { InboxRuntime } from '../features/inboxes/lookup.ts';
import type { Logger } from '../platform/log.ts';
import { rooms } from '../platform/realtime.ts';
import type { Live } from '../platform/realtime.ts';

/** Platforms forget an indicator after about five seconds. */
const REPEAT_MS = 4_000;

/** Shows that the bot is at work, only while it is. Failing to show it disturbs nothing. */
export function createTyping(parts: {
  live: Live;
  log: Logger;
  /** the platform's own indicator; undefined where it has none */
  onPlatform: (inbox: InboxRuntime, threadKey: string) => (() => Promise<void>) | undefined;
}) {
  const timers = new Map<string, NodeJS.Timeout | undefined>();

  const tell = (conversationId: string, name: string | null, typing: boolean): void =>
    parts.live.emit([rooms.visitor(conversationId), rooms.conversation(conversationId)], 'typing', {
      conversationId,
      who: 'bot',
      name,
      typing,
    });

  return {
    start(conversationId: string, inbox: InboxRuntime, threadKey: string, name: string): void {
      if (timers.has(conversationId)) return;
      tell(conversationId, name, true);
      const show = parts.onPlatform(inbox, threadKey);
      const again = () => {
        show?.().catch((error: unknown) => parts.log.debug({ err: error }, 'typing was not shown'));
      };
      again();
      timers.set(conversationId, show ? setInterval(again, REPEAT_MS) : undefined);
    },
    stop(conversationId: string): void {
      if (!timers.has(conversationId)) return;
      clearInterval(timers.get(conversationId));
      timers.delete(conversationId);
      tell(conversationId, null, false);
    },
    close(): void {
      for (const timer of timers.values()) clearInterval(timer);
      timers.clear();
    },
  };
}
export type Typing = ReturnType<typeof createTyping>;
