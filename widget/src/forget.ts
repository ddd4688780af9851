import type { Memory } from './memory.ts';

/**
 * The visitor leaves this browser for good: nothing of them stays here, and the server ends their token, so that a copy of
 * it opens nothing either. Without an answer the server is asked again for as long as the page is there.
 */
export function forget(base: string, inbox: string, memory: Memory): void {
  const token = memory.get('visitor');
  memory.clear();
  const later = (): unknown => setTimeout(end, 10_000);
  const end = (): unknown =>
    fetch(`${base}api/v1/widget/${inbox}/forget`, {
      method: 'POST',
      // Signing out often leads to another page.
      keepalive: true,
      headers: { authorization: `Visitor ${token}` },
    }).then(({ status }) => status > 428 && later(), later);
  if (token) end();
}
