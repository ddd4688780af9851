import type { Attachment, Choice, Citation } from '@parley/contract';
import type { Entry } from '../store.ts';
import type { Speech } from '../words.ts';
import { renderMarkdown } from '../markdown.ts';
import { h, icon } from './dom.ts';
import { fileIcon, machineIcon } from './icons.ts';

/** One message on screen. The parts are redrawn on their own, so an answer growing sources does not flicker. */
type Row = {
  node: HTMLElement;
  head: HTMLElement;
  bubble: HTMLElement;
  foot: HTMLElement;
  drawn: Record<string, string>;
};

const groupMs = 5 * 60_000;

export type LogActions = {
  openSource(citation: Citation): void;
  openFile(attachment: Attachment): void;
  retry(clientId: string): void;
  discard(clientId: string): void;
  choose(choice: Choice): void;
};

/** The title, with the heading under which it stands there when several passages of one source are cited. */
function nameOf({ title, headingPath }: Citation, all: Citation[]): string {
  const heading = headingPath.split(' › ').pop();
  return heading && heading !== title && all.some((each) => each.title === title && each.headingPath !== headingPath)
    ? `${title} › ${heading}`
    : title;
}

/** Draws entries into `list`, keeping the node of every key it has drawn before. */
export function createLog(list: HTMLElement, speech: Speech, actions: LogActions) {
  const { say } = speech;
  const rows = new Map<string, Row>();

  function headOf(entry: Entry): (Node | string)[] {
    const time = h('time', { datetime: new Date(entry.at).toISOString() }, speech.time(entry.at));
    if (entry.author === 'contact') return [h('span', { class: 'hidden' }, say('you')), time];
    const name = entry.name ?? say(entry.author === 'bot' ? 'bot' : 'agent');
    return [...(entry.author === 'bot' ? [icon(machineIcon)] : []), h('b', {}, name), time];
  }

  const cite = (entry: Entry) => (number: number) => {
    // The sources come with the stored message; until then the number already looks as it will.
    if (entry.state === 'partial') return h('span', { class: 'cite' }, `${number}`);
    const citation = entry.citations.find((each) => each.number === number);
    if (!citation) return null;
    const label = say('source', { n: number, title: citation.title });
    return h(
      'button',
      { class: 'cite', 'aria-label': label, onclick: () => actions.openSource(citation) },
      `${number}`,
    );
  };

  /** A message that only carries files repeats their names as its text. */
  const onlyFiles = (entry: Entry): boolean =>
    entry.attachments.length > 0 && entry.text === entry.attachments.map((each) => each.name).join(', ');

  function bodyOf(entry: Entry): Node | string {
    if (entry.deleted) return say('removed');
    const { author, text } = entry;
    return author === 'contact' ? text : renderMarkdown(text, document, author === 'bot' && cite(entry));
  }

  function footOf(entry: Entry, open: boolean): Node[] {
    if (entry.deleted) return [];
    const choices = open
      ? entry.choices.map((choice) =>
          h('button', { class: 'choice', dir: 'auto', onclick: () => actions.choose(choice) }, choice.text),
        )
      : [];
    const { clientId } = entry;
    const files = entry.attachments.map((file) =>
      h(
        'button',
        { class: 'chip', onclick: () => actions.openFile(file) },
        icon(fileIcon),
        h('span', { dir: 'auto' }, file.name),
      ),
    );
    const sources = entry.citations.map((citation) => {
      const title = nameOf(citation, entry.citations);
      const label = say('source', { n: citation.number, title });
      return h(
        'button',
        { class: 'chip', 'aria-label': label, title, onclick: () => actions.openSource(citation) },
        h('b', {}, `${citation.number}`),
        ' ',
        h('span', { dir: 'auto' }, title),
      );
    });
    const failure =
      entry.state === 'failed'
        ? [
            h('span', { class: 'wrong' }, [say('unsent'), entry.error].filter(Boolean).join(': ')),
            ...(clientId
              ? [
                  h('button', { class: 'do', onclick: () => actions.retry(clientId) }, say('again')),
                  h('button', { class: 'do', onclick: () => actions.discard(clientId) }, say('discard')),
                ]
              : []),
          ]
        : [];
    const note = entry.edited ? [h('span', {}, say('edited'))] : [];
    return [...choices, ...files, ...sources, ...failure, ...note];
  }

  function rowFor(entry: Entry): Row {
    const known = rows.get(entry.key);
    if (known) return known;
    const head = h('div', { class: 'head' });
    const bubble = h('div', { class: 'bubble', dir: 'auto' });
    // Chips are found by those who look for them; they are not read out on arrival.
    const foot = h('div', { class: 'foot', 'aria-live': 'off' });
    const row = { node: h('div', {}, head, bubble, foot), head, bubble, foot, drawn: {} };
    rows.set(entry.key, row);
    return row;
  }

  /** Redraws a part when what it shows has changed. */
  function part(row: Row, name: string, shows: unknown, draw: () => void): void {
    const now = JSON.stringify(shows);
    if (row.drawn[name] === now) return;
    row.drawn[name] = now;
    draw();
  }

  /** `open`: nothing came after it, so that what it offers can still be chosen */
  function draw(entry: Entry, headed: boolean, open: boolean): HTMLElement {
    const row = rowFor(entry);
    const mine = entry.author === 'contact';
    part(row, 'class', [entry.author, entry.state, entry.deleted], () => {
      row.node.className = ['row', mine ? 'mine' : entry.author, entry.state, entry.deleted ? 'gone' : ''].join(' ');
    });
    part(row, 'head', [headed, entry.name, headed ? entry.at : 0], () => {
      row.head.hidden = !headed;
      row.head.replaceChildren(...headOf(entry));
    });
    const cited = /\[\d/.test(entry.text) && [entry.state === 'partial', entry.citations];
    part(row, 'body', [entry.text, entry.deleted, cited], () => {
      row.bubble.replaceChildren(bodyOf(entry));
      row.bubble.hidden = onlyFiles(entry) && !entry.deleted;
    });
    const failed = entry.state === 'failed';
    const offered = open && entry.choices;
    const { attachments, citations, error, edited, deleted } = entry;
    part(row, 'foot', [attachments, citations, offered, failed, error, edited, deleted], () => {
      row.foot.replaceChildren(...footOf(entry, open));
    });
    return row.node;
  }

  function lineFor(key: string, kind: string, text: string): HTMLElement {
    const node = list.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
    return node ?? h('p', { class: kind, 'data-key': key }, text);
  }

  return {
    draw(entries: Entry[], now: number, canChoose: boolean): void {
      const wanted: HTMLElement[] = [];
      let before: Entry | undefined;
      for (const [index, entry] of entries.entries()) {
        const day = speech.day(entry.at, now);
        const newDay = before ? speech.day(before.at, now) !== day : day !== speech.day(now, now);
        if (newDay) wanted.push(lineFor(`d:${day}`, 'day', day));
        if (entry.author === 'system') {
          // The bot says so itself: one line of it is enough.
          const isSaid = entry.event === 'handoff.requested' && entries[index + 1]?.author === 'bot';
          if (entry.text && !isSaid) wanted.push(lineFor(entry.key, 'event', entry.text));
        } else {
          const goesOn =
            before?.author === entry.author && before.name === entry.name && !newDay && entry.at - before.at < groupMs;
          wanted.push(draw(entry, !goesOn, canChoose && index === entries.length - 1));
        }
        before = entry;
      }
      const keep = new Set(wanted);
      for (const [key, row] of rows) if (!keep.has(row.node)) rows.delete(key);
      for (const node of [...list.children]) if (!keep.has(node as HTMLElement)) node.remove();
      // Only what stands in the wrong place is moved: a moved node would be read out again.
      wanted.forEach((node, index) => {
        if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
      });
    },
  };
}
