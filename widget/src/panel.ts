import { panelKey, type MountPanel } from './handoff.ts';
import { mount } from './mount-in-language.ts';

/** /widget/panel.js: what the loader fetches. It mounts nothing by itself. */
(globalThis as typeof globalThis & { [panelKey]?: MountPanel })[panelKey] = mount;
