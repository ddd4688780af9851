import { mount } from './mount.ts';

/** /widget/chat.js: the same panel as a page of its own, in `<div id="parley-chat" data-inbox="TOKEN">`. */
const place = document.getElementById('parley-chat');
const script = document.currentScript;
const inbox = place?.dataset.inbox;
if (place && inbox && script instanceof HTMLScriptElement) {
  const { accent = null, language = null, theme = null } = place.dataset;
  // …/widget/chat.js lies one folder below the address of the API.
  const base = new URL('..', script.src).href;
  const root = place.attachShadow({ mode: 'open' });
  mount({ root, button: null, settings: { base, inbox, accent, position: null, language, theme } }, {}).open();
}
