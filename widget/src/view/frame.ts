import type { Speech, Word } from '../words.ts';
import { h, icon, iconButton } from './dom.ts';
import { clockIcon, closeIcon, moreIcon, personIcon } from './icons.ts';

type Item = { icon: string; text: Word; act(): void };

/** The panel's head: who one talks to, a menu, a way out. `items` is asked every time the menu opens. */
export function createHead(speech: Speech, items: () => Item[], close: (() => void) | null) {
  const { say } = speech;
  const title = h('h2', {});
  const subtitle = h('p', {});
  const menu = h('div', { class: 'menu', hidden: true });
  const opener = iconButton(moreIcon, say('menu'), toggle);
  const shut = close ? iconButton(closeIcon, say('close'), close) : null;

  opener.setAttribute('aria-expanded', 'false');

  function show(open: boolean): void {
    menu.hidden = !open;
    opener.setAttribute('aria-expanded', String(open));
  }

  function toggle(): void {
    if (!menu.hidden) return show(false);
    menu.replaceChildren(
      ...items().map((item) =>
        h(
          'button',
          {
            onclick: () => {
              show(false);
              opener.focus();
              item.act();
            },
          },
          icon(item.icon),
          say(item.text),
        ),
      ),
    );
    show(true);
    menu.querySelector('button')?.focus();
  }

  return {
    header: h('header', {}, h('div', { class: 'who' }, title, subtitle), opener, shut),
    menu,
    menuOpen: () => !menu.hidden,
    closeMenu(): void {
      show(false);
      opener.focus();
    },
    /** A click elsewhere. */
    leaveMenu(event: Event): void {
      const path = event.composedPath();
      if (!menu.hidden && !path.includes(menu) && !path.includes(opener)) show(false);
    },
    draw(name: string, line: string): void {
      if (title.textContent !== name) title.textContent = name;
      if (subtitle.textContent !== line) subtitle.textContent = line;
    },
  };
}

/** One line under the head: the way to a person, or the place in the queue. */
export function createBar(speech: Speech, ask: () => void) {
  const button = h('button', { onclick: ask }, icon(personIcon), speech.say('person'));
  const words = h('span', {});
  const queue = h('p', { role: 'status' }, icon(clockIcon), words);
  return {
    node: h('div', { class: 'bar' }, button, queue),
    draw(place: string | null, canAsk: boolean): void {
      button.hidden = !canAsk || place !== null;
      queue.hidden = place === null;
      if (words.textContent !== (place ?? '')) words.textContent = place ?? '';
    },
  };
}
