import type { Attachment, ConversationStatus, Message, SessionCreated, StatusChanged, Typing } from '@parley/contract';
import type { WaitRange } from '@parley/contract/waits';
import type { Identity } from './handoff.ts';
import type { Memory } from './memory.ts';
import { createConnection, passing } from './connection.ts';
import { createOutbox } from './outbox.ts';
import { createSender } from './sender.ts';
import { createMessageStore } from './store.ts';

/** What the panel shows beside the messages. */
export type Situation = {
  /** `idle`: no conversation yet, so no connection is needed */
  link: 'idle' | 'joining' | 'online' | 'lost' | 'refused';
  status: ConversationStatus | null;
  agentName: string | null;
  position: number | null;
  expectedWait: WaitRange | null;
  /** of a resolved one: until when a message reopens it, ISO 8601 */
  reopenUntil: string | null;
  typing: { who: 'bot' | 'agent'; name: string | null } | null;
};

export type Session = ReturnType<typeof createSession>;

/** Nobody stops typing properly when a laptop is closed. A bot may think longer than a person pauses. */
const typingLastsMs = { bot: 60_000, agent: 8_000 };
const nowhere = { status: null, agentName: null, position: null, expectedWait: null, reopenUntil: null, typing: null };

export function newClientId(): string {
  // randomUUID is missing on pages served over plain http.
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'seq' in value && 'author' in value && 'text' in value;
}

/**
 * The visitor's conversation: keeps it in step with the server through lost connections and reloads.
 * `changed` asks for a redraw; `arrived` is called once for every message that is new, not for what history brings.
 */
