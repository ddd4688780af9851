/** Where to go after sign-in: a path of this site only, since the address bar is anybody's to write. */
export function safeNext(next: unknown): string {
  if (typeof next !== 'string') return '/';
  const url = new URL(next, location.origin);
  return url.origin === location.origin && next.startsWith('/') && !next.startsWith('//')
    ? url.pathname + url.search + url.hash
    : '/';
}
