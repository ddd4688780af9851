/** What the widget remembers in the visitor's browser, apart for each inbox. Nothing of it ever stands in a URL. */
export type Memory = {
  get(name: string): string | null;
  set(name: string, value: string | null): void;
  /** Forgets everything of this inbox, and tells the other tabs of the site (`endedKey`). */
  clear(): void;
};

/** Set and taken away at once when everything was forgotten: what other tabs hear of it. */
export const endedKey = (inbox: string): string => `parley:${inbox}:ended`;

/** Storage may be forbidden (private windows, sandboxed frames) or full: then it lasts as long as the page. */
export function createMemory(inbox: string, storage: () => Storage): Memory {
  const page = new Map<string, string>();
  const key = (name: string): string => `parley:${inbox}:${name}`;
  const reach = <T>(work: (kept: Storage) => T): T | null => {
    try {
      return work(storage());
    } catch {
      return null;
    }
  };
  return {
    get: (name) => reach((kept) => kept.getItem(key(name))) ?? page.get(name) ?? null,
    set(name, value) {
      page.delete(name);
      reach((kept) => kept.removeItem(key(name)));
      // Kept in the page only where it can be kept nowhere else: another tab may change what is stored.
      if (value !== null && !reach((kept) => (kept.setItem(key(name), value), true))) page.set(name, value);
    },
    clear() {
      page.clear();
      reach((kept) => {
        for (const each of Object.keys(kept)) if (each.startsWith(key(''))) kept.removeItem(each);
        kept.setItem(key('ended'), '');
        kept.removeItem(key('ended'));
      });
    },
  };
}
