import { registerHooks } from 'node:module';

/** Another text of a module, given while it loads. `times` is how often `from` must stand there (1). */
export type Patch = { file: string; from: string; to: string; times?: number };

/**
 * Changes the source of modules as they load. A text that is not there any more ends the process: a switch that silently
 * does nothing would prove nothing.
 */
export function patchSources(patches: Patch[]): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const wanted = patches.filter((patch) => url.endsWith(patch.file));
      if (wanted.length === 0 || loaded.source === undefined || loaded.source === null) return loaded;
      const { source } = loaded;
      let text = typeof source === 'string' ? source : new TextDecoder().decode(source);
      for (const { file, from, to, times = 1 } of wanted) {
        const found = text.split(from).length - 1;
        if (found !== times) throw new Error(`${file} has ${found} times, not ${times}: ${from}`);
        text = text.replaceAll(from, () => to);
      }
      return { ...loaded, source: text };
    },
  });
}
