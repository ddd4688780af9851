import type { Bot, Conversation, Inbox, KnowledgeBase, Source } from '@parley/contract';
import { startTelegramDouble } from '../../server/src/test/doubles/telegram.ts';
import type { TelegramDouble } from '../../server/src/test/doubles/telegram.ts';
import type { Tab, TestBrowser } from './browser.ts';
import { OWNER, createCall, signIn, setUpOwner, type Call, type Parley } from './parley.ts';
import { see, until } from './see.ts';
import { startHostPage, widgetOn } from './widget.ts';

const BO = { email: 'bo@acme.test', password: 'another good password' };

const guides: Record<string, string> = {
  'returns.md': `# Returns

## Return window

You can return any unused item within 30 days of delivery. The label is in the parcel.

## Tents

A tent that was pitched outdoors counts as used, except when it has a fault.
`,
  'delivery.md': `# Delivery

## Times

Orders that arrive before 14:00 leave our warehouse in Tampere the same day. Within Finland a parcel takes one to two days, within the rest of the European Union three to five.

## Tracking

The tracking number comes by e-mail as soon as the parcel has left the warehouse.
`,
  'stoves.html': `<!doctype html><title>Stoves</title><h1>Stoves</h1><h2>Warranty</h2><p>Every stove carries a warranty of ten years against faults of material.</p><h2>Cleaning the burner</h2><p>Let the stove cool, unscrew the burner and wash it in warm water. Dry it before the next use.</p>`,
  'opening-hours.txt':
    'The shop in Tampere is open from Monday to Friday between 9 and 17, and on Saturdays until 15.\n',
};

export type Company = {
  parley: Parley;
  call: Call;
  ids: { base: string; source: string; failedSource: string; bot: string; web: string; telegram: string };
  conversations: { answered: string; waiting: string; mine: string };
  snippet: string;
  chatUrl: string;
  inviteUrl: string;
  /** a signed-in tab with a login of its own; `workspace` is created when it is named */
  signedIn(look?: Parameters<TestBrowser['tab']>[0], workspace?: string): Promise<Tab>;
  close(): Promise<void>;
};

/** A shop with knowledge, a bot, two inboxes, two people and a morning's conversations, all made through the front doors. */
export async function startCompany(
  start: (env: Record<string, string>) => Promise<Parley>,
  browser: TestBrowser,
): Promise<Company> {
  const telegram = await startTelegramDouble();
  try {
    return await furnish(start, browser, telegram);
  } catch (error) {
    await telegram.close();
    throw error;
  }
}

