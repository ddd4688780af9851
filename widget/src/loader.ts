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
type Global = typeof globalThis & { [panelKey]?: MountPanel; Parley?: Command[] | Commands };

function start(script: HTMLScriptElement, inbox: string): void {
  const page = globalThis as Global;
  const queue = page.Parley;
  const base = new URL('.', script.src).href;
  const settings: Settings & { shadow?: ShadowRootMode } = { base, inbox, ...script.dataset };
  const memory = createMemory(inbox, () => localStorage);

  const host = document.createElement('div');
  host.style.all = 'initial';
  const root = host.attachShadow({ mode: settings.shadow ?? 'closed' });
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
  /** Fetches the panel once; after a failure the next wish tries again. */
  function use(name?: keyof Panel): void {
    loading ??= new Promise((resolve, reject) => {
      const panel = document.createElement('script');
      panel.src = `${base}widget/panel.js`;
      panel.nonce = script.nonce;
      panel.onload = () => {
        const mount = page[panelKey];
        if (!mount) return reject();
        button.onclick = null;
        resolve(mount({ root, button, settings, memory, paint, forget: commands.reset }, identity));
      };
      panel.onerror = reject;
      document.head.append(panel);
    });
    loading.then(
      (panel) => name && panel[name](identity),
      () => {
        loading = null;
        console.warn('Parley: no panel');
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
    attach() {
      if (!host.isConnected) document.body.append(host);
    },
  };
  page.Parley = commands;

  async function fetchLook(): Promise<void> {
    const response = await fetch(`${base}api/v1/widget/${inbox}`);
    // An inbox that is gone or not meant for this site gets no button that leads nowhere.
    if ([403, 404].includes(response.status)) host.remove();
    else paint(((await response.json()) as { data?: Look }).data ?? {});
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
const { inbox } = script?.dataset ?? {};
if (script && inbox) {
  const running = (globalThis as Global).Parley as Partial<Commands> | undefined;
  // A page that carries the snippet twice gets one button, and gets it back when its body was put in anew.
  if (running?.attach) running.attach();
  else start(script, inbox);
}
