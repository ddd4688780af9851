/** Told again while somebody goes on writing, before the others forget it. */
const againMs = 3000;

/** Tells that somebody writes, at most every three seconds, and at once that they stopped: nothing is told late. */
export function createTypingSignal(tell: (conversationId: string, typing: boolean) => void) {
  let told: { id: string; at: number } | null = null;
  function stop(): void {
    if (told) tell(told.id, false);
    told = null;
  }
  return {
    wrote(id: string): void {
      if (told?.id === id && Date.now() - told.at < againMs) return;
      if (told && told.id !== id) stop();
      told = { id, at: Date.now() };
      tell(id, true);
    },
    /** sent, thrown away, or left */
    stop,
  };
}
