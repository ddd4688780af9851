import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { createMover, MoveError } from '../../placement/move.ts';
import { newId } from '../../platform/data/ids.ts';
import { schemaOf } from '../../placement/own-schema.ts';
import { startTestApp, until } from '../app.ts';
import type { TestApp } from '../app.ts';
import { startTelegramDouble } from '../doubles/telegram.ts';
import type { TelegramDouble } from '../doubles/telegram.ts';
import { SECRETS } from '../servers.ts';
import { assertGapless, makeBot, openTelegram, saidBy, textUpdate } from '../talk.ts';
import type { Chat } from '../talk.ts';

const CLI = fileURLToPath(new URL('../../cli.ts', import.meta.url));
const server = process.env.TEST_DATABASE_URL;
const CHATS = 4;
const WHOLE_MOVE_MS = 10 * 60_000;

/** Moves while customers write, and moves that go wrong: nothing is lost, nothing is doubled, one place is written. */
describe('moving a workspace', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let chat: Chat;
  let workspaceId: string;
  const mover = () => createMover({ database: test.app.database, announce: () => test.app.placements.reload() });
  const rows = (text: string): Promise<Record<string, unknown>[]> =>
    test.app.database.asOwner(async (client) => (await client.query(text)).rows);
  const said = new Map<number, string[]>();

  /** As Telegram does: what gets no 200 comes again. */
  async function say(number: number, text: string): Promise<void> {
    const update = textUpdate(chat.nextUpdate(), number, text);
    await until(
      async () => {
        const status = await chat.post(update);
        if (status !== 200) assert.equal(status, 503);
        return status === 200;
      },
      'it is taken',
      WHOLE_MOVE_MS,
    );
    said.set(number, [...(said.get(number) ?? []), text]);
  }

  async function talkDuring<T>(work: () => Promise<T>): Promise<T> {
    let over = false;
    const talks = Array.from({ length: CHATS }, async (_, index) => {
      let number = 0;
      await until(
        async () => {
          number += 1;
          await say(index + 1, `message ${number} during the ${(said.get(index + 1)?.length ?? 0) + 1}th`);
          return over && number >= 3;
        },
        'the move is over',
        WHOLE_MOVE_MS,
      );
    });
    try {
      return await work();
    } finally {
      over = true;
      await Promise.all(talks);
    }
  }

  async function assertAllThere(): Promise<void> {
    for (const [number, texts] of said) {
      await until(
        async () => saidBy(await chat.messages(number), 'contact').length >= texts.length,
        `all of chat ${number} is stored`,
      );
      const messages = await chat.messages(number);
      assertGapless(messages);
      assert.deepEqual(saidBy(messages, 'contact'), texts);
    }
  }

  before(async () => {
    telegram = await startTelegramDouble();
    test = await startTestApp({ CHANNEL_TELEGRAM_API_URL: telegram.url });
    const bot = await makeBot(test, { name: 'Robin', handoffEnabled: false });
    chat = await openTelegram(test, telegram, bot.id);
    for (let number = 1; number <= CHATS; number++) await say(number, 'hello');
    workspaceId = String(
      (await rows(`select workspace_id from inboxes where id = '${chat.inbox.id}'`))[0]?.['workspace_id'],
    );
  });
  after(async () => {
    await test?.close();
    await telegram?.close();
  });

  it('loses nothing and doubles nothing while customers write, there and back', async () => {
    await talkDuring(() => mover().move(workspaceId, 'schema'));
    await assertAllThere();
    await talkDuring(() => mover().move(workspaceId, 'shared'));
    await assertAllThere();
    const heard = telegram.messages.length;
    await until(
      async () => (await rows(`select from deliveries where state in ('pending', 'sending')`)).length === 0,
      'all is delivered',
    );
    assert.ok(telegram.messages.length >= heard);
    await mover().finish(workspaceId);
  });

  it('stops when the copy is not the same, and leaves the workspace where it was', async () => {
    await rows(`create function public.spoil() returns trigger language plpgsql as $$
        begin if tg_table_schema <> 'public' then new.text := new.text || '!'; end if; return new; end $$;
      create trigger spoil before insert on public.messages for each row execute function public.spoil()`);
    await assert.rejects(mover().move(workspaceId, 'schema'), (error) => {
      assert.ok(error instanceof MoveError);
      assert.match(error.message, /^messages is not the same on both sides/);
      return true;
    });
    await rows('drop trigger spoil on public.messages; drop function public.spoil()');
    assert.deepEqual(await rows('select * from placements'), []);
    assert.deepEqual(await rows(`select from pg_namespace where nspname = '${schemaOf(workspaceId)}'`), []);
    assert.deepEqual(await rows(`select from pg_policies where policyname like 'moved%'`), []);
    await say(1, 'still here');
    await assertAllThere();
  });

  it('copies on beside a change of what was copied: changed, removed, swapped uniques', async () => {
    const base = (await test.owner<{ id: string }>('POST', '/knowledge-bases', { name: 'Base' })).data;
    const bots = [
      await makeBot(test, { name: 'One', knowledgeBaseIds: [base.id] }),
      await makeBot(test, { name: 'Two' }),
    ];
    await mover().move(workspaceId, 'schema');
    await test.owner('PATCH', `/bots/${bots[0]?.id}`, { name: 'Uno', knowledgeBaseIds: [] });
    await test.owner('PATCH', `/bots/${bots[1]?.id}`, { knowledgeBaseIds: [base.id] });
    const [open] = (await test.owner<{ id: string }[]>('GET', '/conversations')).data;
    await test.owner('POST', `/conversations/${open?.id}/resolve`);
    await say(1, 'a new conversation, for the old one is resolved');
    await say(2, 'more');
    await mover().move(workspaceId, 'shared');
    assert.deepEqual(
      (await test.owner<{ id: string; name: string }[]>('GET', '/bots')).data
        .filter(({ id }) => id === bots[0]?.id)
        .map(({ name }) => name),
      ['Uno'],
    );
    assert.equal((await rows(`select from bot_knowledge_bases where bot_id = '${bots[0]?.id}'`)).length, 0);
    assert.equal((await rows(`select from bot_knowledge_bases where bot_id = '${bots[1]?.id}'`)).length, 1);
    await mover().finish(workspaceId);
    said.clear();
  });

  it('is done by one at a time, and no watcher frees what a living mover froze', async () => {
    const refused: Promise<void>[] = [];
    const first = createMover({
      database: test.app.database,
      announce: () => test.app.placements.reload(),
      say: (line) => {
        if (line.startsWith('frozen')) refused.push(assert.rejects(mover().move(workspaceId, 'schema'), /being moved/));
      },
    });
    await first.move(workspaceId, 'schema');
    await Promise.all(refused);
    assert.equal(refused.length, 1);
    await mover().move(workspaceId, 'shared');
    await mover().finish(workspaceId);
  });

  it('comes home although somebody looks for facts there to hand on: they wait until it lives there', async () => {
    await mover().move(workspaceId, 'schema');
    let over = false;
    let busy: Promise<void> | undefined;
    const relayAtHome = async (): Promise<void> => {
      while (!over)
        await rows(`begin; set local role parley_system; update public.outbox set relayed_at = clock_timestamp()
          where workspace_id = '${workspaceId}'; commit`);
    };
    const home = createMover({
      database: test.app.database,
      announce: () => test.app.placements.reload(),
      say: (line) => {
        if (line.startsWith('frozen')) busy = relayAtHome();
      },
    });
    await home.move(workspaceId, 'shared').finally(() => (over = true));
    await busy;
    assert.ok(busy, 'it was looked for');
    await mover().finish(workspaceId);
    const open = await rows(
      `select policyname from pg_policies where tablename = 'outbox' and policyname = 'moved_system'`,
    );
    assert.deepEqual(open, [], 'and is handed on again');
  });

  if (server) {
    const url = () => {
      const address = new URL(server);
      address.pathname = `/${test.app.database.pool.options.connectionString?.split('/').at(-1) ?? ''}`;
      return address.href;
    };
    const cli = (...args: string[]) => {
      const child = spawn(process.execPath, [CLI, 'workspace', ...args], {
        env: {
          PATH: process.env.PATH ?? '',
          DATABASE_URL: url(),
          DATA_DIR: test.dataDir,
          ...SECRETS,
        },
      });
      let output = '';
      child.stdout.on('data', (piece: Buffer) => (output += piece.toString()));
      child.stderr.on('data', (piece: Buffer) => (output += piece.toString()));
      const exited = once(child, 'exit');
      return {
        input: (line: string) => child.stdin.end(line),
        output: () => output,
        said: (word: string) => until(async () => output.includes(word), `the command says ${word}: ${output}`),
        kill: async () => {
          child.kill('SIGKILL');
          await exited;
        },
        end: async () => {
          const [code] = await exited;
          return code as number | null;
        },
      };
    };

    it('goes on after its command was killed while it was frozen, and customers wait for nobody meanwhile', async () => {
      // Somebody reads for long: the fence cannot be made, and the command dies before it is.
      const reader = await test.app.database.pool.connect();
      await reader.query('begin; select count(*) from messages');
      const first = cli('move', workspaceId, '--to', 'schema');
      await first.said('frozen');
      await first.kill();
      const other = cli('move', workspaceId, '--to', 'shared');
      assert.equal(await other.end(), 1);
      assert.match(other.output(), /move to schema was interrupted|lives there already/);
      await reader.query('commit');
      reader.release();
      await say(3, 'after the command was killed');
      await until(
        async () => (await rows('select step from placements'))[0]?.['step'] === 'copying',
        'the workspace is free again',
      );
      const again = cli('move', workspaceId, '--to', 'schema');
      assert.equal(await again.end(), 0, again.output());
      assert.match(again.output(), /messages: \d+ rows/);
      await say(3, 'in the new place');
      const listed = cli('placements');
      assert.equal(await listed.end(), 0);
      assert.match(
        listed.output(),
        new RegExp(`${workspaceId}  schema ${schemaOf(workspaceId)}, rows of before are kept in shared`),
      );
      await until(async () => saidBy(await chat.messages(3), 'contact').at(-1) === 'in the new place', 'it is stored');
      const back = cli('move', workspaceId, '--back');
      assert.equal(await back.end(), 0, back.output());
      assert.equal(saidBy(await chat.messages(3), 'contact').at(-1), 'in the new place');
      assert.equal(await cli('move', workspaceId, '--finish').end(), 0);
      assert.deepEqual(await rows('select * from placements'), []);
    });

    it('reads an address from its input, and says in one line that it cannot be used, without its password', async () => {
      const wrong = cli('move', workspaceId, '--to', 'database', '--url', '-');
      wrong.input('postgres://nobody:a-secret@127.0.0.1:1/nowhere\n');
      assert.equal(await wrong.end(), 1);
      assert.match(wrong.output(), /^its database cannot be used: .*\n$/);
      assert.doesNotMatch(wrong.output(), /a-secret/);
      assert.deepEqual(await rows('select * from placements'), []);
    });

    it('puts a workspace on a plan, whose limit its keys have at once', async () => {
      const key = await test.owner<{ key: string }>('POST', '/api-keys', { name: 'A program', scopes: ['bots:read'] });
      const limit = async () => (await test.as(key.data.key)('GET', '/bots')).headers.get('ratelimit-limit');
      assert.equal(await limit(), '100');
      const nobody = cli('plan', newId(), 'paid');
      assert.equal(await nobody.end(), 1);
      assert.equal(nobody.output(), 'The workspace was not found.\n');
      const wrong = cli('plan', workspaceId, 'Very Paid');
      assert.equal(await wrong.end(), 2);
      const paid = cli('plan', workspaceId, 'paid');
      assert.equal(await paid.end(), 0, paid.output());
      await until(async () => (await limit()) === '1000', 'the keys have the limit of the plan');
      assert.equal(await cli('plan', workspaceId, 'free').end(), 0);
    });

    it('says what it takes', async () => {
      const wrong = cli('move', workspaceId);
      assert.equal(await wrong.end(), 2);
      assert.match(wrong.output(), /one of --to, --back, --undo, --finish/);
    });
  }
});