export function createSession(options: {
  base: string;
  inbox: string;
  memory: Memory;
  /** what the visitor reads */
  language: string;
  changed(): void;
  arrived(messages: Message[]): void;
}) {
  const { inbox, memory, changed, arrived } = options;
  const store = createMessageStore();
  const outbox = createOutbox(memory);
  let identity: Identity = {};
  let situation: Situation = { link: 'idle', ...nowhere };
  let conversationId = memory.get('conversation');
  let forgotten = false;
  let catching: Promise<boolean> | null = null;
  let typingEnds = 0;
  let lastWhisper = 0;
  let waitingForPerson = false;
  let waitingForStart = false;
  let joining: Promise<void> | null = null;
  let turnEnds = 0;
  /** grows with every visitor this page has had: what was begun for an earlier one is dropped */
  let visit = 0;

  function become(change: Partial<Situation>): void {
    situation = { ...situation, ...change };
    if (change.status !== undefined) {
      memory.set('resolved', change.status === 'resolved' ? '1' : null);
      if (change.status !== 'bot') store.endTurns();
      if (change.status !== 'waiting') situation.position = situation.expectedWait = null;
    }
    changed();
  }

  const ours = (payload: { conversationId: string }): boolean => payload.conversationId === conversationId;

  function take(message: Message): void {
    if (!ours(message)) return;
    const { fresh, gap } = store.receive(message);
    if (message.clientId) sender.seen(message.clientId);
    if (message.author.type === 'agent' || message.author.type === 'bot') showTyping(null);
    if (gap) void catchUp();
    changed();
    if (fresh) arrived([message]);
  }

  function showTyping(typing: Situation['typing']): void {
    clearTimeout(typingEnds);
    if (typing) typingEnds = window.setTimeout(() => become({ typing: null }), typingLastsMs[typing.who]);
    if (typing !== situation.typing) become({ typing });
  }

  const connection = createConnection(
    options.base,
    () => {
      const visitor = memory.get('visitor');
      return visitor ? { inbox, visitor } : { inbox };
    },
    {
      open: join,
      lost() {
        store.endTurns();
        become({ link: 'lost', typing: null });
      },
      refused,
      events: {
        'session:created': adopt,
        'session:assigned': (event) => ours(event) && become({ status: 'agent', agentName: event.agentName }),
        'session:closed': (event) => ours(event) && become({ status: 'resolved', typing: null }),
        'status:changed': (event) => ours(event) && become(statusOf(event)),
        'message:received': take,
        'message:updated': take,
        'message:chunk': (event) => {
          if (!ours(event)) return;
          store.chunk(event);
          clearTimeout(turnEnds);
          turnEnds = window.setTimeout(() => {
            store.endTurns();
            changed();
          }, typingLastsMs.bot);
          showTyping(null);
          changed();
        },
        typing: (event: Typing) => {
          if (!ours(event) || event.who === 'contact') return;
          if (event.who === 'bot') store.nameBot(event.name);
          showTyping(event.typing ? { who: event.who, name: event.name } : null);
        },
      },
    },
  );

  const sender = createSender({
    connection,
    outbox,
    conversation: () => conversationId,
    beginAgain() {
      forget();
      return startChat();
    },
    acknowledged: (data) => isMessage(data) && take(data),
    failed: mark,
  });

  const statusOf = (event: StatusChanged): Partial<Situation> => ({
    status: event.status,
    agentName: event.status === 'agent' ? (event.agentName ?? situation.agentName) : null,
    position: event.position ?? null,
    expectedWait: event.expectedWait ?? null,
    reopenUntil: event.reopenUntil ?? null,
  });

  function refused(code: string): void {
    // A token the server no longer knows (other keys, deleted data) must not lock the visitor out.
    if ((code === 'unauthorized' || code === 'not_found') && memory.get('visitor') && !forgotten) {
      forgotten = true;
      forget();
      memory.set('visitor', null);
      if (outbox.list().length > 0) connect();
      else become({ link: 'idle' });
      return;
    }
    become({ link: 'refused' });
  }

  /** Back to the state before the first word; what is unsent stays. */
  function forget(): void {
    store.clear();
    conversationId = null;
    memory.set('conversation', null);
    memory.set('read', null);
    showDrafts();
    become(nowhere);
  }

  function adopt(created: SessionCreated): void {
    memory.set('visitor', created.visitor);
    if (conversationId !== created.conversationId) {
      forget();
      conversationId = created.conversationId;
      memory.set('conversation', conversationId);
    }
    const { status, agentName, position, expectedWait } = created;
    become({ status, agentName, position, expectedWait });
    if (created.lastSeq > store.after()) void catchUp();
  }

  async function startChat(): Promise<boolean> {
    const mine = visit;
    const metadata = { page: location.origin + location.pathname, language: options.language };
    const answer = await connection.call('customer:start_chat', { metadata });
    if (mine !== visit) return false;
    if (answer.success) {
      adopt(answer.data as SessionCreated);
      introduce();
    } else if (!passing.has(answer.error.code)) refused(answer.error.code);
    return answer.success;
  }

  /** Who the page says its visitor is. What the server refuses is said to whoever builds the page. */
  function introduce(): void {
    const said = identity;
    if (!Object.keys(said)[0]) return;
    const warn = (why: unknown): void => {
      if (identity === said) identity = {};
      console.warn('Parley:', why);
    };
    connection
      .call('customer:identify', said)
      .then((answer) => answer.success || passing.has(answer.error.code) || warn(answer.error.message), warn);
  }

  /** Fetches what was missed; a second caller waits for the same answer. False: this conversation is not ours to read. */
  function catchUp(): Promise<boolean> {
    catching ??= fetchMissed().finally(() => (catching = null));
    return catching;
  }

  async function fetchMissed(): Promise<boolean> {
    const first = store.after() === 0;
    // The server may answer in pages, so ask until it has nothing more.
    for (let page = 0; page < 50 && conversationId; page += 1) {
      const upTo = store.highest();
      const after = store.after();
      const mine = visit;
      const answer = await connection.call('customer:resume', { conversationId, after });
      if (mine !== visit) return true;
      if (!answer.success) return answer.error.code !== 'not_found' && answer.error.code !== 'forbidden';
      const { messages, ...rest } = answer.data as { messages: unknown[] } & Partial<StatusChanged>;
      const missed = messages.filter(isMessage);
      for (const { clientId } of missed) if (clientId) sender.seen(clientId);
      const fresh = store.settle(missed, messages.length > 0 ? 0 : upTo);
      if (rest.status) become(statusOf({ ...rest, conversationId, status: rest.status }));
      changed();
      if (fresh.length > 0) arrived(first ? unread(fresh) : fresh);
      if (store.after() >= store.highest() && (messages.length === 0 || !first)) break;
    }
    return true;
  }

  const readUpTo = (): number => Number(memory.get('read') ?? 0);
  const unread = (messages: Message[]): Message[] => messages.filter((each) => each.seq > readUpTo());

  function join(): void {
    joining ??= enter().finally(() => (joining = null));
  }

  async function enter(): Promise<void> {
    const mine = visit;
    // Reading first: starting would open a new conversation in place of one that was closed while nobody looked.
    const readable = conversationId !== null && (await catchUp());
    if (mine !== visit) return;
    if (!readable && memory.get('resolved')) forget();
    // A closed conversation is only looked at again; the next one starts with the visitor's next word.
    const closed = conversationId !== null && memory.get('resolved') === '1';
    const wanted = conversationId !== null || waitingForPerson || waitingForStart || sender.waiting() !== undefined;
    if (closed) become({ status: 'resolved' });
    else if (wanted && !(await startChat())) {
      if (connection.online() && situation.link !== 'refused') setTimeout(() => connection.online() && join(), 3000);
      return;
    }
    waitingForStart = false;
    become({ link: 'online' });
    if (waitingForPerson) await requestAgent();
    void sender.flush();
  }

  function connect(): void {
    if (connection.online()) {
      if (!conversationId) join();
      else void sender.flush();
      return;
    }
    become({ link: situation.link === 'lost' ? 'lost' : 'joining' });
    connection.connect();
  }

  async function requestAgent(): Promise<void> {
    if (!conversationId) return;
    const answer = await connection.call('customer:request_agent', { conversationId });
    waitingForPerson = !answer.success && passing.has(answer.error.code);
    if (waitingForPerson && connection.online()) setTimeout(() => waitingForPerson && void requestAgent(), 4000);
  }

  function mark(clientId: string, error: string | null): void {
    outbox.mark(clientId, error);
    showDrafts();
  }

  function showDrafts(): void {
    for (const draft of outbox.list()) store.put(draft);
    changed();
  }

  /** The conversation of an earlier visit, if there is one. */
  function resume(): void {
    outbox.wake(Date.now());
    showDrafts();
    if ((memory.get('visitor') && conversationId) || sender.waiting()) connect();
  }

  function leave(): void {
    visit += 1;
    connection.close();
    store.clear();
    waitingForPerson = waitingForStart = false;
    joining = catching = null;
    conversationId = null;
    situation = { link: 'idle', ...nowhere };
  }

  return {
    entries: () => store.entries(),
    situation: (): Situation => situation,
    running: () => store.running(),
    hasConversation: () => conversationId !== null,
    resume,
    leave,
    /** Shows what is remembered now and nothing else: whoever was here may have left in another tab. */
    again(): void {
      leave();
      conversationId = memory.get('conversation');
      resume();
    },
    /** Another tab has begun a conversation, or left one behind. */
    follow(): void {
      if (memory.get('conversation') !== conversationId) this.again();
    },
    send(text: string, attachments: Attachment[]): void {
      outbox.add(newClientId(), text, attachments);
      showDrafts();
      this.paused();
      connect();
    },
    retry(clientId: string): void {
      mark(clientId, null);
      connect();
    },
    discard(clientId: string): void {
      outbox.remove(clientId);
      store.drop(clientId);
      changed();
    },
    askForPerson(): void {
      waitingForPerson = true;
      if (conversationId && connection.online()) void requestAgent();
      else connect();
    },
    /** Tells the desk that the visitor writes; at most every three seconds. */
    typing(): void {
      if (!conversationId || Date.now() - lastWhisper < 3000) return;
      lastWhisper = Date.now();
      connection.whisper('customer:typing', { conversationId, typing: true });
    },
    /** They no longer write: sent, emptied, or away. */
    paused(): void {
      if (!conversationId || lastWhisper === 0) return;
      lastWhisper = 0;
      connection.whisper('customer:typing', { conversationId, typing: false });
    },
    async end(): Promise<void> {
      if (!conversationId) return;
      const answer = await connection.call('customer:end_chat', { conversationId });
      if (answer.success) become({ status: 'resolved', typing: null });
    },
    /** Leaves the closed conversation behind. The new one exists once the visitor writes. */
    startNew(): void {
      forget();
    },
    /** A conversation to put a file into; false when there is none to be had now. */
    async ready(): Promise<boolean> {
      if (conversationId && memory.get('visitor')) return true;
      const mine = visit;
      waitingForStart = true;
      connect();
      for (let waited = 0; waited < 40 && !conversationId && mine === visit; waited += 1) {
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
      return conversationId !== null && mine === visit;
    },
    tryAgain: connect,
    identify(given: Identity): void {
      identity = given;
      if (situation.link === 'online' && conversationId && situation.status !== 'resolved') introduce();
    },
    unread: (): number =>
      unread(store.messages()).filter((each) => each.author.type === 'bot' || each.author.type === 'agent').length,
    markRead(): void {
      if (store.highest() > readUpTo()) memory.set('read', String(store.highest()));
    },
  };
}
