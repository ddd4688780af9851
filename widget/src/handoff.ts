/** What the loader gives to the panel it has fetched. The panel announces itself under `panelKey` on the window. */
export type Settings = {
  /** where the script came from, ending with a slash */
  base: string;
  inbox: string;
  accent: string | null;
  position: string | null;
  language: string | null;
  theme: string | null;
};
export type Identity = { name?: string; email?: string };
export type Look = { accent?: string; position?: string };
export type Launcher = {
  root: ShadowRoot;
  button: HTMLButtonElement;
  settings: Settings;
  /** draws the launcher in another look; what the page has set wins */
  paint(look: Look): void;
};
export type Panel = { open(): void; close(): void; toggle(): void; identify(identity: Identity): void };
export type MountPanel = (launcher: Launcher, identity: Identity) => Panel;
export const panelKey = '__parleyPanel';
