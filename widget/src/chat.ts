import { forget } from './forget.ts';
import { createMemory } from './memory.ts';
import { mount } from './mount-in-language.ts';

/** /widget/chat.js: the same panel as a page of its own, in `<div id="parley-chat" data-inbox="TOKEN">`. */
const place = document.getElementById('parley-chat');
const script = document.currentScript;
const inbox = place?.dataset.inbox;
if (place && inbox && script instanceof HTMLScriptElement) {
  // …/widget/chat.js lies one folder below the address of the API.
  const base = new URL('..', script.src).href;
  const root = place.attachShadow({ mode: 'open' });
  // The page around it says nothing of a language by itself.
  document.documentElement.lang = place.dataset.language ?? navigator.language;
  const memory = createMemory(inbox, () => localStorage);
  const panel = mount(
    {
      root,
      button: null,
      settings: { base, inbox, ...place.dataset },
      memory,
      forget() {
        forget(base, inbox, memory);
        panel.reset();
      },
    },
    {},
  );
  panel.open();
}
