import type { Attachment, WidgetConfig } from '@parley/contract';
import baseCss from './view/base.css';
import messagesCss from './view/messages.css';
import panelCss from './view/panel.css';
import { createApi } from './api.ts';
import { createAttention } from './attention.ts';
import type { Identity, Launcher, Panel, Settings } from './handoff.ts';
import { endedKey, type Memory } from './memory.ts';
import { createSession } from './session.ts';
import { fetchConfig, wantedBy, type Known } from './inbox-config.ts';
import { speak } from './words.ts';
import { createComposer } from './view/composer.ts';
import { addStyles, h, icon } from './view/dom.ts';
import { chatIcon, closeIcon, downIcon, endIcon, freshIcon, mutedIcon, personIcon, soundIcon } from './view/icons.ts';
import { createBar, createHead } from './view/frame.ts';
import { pickAccent } from './colour.ts';
import { createLog } from './view/log.ts';
import { createNotice } from './view/notice.ts';
import { createSheet } from './view/sheet.ts';
import { followTheme, hostFont } from './view/theme.ts';
import { fitScreen } from './view/viewport.ts';
import { createWelcome } from './view/welcome.ts';

/** A page of its own has no launcher and cannot be closed. */
export type Page = {
  root: ShadowRoot;
  settings: Settings;
  button: null;
  memory: Memory;
  forget(): void;
  paint?: undefined;
};

