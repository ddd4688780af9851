import type { Attachment } from '@parley/contract';
import { MAX_ATTACHMENT_BYTES } from '@parley/contract/limits';
import type { Answer } from '../api.ts';
import type { Memory } from '../memory.ts';
import type { Speech } from '../words.ts';
import { h, icon, iconButton } from './dom.ts';
import { clipIcon, closeIcon, fileIcon, sendIcon } from './icons.ts';

/** Where the visitor writes. What is written outlives a reload. */
export function createComposer(options: {
  speech: Speech;
  memory: Memory;
  send(text: string, attachments: Attachment[]): void;
  typing(writes: boolean): void;
  upload(file: File): Promise<Answer<Attachment>>;
  /** says what went wrong with a file, or nothing any more */
  complain(text: string): void;
}) {
  const { speech, memory, complain } = options;
  const { say } = speech;
  let files: Attachment[] = [];
  let uploading = 0;
  /** grows when somebody else begins here: a file that arrives later is not theirs */
  let round = 0;

  const input = h('textarea', {
    rows: 1,
    dir: 'auto',
    maxlength: 100_000,
    placeholder: say('write'),
    'aria-label': say('write'),
    enterkeyhint: 'send',
    oninput: () => {
      refresh();
      memory.set('text', input.value || null);
      options.typing(input.value !== '');
    },
    onkeydown: (event) => {
      const key = event as KeyboardEvent;
      // While an input method composes, Enter chooses a word (229: Safari).
      if (key.key !== 'Enter' || key.shiftKey || key.isComposing || key.keyCode === 229) return;
      key.preventDefault();
      submit();
    },
    onpaste: (event) => {
      const pasted = [...((event as ClipboardEvent).clipboardData?.files ?? [])];
      if (pasted.length > 0) {
        event.preventDefault();
        add(pasted);
      }
    },
  });
  const picker = h('input', {
    type: 'file',
    multiple: true,
    hidden: true,
    tabindex: -1,
    'aria-label': say('attach'),
    onchange: () => {
      add([...(picker.files ?? [])]);
      picker.value = '';
    },
  });
  const attach = iconButton(clipIcon, say('attach'), () => picker.click());
  const send = iconButton(sendIcon, say('send'), () => submit());
  send.classList.add('send');
  const chips = h('div', { class: 'files', 'aria-live': 'polite' });
  const form = h('div', { class: 'form' }, attach, picker, input, send);

  function refresh(): void {
    send.disabled = uploading > 0 || (input.value.trim() === '' && files.length === 0);
    input.style.height = '';
    if (input.value !== '' && input.scrollHeight > input.clientHeight)
      input.style.height = `${Math.min(input.scrollHeight, 132)}px`;
  }

  function submit(): void {
    if (send.disabled) return;
    // A message needs words, so files alone go under their names.
    options.send(input.value.trim() || files.map((file) => file.name).join(', '), files);
    empty();
    memory.set('text', null);
    input.focus();
  }

  function empty(): void {
    round += 1;
    uploading = 0;
    files = [];
    chips.replaceChildren();
    input.value = '';
    complain('');
    refresh();
  }

  function add(chosen: File[]): void {
    complain('');
    for (const file of chosen) void upload(file);
  }

  async function upload(file: File): Promise<void> {
    // Asking first spares a long wait for a no.
    if (file.size > MAX_ATTACHMENT_BYTES) return complain(say('large', { name: file.name }));
    const chip = h('span', { class: 'chip' }, icon(fileIcon), h('span', {}, `${file.name} …`));
    chips.append(chip);
    uploading += 1;
    refresh();
    const mine = round;
    const answer = await options.upload(file);
    if (mine !== round) return;
    uploading -= 1;
    if (answer.ok) {
      const stored = answer.data;
      files = [...files, stored];
      const drop = h(
        'button',
        {
          'aria-label': `${say('discard')}: ${stored.name}`,
          onclick: () => {
            files = files.filter((each) => each !== stored);
            chip.remove();
            refresh();
            input.focus();
          },
        },
        icon(closeIcon),
      );
      chip.replaceChildren(icon(fileIcon), h('span', {}, stored.name), drop);
    } else {
      chip.remove();
      const reason = answer.status === 413 ? say('large', { name: file.name }) : say('fileFailed', { name: file.name });
      complain([reason, answer.status === 413 ? null : answer.message].filter(Boolean).join(' '));
    }
    refresh();
  }

  /** What is unsent of whoever writes in this browser now. */
  function recall(): void {
    empty();
    input.value = memory.get('text') ?? '';
    refresh();
  }

  input.value = memory.get('text') ?? '';
  return { parts: [chips, form], refresh, recall, focus: () => input.focus() };
}
