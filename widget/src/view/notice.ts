import type { Situation } from '../session.ts';
import type { Speech } from '../words.ts';
import { h } from './dom.ts';

/** The quiet line above the composer: what went wrong with a file, else how the connection is. */
export function createNotice(speech: Speech, tryAgain: () => void, changed: () => void) {
  const { say } = speech;
  const node = h('p', { class: 'notice', role: 'status' });
  let complaint = '';
  let slow = false;
  let slowTimer = 0;

  /** A connection that is back within two seconds is not worth a word. */
  function watch(link: Situation['link']): void {
    if (link !== 'lost') {
      clearTimeout(slowTimer);
      slowTimer = 0;
      slow = false;
    } else if (slowTimer === 0) {
      slowTimer = window.setTimeout(() => {
        slow = true;
        changed();
      }, 2000);
    }
  }

  function wordsFor(link: Situation['link']): string {
    if (complaint) return complaint;
    if (!navigator.onLine && link !== 'idle') return say('offline');
    if (link === 'refused') return say('refused');
    return link === 'lost' && slow ? say('reconnecting') : '';
  }

  return {
    node,
    complain(text: string): void {
      complaint = text;
      changed();
    },
    draw(link: Situation['link']): void {
      watch(link);
      const words = wordsFor(link);
      if (node.dataset.shown === words) return;
      node.dataset.shown = words;
      node.classList.toggle('wrong', complaint !== '');
      node.replaceChildren(...(words ? [words] : []));
      if (words === say('refused')) node.append(h('button', { class: 'do', onclick: tryAgain }, say('again')));
    },
  };
}
