import type { Identity, Launcher, Panel } from './handoff.ts';
import { fetchConfig, remembered, wantedBy } from './inbox-config.ts';
import { mountKnown, type Page } from './mount.ts';

/** How long a first visit waits for the words of its language before the panel speaks English. */
const WORDS_MS = 2_000;

/** The panel, at once where its words are known, else as soon as they are; what it is told meanwhile it does then. */
export function mount(launcher: Launcher | Page, identity: Identity): Panel {
  const known = remembered(launcher);
  const [first = 'en'] = wantedBy(launcher.settings);
  if (known || /^en\b/i.test(first)) return mountKnown(launcher, identity, known);
  let panel: Panel | null = null;
  const told: ((panel: Panel) => void)[] = [];
  const tell = (act: (panel: Panel) => void): void => void (panel ? act(panel) : told.push(act));
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), WORDS_MS));
  void Promise.race([fetchConfig(launcher), late]).then((config) => {
    panel = mountKnown(launcher, identity, config);
    for (const act of told) act(panel);
  });
  return {
    open: () => tell((ready) => ready.open()),
    close: () => tell((ready) => ready.close()),
    toggle: () => tell((ready) => ready.toggle()),
    identify: (given) => tell((ready) => ready.identify(given)),
    reset: () => tell((ready) => ready.reset()),
    destroy: () => tell((ready) => ready.destroy()),
  };
}