export function mountKnown(launcher: Launcher | Page, identity: Identity, known: Known | null): Panel {
  const { root, settings, button, memory, paint: paintLauncher } = launcher;
  const { base, inbox } = settings;
  const wanted = wantedBy(settings);
  let config: Partial<WidgetConfig> = known ?? {};
  const speech = speak(wanted, known?.words && { language: known.language, words: known.words });
  const { say } = speech;
  const api = createApi(base, inbox, () => memory.get('visitor'));
  const attention = createAttention(memory);
  let opened = false;
  const life = new AbortController();
  const { signal } = life;

  const session = createSession({
    base,
    inbox,
    memory,
    language: wanted[0] ?? 'en',
    changed: () => schedule(),
    arrived(messages) {
      const reply = messages.some((each) => each.author.type === 'bot' || each.author.type === 'agent');
      if (reply && !seen()) attention.call(`(${Math.max(session.unread(), 1)}) ${say('reply')}`);
      schedule();
    },
  });
  session.identify(identity);

  const list = h('div', {});
  const welcome = createWelcome((question) => send(question, []));
  const dots = h(
    'div',
    { class: 'dots', hidden: true, role: 'status' },
    h('i', {}),
    h('i', {}),
    h('i', {}),
    h('span', { class: 'hidden' }),
  );
  const scroller = h('div', { class: 'log', tabindex: 0 });
  const live = h(
    'div',
    { role: 'log', 'aria-live': 'off', 'aria-relevant': 'additions', 'aria-label': say('chat') },
    welcome.greeting,
    list,
  );
  scroller.append(live, welcome.questions, dots);
  const newest = h('button', { class: 'newest', hidden: true, onclick: () => toEnd() }, say('reply'));
  const notice = createNotice(speech, session.tryAgain, () => schedule());
  const composer = createComposer({
    speech,
    memory,
    send,
    typing: (writes) => (writes ? session.typing() : session.paused()),
    async upload(file) {
      if (!(await session.ready())) return { ok: false, status: 0, message: null };
      return api.upload(file);
    },
    complain: notice.complain,
  });
  const fresh = h('button', { class: 'main', onclick: startNew }, say('fresh'));
  const ending = h('p', {});
  const closed = h('div', { class: 'closed', hidden: true }, ending, fresh);
  const head = createHead(speech, menuItems, button ? close : null);
  const bar = createBar(speech, askForPerson);
  const sheet = createSheet(speech, api.passage);
  const below = h('div', { class: 'below' }, newest, notice.node, ...composer.parts, closed);
  const panel = h(
    'section',
    { class: 'panel', role: button ? 'dialog' : 'main', tabindex: -1, hidden: true },
    head.header,
    head.menu,
    bar.node,
    scroller,
    below,
    sheet.node,
  );
  const badge = h('span', { class: 'badge', hidden: true, 'aria-hidden': 'true' });
  const frame = h('div', { class: button ? 'w' : 'w hosted', dir: direction(), lang: speech.language }, panel, badge);
  const log = createLog(list, speech, {
    openSource: (citation) => void sheet.open(citation),
    openFile: (file) => void saveFile(file),
    retry: session.retry,
    discard: session.discard,
    choose: ({ id }) => (id === 'request_agent' ? askForPerson() : composer.focus()),
  });
  const theme = followTheme(
    frame,
    () => settings.theme ?? config.theme,
    () => pickAccent(settings.accent, config.accent),
  );

  function direction(): string {
    return speech.direction === 'rtl' || (!settings.language && document.documentElement.dir === 'rtl') ? 'rtl' : 'ltr';
  }

  const seen = (): boolean => opened && !document.hidden;
  const canAsk = (): boolean => {
    const { status } = session.situation();
    return config.handoffEnabled !== false && (status === null || status === 'bot' || status === 'snoozed');
  };

  function send(text: string, attachments: Attachment[]): void {
    session.send(text, attachments);
    requestAnimationFrame(() => toEnd());
  }

  function askForPerson(): void {
    session.askForPerson();
    composer.focus();
  }

  function startNew(): void {
    session.startNew();
    composer.focus();
  }

  function menuItems() {
    const { status } = session.situation();
    const items: ReturnType<Parameters<typeof createHead>[1]> = [];
    if (canAsk()) items.push({ icon: personIcon, text: 'person', act: askForPerson });
    const muted = attention.muted();
    items.push({
      icon: muted ? mutedIcon : soundIcon,
      text: muted ? 'unmute' : 'mute',
      act: () => attention.mute(!muted),
    });
    if (status === 'resolved') items.push({ icon: freshIcon, text: 'fresh', act: startNew });
    else if (session.hasConversation()) items.push({ icon: endIcon, text: 'end', act: () => void session.end() });
    if (memory.get('visitor') ?? session.entries()[0])
      items.push({ icon: closeIcon, text: 'forget', act: launcher.forget });
    return items;
  }

  async function saveFile(file: Attachment): Promise<void> {
    const bytes = await api.file(file.id);
    if (!bytes) {
      return notice.complain(say('fileGone', { name: file.name }));
    }
    const link = h('a', { href: URL.createObjectURL(bytes), download: file.name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  let drawing = 0;
  /** Many changes, one redraw. A timer, because a page out of view gets no frames but still counts what is unread. */
  function schedule(): void {
    if (drawing === 0 && !signal.aborted) drawing = window.setTimeout(draw, 16);
  }

  const nearEnd = (): boolean => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 90;
  function toEnd(): void {
    scroller.scrollTop = scroller.scrollHeight;
    newest.hidden = true;
  }

  function draw(): void {
    drawing = 0;
    const situation = session.situation();
    const entries = session.entries();
    notice.draw(situation.link);
    if (seen()) {
      session.markRead();
      attention.calm();
    }
    drawLauncher();
    if (!opened) return;
    const stick = nearEnd();
    const before = list.childElementCount;
    log.draw(entries, Date.now(), canAsk());
    const busy = situation.typing ?? (session.running() ? { who: 'bot' as const, name: null } : null);
    dots.hidden = busy === null;
    const typist = busy ? say('typing', { name: busy.name ?? say(busy.who) }) : '';
    const [label] = dots.getElementsByTagName('span');
    if (label && label.textContent !== typist) label.textContent = typist;
    const greeted = entries.some((each) => each.author === 'bot' && each.text === config.greeting);
    welcome.draw(config, greeted, entries.length > 0);

    const name = config.title || config.workspaceName || say('chat');
    const withAgent = situation.status === 'agent' && situation.agentName;
    head.draw(name, withAgent ? say('withYou', { name: situation.agentName ?? '' }) : '');
    panel.setAttribute('aria-label', name);
    bar.draw(
      situation.status === 'waiting' ? speech.queue(situation.position, situation.expectedWait) : null,
      canAsk(),
    );
    const resolved = situation.status === 'resolved';
    const reopens = Date.parse(situation.reopenUntil ?? '') > Date.now();
    closed.hidden = !resolved;
    ending.textContent = say('resolved');
    for (const part of composer.parts) part.hidden = resolved && !reopens;
    if (stick) toEnd();
    else if (list.childElementCount > before) newest.hidden = false;
  }

  function drawLauncher(): void {
    if (!button) return;
    const count = session.unread();
    badge.hidden = count === 0 || opened;
    badge.textContent = count > 9 ? '9+' : String(count);
    const label = opened ? say('close') : count > 0 ? `${say('open')}, ${say('unread', { n: count })}` : say('open');
    if (button.getAttribute('aria-label') !== label) button.setAttribute('aria-label', label);
  }

  function paint(): void {
    const position = settings.position ?? config.position;
    paintLauncher?.(config);
    frame.classList.toggle('left', position === 'left');
    theme.paint();
    schedule();
  }

  async function refreshConfig(): Promise<void> {
    const answer = await fetchConfig(launcher);
    if (!answer) return;
    config = answer;
    paint();
  }

  function open(): void {
    if (opened) return;
    opened = true;
    frame.style.setProperty('--font', hostFont());
    theme.paint();
    panel.hidden = false;
    button?.setAttribute('aria-expanded', 'true');
    button?.replaceChildren(icon(downIcon));
    draw();
    composer.refresh();
    toEnd();
    // On a phone the keyboard would cover what there is to read.
    if (matchMedia('(pointer: coarse)').matches) panel.focus();
    else composer.focus();
    // What is there already is not read out as news.
    setTimeout(() => live.setAttribute('aria-live', 'polite'), 1000);
  }

  function close(): void {
    if (!opened || !button) return;
    opened = false;
    // Focus goes back only when it was here: a page may close the panel while its reader is elsewhere.
    if (root.activeElement) button.focus();
    panel.hidden = true;
    session.paused();
    live.setAttribute('aria-live', 'off');
    button.setAttribute('aria-expanded', 'false');
    button.replaceChildren(icon(chatIcon));
    draw();
  }

  /** Takes away what an earlier visitor left to be seen; the session has let go of it. */
  function wipe(): void {
    composer.recall();
    sheet.hide();
    attention.calm();
    log.draw(session.entries(), Date.now(), false);
    schedule();
  }

  function reset(): void {
    session.leave();
    session.identify({});
    wipe();
    close();
  }

  function destroy(): void {
    life.abort();
    session.leave();
    attention.calm();
    frame.remove();
  }

  addStyles(root, baseCss + messagesCss + panelCss);
  root.append(frame);
  fitScreen(frame, panel, !button);
  for (const name of ['keydown', 'keyup', 'keypress']) {
    root.addEventListener(name, (event) => {
      // A host page's shortcuts must not fire while somebody writes here.
      event.stopPropagation();
      if (name !== 'keydown' || (event as KeyboardEvent).key !== 'Escape') return;
      if (head.menuOpen()) head.closeMenu();
      else if (sheet.isOpen()) sheet.close();
      else close();
    });
  }
  frame.addEventListener('pointerdown', head.leaveMenu);
  for (const node of [frame, button]) node?.addEventListener('click', attention.prepare);
  scroller.addEventListener('scroll', () => nearEnd() && (newest.hidden = true), { passive: true });
  button?.addEventListener('click', toggle);
  document.addEventListener('visibilitychange', schedule, { signal });
  for (const name of ['online', 'offline']) window.addEventListener(name, schedule, { signal });
  const again = (): void => {
    session.again();
    wipe();
  };
  window.addEventListener(
    'storage',
    ({ key }) => {
      // Forgotten in another tab, or the site has emptied its storage (null).
      if (key === endedKey(inbox) || key === null) {
        session.identify({});
        again();
      } else if (key === `parley:${inbox}:conversation`) session.follow();
      else if (key === `parley:${inbox}:read`) schedule();
    },
    { signal },
  );
  // Nothing is heard by a page that is put aside, and it may come back to somebody else.
  window.addEventListener('pagehide', () => session.paused(), { signal });
  window.addEventListener('pageshow', ({ persisted }) => persisted && again(), { signal });
  function toggle(): void {
    if (opened) close();
    else open();
  }
  paint();
  void refreshConfig();
  session.resume();
  return { open, close, toggle, identify: session.identify, reset, destroy };
}
