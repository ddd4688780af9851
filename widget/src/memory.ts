/** What the widget remembers in the visitor's browser, apart for each inbox. Nothing of it ever stands in a URL. */
export type Memory = {
  get(name: string): string | null;
  set(name: string, value: string | null): void;
};

/** Storage may be forbidden (private windows, sandboxed frames): then it lasts as long as the page. */
export function createMemory(inbox: string, storage: () => Storage): Memory {
  const page = new Map<string, string>();
  const key = (name: string): string => `parley:${inbox}:${name}`;
  return {
    get(name) {
      try {
        return storage().getItem(key(name)) ?? page.get(name) ?? null;
      } catch {
        return page.get(name) ?? null;
      }
    },
    set(name, value) {
      if (value === null) page.delete(name);
      else page.set(name, value);
      try {
        if (value === null) storage().removeItem(key(name));
        else storage().setItem(key(name), value);
      } catch {
        return;
      }
    },
  };
}
