import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Conversation, Inbox, Message, Source } from '@parley/contract';
import { render } from '../../channels/telegram/render.ts';
import { prepareApart } from '../../knowledge/prepare-apart.ts';
import { countTokens } from '../../knowledge/tokens.ts';
import { startTestApp, until } from '../app.ts';
import type { TestApp } from '../app.ts';
import { startTelegramDouble } from '../doubles/telegram.ts';
import type { TelegramDouble } from '../doubles/telegram.ts';
import { fileForm } from './requests.ts';
import { populate, words } from './world.ts';
import type { Company } from './world.ts';

/** Pieces that cost a careless parser more than linear time when they are repeated. */
const HOSTILE = [
  '_a',
  '*a',
  '**a',
  '[',
  '![',
  '[a](',
  '<',
  '`',
  '``a',
  '> ',
  '- ',
  '|',
  '|a|b|\n',
  '&#x',
  '<!--',
  'a_',
  '!',
];
const repeated = (piece: string, length: number): string =>
  piece.repeat(Math.ceil(length / piece.length)).slice(0, length);

/** Attack 24: texts that are made to cost more than they weigh. */
describe('hostile content, and everybody else', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let acme: Company;

  /** Runs `work`; while it runs, somebody else is served, each time within ten seconds on the slowest machine. */
  async function whileServing<T>(work: () => Promise<T>): Promise<T> {
    let running = true;
    const done = work().finally(() => (running = false));
    const serve = async (): Promise<boolean> => {
      const { status } = await fetch(`${test.url}/health/live`, { signal: AbortSignal.timeout(10_000) });
      assert.equal(status, 200);
      return !running;
    };
    await until(serve, 'the work is done', 10 * 60_000);
    return done;
  }

  const settled = (id: string): Promise<Source> =>
    until(
      async () => {
        const { data } = await test.owner<Source>('GET', `/sources/${id}`);
        return (data.status === 'ready' || data.status === 'failed') && data;
      },
      'the source is read',
      60_000,
    );

  before(async () => {
    telegram = await startTelegramDouble();
    test = await startTestApp({ CHANNEL_TELEGRAM_API_URL: telegram.url });
    acme = await populate(test, { call: test.owner, accessToken: test.ownerToken, refreshToken: '' }, 'acmecanary');
  });
  after(async () => {
    acme?.visitor.close();
    await test?.close();
    await telegram?.close();
  });

  it('attack 24: counts the tokens of a word without an end in linear steps', async () => {
    for (const piece of ['a', 'ab', ' ', '\n', '日', '😀', '.', '_a', 'é']) {
      // 300,000 letters of one word took minutes; a test that hangs here is the failure.
      assert.ok(countTokens(repeated(piece, 300_000)) > 0);
    }
    assert.equal(countTokens('The quick brown fox jumps over the lazy dog.'), 10);
  });

  it('attack 24: gives a text up that takes too long, and says so', async () => {
    const text = repeated('_a', 200_000);
    await assert.rejects(prepareApart({ type: 'snippet', title: 'x', text }, { ms: 1 }), /takes too long/);
    const { chunks } = await prepareApart({
      type: 'snippet',
      title: 'x',
      text: `# Title\n\n${'A sentence. '.repeat(3_000)}`,
    });
    assert.ok(chunks.length > 5);
  });

  it('attack 24: serves everybody while hostile documents are read', async () => {
    const base = `/knowledge-bases/${acme.ids.knowledgeBase}`;
    const large = 10 * 1024 * 1024 - 2_000;
    const hostile: [name: string, piece: string, size: number, status: string][] = [
      ['large.md', '_a', large, 'failed'],
      ['large.html', '<', large, 'failed'],
      ['deep.html', '<div>', 100_000, 'failed'],
      ['deep.md', '> ', 100_000, 'failed'],
      ['slow.md', '_a', 30_000, 'ready'],
    ];
    const sources = await whileServing(() =>
      Promise.all(
        hostile.map(async ([name, piece, size]) => {
          const form = fileForm(name, repeated(piece, size));
          return settled((await test.owner<Source>('POST', `${base}/documents`, form)).data.id);
        }),
      ),
    );
    for (const [index, [name, , , status]] of hostile.entries()) {
      const source = sources[index];
      assert.equal(source?.status, status, `${name}: ${source?.error}`);
      if (status === 'failed') assert.match(source?.error ?? '', /larger than|too deeply/, name);
      await test.owner('DELETE', `/sources/${source?.id}`);
    }
  });

  it('attack 24: serves everybody while hostile questions and searches are answered', async () => {
    const search = `/knowledge-bases/${acme.ids.knowledgeBase}/search`;
    await whileServing(async () => {
      for (const piece of ['a', '日', "'", 'a ', 'or ', '-a ', '"', '(']) {
        assert.ok((await test.owner('POST', search, { query: `x${repeated(piece, 1_900)}` })).status < 500, piece);
        const question = `x${repeated(piece, 9_000)}`;
        assert.ok((await test.owner('POST', `/bots/${acme.ids.bot}/ask`, { question })).status < 500, piece);
      }
    });
  });

  it('attack 24: renders and sends a hundred thousand hostile characters to Telegram, in bounded work', async () => {
    const { status, data: inbox } = await test.owner<Inbox>('POST', '/inboxes', {
      name: 'Telegram',
      channel: 'telegram',
      credentials: { botToken: telegram.token, secretToken: 'a-secret-of-ours' },
    });
    assert.equal(status, 201);
    const body = {
      message_id: 1,
      date: 1_700_000_000,
      chat: { id: 7, type: 'private' },
      from: { id: 7, is_bot: false, first_name: 'J' },
      text: 'hi',
    };
    const posted = await fetch(`${test.url}/webhooks/telegram/${inbox.token}`, {
      method: 'POST',
      headers: { 'x-telegram-bot-api-secret-token': 'a-secret-of-ours' },
      body: JSON.stringify({ update_id: 1, message: body }),
    });
    assert.equal(posted.status, 200);
    const conversation = await until(async () => {
      const { data } = await test.owner<Conversation[]>('GET', `/conversations?inboxId=${inbox.id}`);
      return data[0];
    }, 'the conversation is there');
    for (const piece of HOSTILE) {
      const parts = render(words(repeated(piece, 100_000)));
      assert.ok(parts.length <= 60, `${piece}: ${parts.length} parts`);
    }
    const before = telegram.messages.length;
    const sent = await whileServing(() =>
      test.owner<Message>('POST', `/conversations/${conversation.id}/messages`, { text: repeated('**a', 100_000) }),
    );
    assert.equal(sent.status, 201);
    await whileServing(() =>
      until(async () => telegram.messages.length > before + 10, 'its parts are delivered', 30_000),
    );
  });
});
