import type { Attachment, WidgetConfig, WidgetPassage } from '@parley/contract';

/** What a call came to: the data, or the server's own words about what is wrong (null: it could not be reached). */
export type Answer<T> = { ok: true; data: T } | { ok: false; status: number; message: string | null };

export type Api = ReturnType<typeof createApi>;

/** The public REST calls of one inbox. `base` is where the script came from, with a slash at the end. */
export function createApi(base: string, inbox: string, visitor: () => string | null) {
  const root = `${base}api/v1/widget/${encodeURIComponent(inbox)}`;
  const identity = (): Record<string, string> => {
    const token = visitor();
    return token ? { authorization: `Visitor ${token}` } : {};
  };

  async function call<T>(path: string, init: RequestInit, timeoutMs: number): Promise<Answer<T>> {
    try {
      const response = await fetch(root + path, {
        ...init,
        credentials: 'omit',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const body = (await response.json()) as { data?: T; error?: { message?: string } };
      if (response.ok && body.data !== undefined) return { ok: true, data: body.data };
      return { ok: false, status: response.status, message: body.error?.message ?? null };
    } catch {
      return { ok: false, status: 0, message: null };
    }
  }

  return {
    config: (languages: string) => call<WidgetConfig>(`?language=${encodeURIComponent(languages)}`, {}, 15_000),
    passage: (chunkId: string) =>
      call<WidgetPassage>(`/passages/${encodeURIComponent(chunkId)}`, { headers: identity() }, 15_000),
    upload(file: File): Promise<Answer<Attachment>> {
      const body = new FormData();
      body.append('file', file);
      return call<Attachment>('/files', { method: 'POST', body, headers: identity() }, 120_000);
    },
    /** The bytes only: what others sent is saved, never opened as a page of the host. */
    async file(id: string): Promise<Blob | null> {
      try {
        const response = await fetch(`${root}/files/${encodeURIComponent(id)}`, {
          credentials: 'omit',
          headers: identity(),
          signal: AbortSignal.timeout(120_000),
        });
        return response.ok ? new Blob([await response.arrayBuffer()], { type: 'application/octet-stream' }) : null;
      } catch {
        return null;
      }
    },
  };
}
