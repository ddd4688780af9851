/** Where to go after sign-in: a path of this site only, since the address bar is anybody's to write. */
export function safeNext(next: unknown): string {
  if (typeof next !== 'string' || !next.startsWith('/') || !URL.canParse(next, location.origin)) return '/';
  // As the browser reads it: a backslash or a tab in the right place, or dots that go away, lead to another site.
  const { origin, pathname, search, hash } = new URL(next, location.origin);
  if (origin !== location.origin || pathname.startsWith('//') || pathname === '/sign-in') return '/';
  return pathname + search + hash;
}
