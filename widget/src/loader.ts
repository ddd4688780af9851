import { icon } from './view/dom.ts';
import { chatIcon } from './view/icons.ts';
import { pickAccent } from './colour.ts';
import { paintLauncher } from './view/launcher.ts';
import { forget } from './forget.ts';
import { createMemory } from './memory.ts';
import { panelKey, type Identity, type Look, type MountPanel, type Panel, type Settings } from './handoff.ts';

/**
 * /widget.js: draws the launcher and fetches the rest when somebody reaches for it, or when this browser has a
 * conversation whose answer may be waiting. Pages talk to it through `Parley.push(['open'])`, also before it is there.
 * All it is told works before the panel is fetched: above all, whoever leaves is forgotten at once.
 */
type Command = [name: string, ...values: unknown[]];
type Told = { open(): void; close(): void; identify(given?: unknown): void; reset(): void; destroy(): void };
type Commands = Told & { push(...commands: Command[]): void; attach(): void };
type Global = typeof globalThis & {
  [panelKey]?: MountPanel;
  Parley?: Command[] | Commands;
};
const page = globalThis as Global;

function start(script: HTMLScriptElement, inbox: string): void {
  const queue = page.Parley;
  const base = new URL('.', script.src).href;
  const settings: Settings & { shadow?: ShadowRootMode } = { base, inbox, ...script.dataset };
  const memory = createMemory(inbox, () => localStorage);

  // Not a div: pages have rules and scripts for those.
  const host = document.createElement('parley-widget');
  const root = host.attachShadow({ mode: settings.shadow ?? 'closed' });
  // Important inside a shadow root, so that nothing the page says of its elements wins over it.
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(':host{all:initial!important}@media print{:host{display:none!important}}');
    root.adoptedStyleSheets = [sheet];
  } catch {
    // An older browser: the button has its look from its own style.
  }
  const button = document.createElement('button');
  button.className = 'launcher';
  button.ariaLabel = 'Chat';
  button.ariaExpanded = 'false';
  button.append(icon(chatIcon));
  root.append(button);

  const paint = (look: Look): void =>
    paintLauncher(button, pickAccent(settings.accent, look.accent), settings.position ?? look.position);
  const [accent, position] = memory.get('look')?.split(' ') ?? [];
  paint({ accent, position });

  let loading: Promise<Panel> | null = null;
  let identity: Identity = {};
  let tail = '';
  /** Fetches the panel once; after a failure the next wish tries again. */
  function use(name?: keyof Panel): void {
    // As a module: that keeps this script's nonce, and is no address a page with Trusted Types would have to allow.
    loading ??= import(`${base}widget/panel.js${tail}`).then(() => {
      button.onclick = null;
      const mount = page[panelKey] as MountPanel;
      return mount({ root, button, settings, memory, paint, forget: commands.reset }, identity);
    });
    loading.then(
      (panel) => name && panel[name](identity),
      (why) => {
        loading = null;
        // A browser may remember that an address failed.
        tail += '?';
        console.warn('Parley: no panel', why);
      },
    );
  }
  button.onclick = () => use('toggle');
  button.onpointerenter = button.onfocus = () => use();

  /** Nothing to be told while there is no panel: it will begin with what is known then. */
  const tell = (name: keyof Panel): void => void (loading && use(name));
  const commands: Commands = {
    open: () => use('open'),
    close: () => tell('close'),
    identify(given) {
      const next = Object(given) as Identity;
      // As JSON, so that no two of whatever a page calls an id are the same.
      const id = JSON.stringify(next.id ?? '');
      if (id !== '""') {
        // The chat of one person is never shown to the next.
        if ((memory.get('id') ?? id) !== id) commands.reset();
        memory.set('id', id);
      }
      identity = next;
      tell('identify');
    },
    reset() {
      identity = {};
      forget(base, inbox, memory);
      tell('reset');
    },
    destroy() {
      watch.disconnect();
      host.remove();
      tell('destroy');
      page.Parley = [];
    },
    push(...wanted) {
      for (const each of wanted)
        try {
          commands[each[0] as keyof Told](each[1]);
        } catch {
          // No command of ours. Those behind it count all the same.
        }
    },
    /** At the root, where pages that replace or morph their body leave it; put back when it was taken away all the same. */
    attach() {
      if (!host.isConnected) document.documentElement.append(host);
      watch.observe(document.documentElement, { childList: true });
    },
  };
  const watch = new MutationObserver(commands.attach);
  page.Parley = commands;

  async function fetchLook(): Promise<void> {
    const response = await fetch(`${base}api/v1/widget/${inbox}`);
    // 400 to 407: an inbox that is gone or not meant for this site gets no button that leads nowhere.
    if (response.status >> 3 === 50) {
      commands.destroy();
      console.warn('Parley: no chat', inbox);
    } else paint(((await response.json()) as { data?: Look }).data ?? {});
  }
  const show = (): void => {
    if (page.Parley !== commands) return;
    commands.attach();
    if (Array.isArray(queue)) commands.push(...queue);
    setTimeout(() => {
      if (page.Parley !== commands) return;
      if (memory.get('conversation') ?? memory.get('outbox')) use();
      // Without an answer the button keeps its plain look.
      else if (!accent) fetchLook().catch(() => undefined);
    }, 200);
  };
  if (document.body) show();
  else addEventListener('DOMContentLoaded', show);
}

const script = (document.currentScript ?? document.querySelector('script[data-inbox]')) as HTMLScriptElement | null;
const inbox = script?.dataset.inbox;
const running = page.Parley as Partial<Commands> | undefined;
// A page that carries the snippet twice gets one button, and gets it back when it was taken away.
if (running?.attach) running.attach();
else if (script && inbox) start(script, inbox);
else console.warn('Parley: no data-inbox');
