import type { Memory } from './memory.ts';

/** What the page has set on the script's tag (`data-…`). */
export type Settings = {
  /** where the script came from, ending with a slash */
  base: string;
  inbox: string;
  accent?: string;
  position?: string;
  language?: string;
  theme?: string;
};
/** As the page gives it: a number where an id is one. */
type Given = string | number;
/** What the page says of its visitor; `hash` or `jwt` proves it. It opens nobody's conversation. */
export type Identity = {
  id?: Given;
  name?: Given;
  email?: Given;
  phone?: Given;
  attributes?: Record<string, Given | boolean | null>;
  /** hex HMAC-SHA256 of `id` under the inbox's identity secret */
  hash?: string;
  /** or a JWT signed with it */
  jwt?: string;
};
export type Look = { accent?: string; position?: string };
/** What the loader gives to the panel it has fetched. The panel announces itself under `panelKey` on the window. */
export type Launcher = {
  root: ShadowRoot;
  button: HTMLButtonElement;
  settings: Settings;
  memory: Memory;
  /** the visitor leaves this browser: see forget.ts; ends with `reset` of the panel */
  forget(): void;
  /** draws the launcher in another look; what the page has set wins */
  paint(look: Look): void;
};
export type Panel = {
  open(): void;
  close(): void;
  toggle(): void;
  identify(identity: Identity): void;
  /** shows nothing any more of the visitor who has left */
  reset(): void;
  destroy(): void;
};
export type MountPanel = (launcher: Launcher, identity: Identity) => Panel;
export const panelKey = '__parleyPanel';
