import { icon } from './view/dom.ts';
import { chatIcon } from './view/icons.ts';
import { pickAccent } from './colour.ts';
import { paintLauncher } from './view/launcher.ts';
import { panelKey, type Identity, type Look, type MountPanel, type Panel, type Settings } from './handoff.ts';

/**
 * /widget.js: draws the launcher and fetches the rest when somebody reaches for it, or when this browser has a
 * conversation whose answer may be waiting. Pages talk to it through `Parley.push(['open'])`, also before it is there.
 */
type Command = [name: string, ...values: unknown[]];
type Commands = { open(): void; close(): void; identify(name?: unknown, email?: unknown): void };
type Global = typeof globalThis & {
  [panelKey]?: MountPanel;
  Parley?: Command[] | (Commands & { push(...commands: Command[]): void });
};

function start(script: HTMLScriptElement, inbox: string): void {
  const page = globalThis as Global;
  const queue = page.Parley;
  const read = (name: string): string | null => script.getAttribute(`data-${name}`);
  const base = new URL('.', script.src).href;
  const settings: Settings = {
    base,
    inbox,
    accent: read('accent'),
    position: read('position'),
    language: read('language'),
    theme: read('theme'),
  };
  /** What the panel has remembered; nothing where storage is forbidden. */
  const stored = (name: string): string | null => {
    try {
      return localStorage.getItem(`parley:${inbox}:${name}`);
    } catch {
      return null;
    }
  };

  const host = document.createElement('div');
  host.style.all = 'initial';
  const root = host.attachShadow({ mode: read('shadow') === 'open' ? 'open' : 'closed' });
  const button = document.createElement('button');
  button.className = 'launcher';
  button.ariaLabel = 'Chat';
  button.ariaExpanded = 'false';
  button.append(icon(chatIcon));
  root.append(button);

  const paint = (look: Look): void =>
    paintLauncher(button, pickAccent(settings.accent, look.accent), settings.position ?? look.position);
  const known = stored('look')?.split(' ') ?? [];
  paint({ accent: known[0], position: known[1] });

  let loading: Promise<Panel> | null = null;
  let identity: Identity = {};
  /** Fetches the panel once; after a failure the next wish tries again. */
  function use(work: (panel: Panel) => void): void {
    loading ??= new Promise((resolve, reject) => {
      const panel = document.createElement('script');
      panel.src = `${base}widget/panel.js`;
      panel.nonce = script.nonce;
      // A page in another encoding must not garble our words.
      panel.charset = 'utf-8';
      panel.onload = () => {
        const mount = page[panelKey];
        if (!mount) return reject();
        button.onclick = null;
        resolve(mount({ root, button, settings, paint }, identity));
      };
      panel.onerror = reject;
      document.head.append(panel);
    });
    loading.then(work, () => {
      loading = null;
      console.warn('Parley: the chat panel could not be loaded.');
    });
  }
  const warm = (): void => use(() => undefined);
  button.onclick = () => use((panel) => panel.toggle());
  button.onpointerenter = button.onfocus = () => {
    button.onpointerenter = button.onfocus = null;
    warm();
  };

  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const commands: Commands = {
    open: () => use((panel) => panel.open()),
    close: () => loading && use((panel) => panel.close()),
    identify(name, email) {
      identity = { name: text(name), email: text(email) };
      if (loading) use((panel) => panel.identify(identity));
    },
  };
  const push = (...wanted: Command[]): void => {
    for (const [name, ...values] of wanted) {
      if (Object.hasOwn(commands, name)) commands[name as keyof Commands](...values);
    }
  };
  page.Parley = { ...commands, push };

  async function fetchLook(): Promise<void> {
    const response = await fetch(`${base}api/v1/widget/${inbox}`, { credentials: 'omit' });
    // An inbox that is gone or not meant for this site gets no button that leads nowhere.
    if (response.status === 404 || response.status === 403) host.remove();
    else paint(((await response.json()) as { data?: Look }).data ?? {});
  }
  const show = (): void => {
    document.body.append(host);
    if (Array.isArray(queue)) push(...queue);
    setTimeout(() => {
      if (stored('conversation') ?? stored('outbox')) warm();
      // Without an answer the button keeps its plain look.
      else if (!known[0]) fetchLook().catch(() => undefined);
    }, 200);
  };
  if (document.body) show();
  else addEventListener('DOMContentLoaded', show);
}

const script = document.currentScript ?? document.querySelector('script[data-inbox]');
const inbox = script?.getAttribute('data-inbox');
// A page that carries the snippet twice gets one button.
if (script instanceof HTMLScriptElement && inbox && !('open' in ((globalThis as Global).Parley ?? [])))
  start(script, inbox);