async function furnish(
  start: (env: Record<string, string>) => Promise<Parley>,
  browser: TestBrowser,
  telegram: TelegramDouble,
): Promise<Company> {
  const parley = await start({ CHANNEL_TELEGRAM_API_URL: telegram.url, PARLEY_DEMO: '0' });
  await setUpOwner(parley);
  const login = await signIn(parley.url, OWNER);
  const call = createCall(parley.url, login.accessToken);

  const base = await call<KnowledgeBase>('POST', '/knowledge-bases', {
    name: 'Help centre',
    description: 'What customers ask about orders, returns and stoves',
  });
  const add = (name: string, bytes: string | Uint8Array<ArrayBuffer>, type: string): Promise<Source> => {
    const form = new FormData();
    form.set('file', new File([bytes], name, { type }));
    return call<Source>('POST', `/knowledge-bases/${base.id}/documents`, form);
  };
  const sources = await Promise.all(Object.entries(guides).map(([name, text]) => add(name, text, 'text/plain')));
  sources.push(
    await call('POST', `/knowledge-bases/${base.id}/sources`, {
      type: 'faq',
      question: 'How long does a refund take?',
      answer: 'A refund takes five working days after the parcel has reached our warehouse in Tampere.',
    }),
    await call('POST', `/knowledge-bases/${base.id}/sources`, {
      type: 'faq',
      question: 'Do you ship to Norway?',
      answer: 'Yes. Parcels to Norway take six to eight days, and customs are included in the price.',
    }),
    await call('POST', `/knowledge-bases/${base.id}/sources`, {
      type: 'snippet',
      title: 'Gift cards',
      text: 'Gift cards are valid for three years from the day of purchase.',
    }),
  );
  const scan = await add(
    'price-list.txt',
    Uint8Array.from([37, 80, 68, 70, 45, 49, 46, 55, 10, 0, 1, 2]),
    'text/plain',
  ).catch(() => null);
  await until(async () => {
    const all = await Promise.all(sources.map((source) => call<Source>('GET', `/sources/${source.id}`)));
    return all.every((source) => source.status === 'ready');
  }, 'the guides are read');

  const bot = await call<Bot>('POST', '/bots', {
    name: 'Robin',
    knowledgeBaseIds: [base.id],
    missesBeforeHandoff: 0,
    greeting: 'Hello! I am Robin. Ask me about orders, returns and stoves.',
    suggestedQuestions: ['How long does a refund take?', 'Do you ship to Norway?', 'When is the shop open?'],
  });
  const web = await call<Inbox>('POST', '/inboxes', {
    name: 'Website',
    channel: 'web',
    botId: bot.id,
    settings: { title: 'Acme Outdoor' },
  });
  const chat = await call<Inbox>('POST', '/inboxes', {
    name: 'Telegram',
    channel: 'telegram',
    botId: bot.id,
    credentials: { botToken: telegram.token, secretToken: 'a-secret-of-ours' },
  });
  const { inviteUrl } = await call<{ inviteUrl: string }>('POST', '/members/invite', {
    email: BO.email,
    role: 'agent',
  });
  await createCall(parley.url)('POST', '/auth/accept-invite', {
    token: inviteUrl.split(/[=/]/).at(-1),
    name: 'Bo Berg',
    password: BO.password,
  });
  const open = await call<{ inviteUrl: string }>('POST', '/members/invite', { email: 'aada@acme.test', role: 'admin' });

  const snippet = `<script src="${parley.url}/widget.js" data-inbox="${web.token}" async></script>`;

  async function signedIn(look: Parameters<TestBrowser['tab']>[0] = {}, workspace?: string): Promise<Tab> {
    const login = await signIn(parley.url, OWNER);
    let { refreshToken } = login;
    if (workspace) {
      const own = createCall(parley.url, login.accessToken);
      const made = await own<{ id: string }>('POST', '/workspaces', { name: workspace });
      ({ refreshToken } = await own<{ refreshToken: string }>('POST', '/auth/switch', { workspaceId: made.id }));
    }
    return browser.tab({ ...look, storage: { origin: parley.url, values: { 'parley.refresh': refreshToken } } });
  }

  /** A visitor with a name writes, and stays until the answer is there. */
  async function visit(name: string, email: string, work: (chat: ReturnType<typeof widgetOn>) => Promise<void>) {
    const host = await startHostPage(
      () =>
        `<script>(window.Parley=window.Parley||[]).push(['identify',{name:'${name}',email:'${email}'}])</script>${snippet}`,
    );
    const tab = await browser.tab();
    try {
      await tab.page.goto(host.url);
      const chat = widgetOn(tab.page);
      await chat.open();
      await work(chat);
      await tab.context.close();
    } finally {
      host.close();
    }
  }
  const waits = (chat: ReturnType<typeof widgetOn>) => see(chat.queue, 30_000);

  await visit('Maria Virtanen', 'maria@example.com', async (chat) => {
    await chat.say('Do you ship to Norway?');
    await see(chat.said(/six to eight days/), 30_000);
    await chat.say('How long does a refund take?');
    await see(chat.said(/five working days/), 30_000);
  });
  await visit('Juho Korhonen', 'juho@example.com', async (chat) => {
    await chat.say('My stove hisses and the flame is yellow. Is that dangerous?');
    await see(chat.sources.or(chat.queue), 30_000);
    if (await chat.person.isVisible()) await chat.person.click();
    await waits(chat);
  });
  await visit('Aino Laine', 'aino@example.com', async (chat) => {
    await chat.say('I want to talk to a human');
    await waits(chat);
    await chat.say('It is about order 20413, two of the three poles are missing.');
  });
  await telegram.deliver({
    update_id: 9001,
    message: {
      message_id: 1,
      date: Math.floor(Date.now() / 1000),
      chat: { id: 4711, type: 'private', first_name: 'Matti', last_name: 'Nieminen' },
      from: { id: 4711, is_bot: false, first_name: 'Matti', last_name: 'Nieminen', language_code: 'fi' },
      text: 'When is the shop open on Saturdays?',
    },
  });

  const find = async (name: string): Promise<Conversation> => {
    let found: Conversation | undefined;
    await until(async () => {
      found = (await call<Conversation[]>('GET', '/conversations?limit=50')).find(
        ({ contact }) => contact.name === name,
      );
      return found !== undefined;
    }, `${name} is in the inbox`);
    if (!found) throw new Error(name);
    return found;
  };
  await find('Matti Nieminen');
  const [answered, waiting, mine] = [
    await find('Maria Virtanen'),
    await find('Juho Korhonen'),
    await find('Aino Laine'),
  ];
  await call('POST', `/conversations/${mine.id}/take-over`);
  await call('POST', `/conversations/${mine.id}/messages`, {
    text: 'Hello Aino, I am sorry about the poles. I have asked the warehouse and will send the missing two today.',
  });
  await call('POST', `/conversations/${mine.id}/messages`, {
    text: 'Third tent from the same batch. Tell the warehouse.',
    private: true,
  });

  return {
    parley,
    call,
    ids: {
      base: base.id,
      source: sources[0]?.id ?? '',
      failedSource: scan?.id ?? '',
      bot: bot.id,
      web: web.id,
      telegram: chat.id,
    },
    conversations: { answered: answered.id, waiting: waiting.id, mine: mine.id },
    snippet,
    chatUrl: `${parley.url}/chat/${web.token}`,
    inviteUrl: open.inviteUrl,
    signedIn,
    async close() {
      await parley.stop();
      await telegram.close();
    },
  };
}
