import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Channel, Inbound } from '../channels/contract.ts';
import { channels } from '../channels/registry.ts';
import { createCredentialRefresh } from '../features/inboxes/refresh.ts';
import { createInboxDirectory } from '../features/inboxes/directory.ts';
import type { InboxRuntime } from '../features/inboxes/directory.ts';
import type { Store } from '../platform/data/tenant.ts';
import { createLogger } from '../platform/telemetry/log.ts';
import { startTestApp, until } from '../test/app.ts';
import type { TestApp } from '../test/app.ts';
import { startTelegramDouble } from '../test/doubles/telegram.ts';
import type { TelegramDouble } from '../test/doubles/telegram.ts';
import { openTelegram } from '../test/talk.ts';
import type { Chat } from '../test/talk.ts';
import { createListeners } from './listeners.ts';
import { turnMetrics } from './metrics.ts';

const log = createLogger({ level: 'silent' });
const noHttp = {
  baseUrl: '',
  fetch: () => Promise.reject(new Error('unused')),
  readFile: () => Promise.reject(new Error('unused')),
};

/** A platform that is asked: what lies there, and who asks. */
function createMailbox() {
  const items: { events: Inbound[]; skipped: string[] }[] = [];
  const arrivals = new EventTarget();
  const asking: string[] = [];
  return {
    asking,
    putUnreadable(...skipped: string[]): void {
      items.push({ events: [], skipped });
      arrivals.dispatchEvent(new Event('mail'));
    },
    put(text: string): void {
      const id = `mail:${text}`;
      const event: Inbound = {
        kind: 'message',
        platformId: id,
        threadKey: 'listener-1',
        at: '2026-05-28T20:26:57Z',
        sender: { externalId: 'listener-1', name: 'Listened to' },
        messageId: id,
        type: 'text',
        text,
        media: [],
      };
      items.push({ events: [event], skipped: [] });
      arrivals.dispatchEvent(new Event('mail'));
    },
    channel: (process: string): Channel => ({
      ...channels.telegram,
      intake: {
        kind: 'listener',
        async listen({ cursor, receive }, signal) {
          asking.push(process);
          for (let next = Number(cursor ?? 0); !signal.aborted;) {
            const item = items[next];
            if (item) await receive(item, (next += 1));
            else await once(arrivals, 'mail', { signal }).catch(() => undefined);
          }
        },
      },
    }),
  };
}

describe('listeners', () => {
  let test: TestApp;
  let telegram: TelegramDouble;
  let chat: Chat;

  before(async () => {
    telegram = await startTelegramDouble();
    test = await startTestApp({ CHANNEL_TELEGRAM_API_URL: telegram.url });
    chat = await openTelegram(test, telegram, null);
  });
  after(async () => {
    await test?.close();
    await telegram?.close();
  });

  const process = (channel: Channel, isAlive = () => true) => {
    const { store, inboxes, receive, metrics } = test.app.kit;
    const mortal: typeof store = {
      ...store,
      once: (...statement: Parameters<typeof store.once>) =>
        isAlive() ? store.once(...statement) : Promise.reject(new Error('dead')),
    };
    const clientOf = async (inbox: InboxRuntime) => ({ channel, http: noHttp, credentials: inbox.credentials });
    return createListeners({ store: mortal, log, metrics, inboxes, receive, clientOf, listening: [channel] });
  };
  const said = async (): Promise<string[]> => {
    const { data } = await test.owner<{ id: string }[]>('GET', `/conversations?inboxId=${chat.inbox.id}`);
    const [found] = data;
    if (!found) return [];
    const { data: messages } = await test.owner<{ text: string; author: { type: string } }[]>(
      'GET',
      `/conversations/${found.id}/messages`,
    );
    return messages
      .filter(({ author }) => author.type === 'contact')
      .map(({ text }) => text)
      .sort();
  };

  it('one process listens; when it dies another goes on where it stopped', async () => {
    const platform = createMailbox();
    let alive = true;
    const first = process(platform.channel('first'), () => alive);
    const second = process(platform.channel('second'));
    await first.look();
    await until(async () => platform.asking.length === 1, 'somebody listens');
    platform.put('one');
    await until(async () => (await said()).length === 1, 'it is stored');
    await second.look();
    assert.deepEqual(platform.asking, ['first'], 'one at a time');
    alive = false;
    // Its lease runs out.
    await test.app.database.asOwner((client) =>
      client.query("update inboxes set listener_until = now() - interval '1 second' where id = $1", [chat.inbox.id]),
    );
    await second.look();
    await until(async () => platform.asking.length === 2, 'another listens');
    // The dead one comes back to life and hears of it, too: without the lease it brings nothing.
    alive = true;
    platform.put('two');
    await until(async () => (await said()).length === 2, 'it goes on');
    assert.deepEqual(await said(), ['one', 'two']);
    const [row] = await test.app.store.once<{ cursor: number }>(
      (await test.app.kit.inboxes.byToken(chat.inbox.token))?.workspaceId ?? '',
      sql`select listener_cursor as cursor from inboxes where id = ${chat.inbox.id}::uuid`,
    );
    assert.equal(row?.cursor, 2);
    await Promise.all([first.close(), second.close()]);
  });

  it('what cannot be read is counted, as that of a webhook is, and holds nothing up', async () => {
    const counted = async (): Promise<number> => {
      const { values } = await test.app.metrics.of(turnMetrics).inboundEvents.get();
      const skipped = values.find(({ labels }) => labels.outcome === 'skipped' && labels.channel === 'telegram');
      return skipped?.value ?? 0;
    };
    const before = await counted();
    const platform = createMailbox();
    const listener = process(platform.channel('this one'));
    await test.app.store.once(
      (await test.app.kit.inboxes.byToken(chat.inbox.token))?.workspaceId ?? '',
      sql`update inboxes set listener_cursor = null where id = ${chat.inbox.id}::uuid`,
    );
    platform.putUnreadable('no text', 'no sender');
    platform.put('after it');
    await listener.look();
    await until(async () => (await said()).includes('after it'), 'what follows is stored');
    assert.equal(await counted(), before + 2);
    await listener.close();
  });

  describe('a look over several inboxes', () => {
    let ids: string[];
    let sealed = '';
    /** Gives the first inbox other credentials. @returns those it had */
    const seal = (credentials: string): Promise<string> =>
      test.app.database.asOwner(async (client) => {
        const found = await client.query('select credentials from inboxes where id = $1', [ids[0]]);
        await client.query('update inboxes set credentials = $2 where id = $1', [ids[0], credentials]);
        return z.object({ credentials: z.string() }).parse(found.rows[0]).credentials;
      });
    const listen = (perLook?: number, places = test.app.store.places(), hangs?: string) => {
      const { store, keyring, wake, receive, metrics } = test.app.kit;
      const directory = createInboxDirectory({ store, keyring, wake, ttlMs: 60_000 });
      const platform = createMailbox();
      const channel = platform.channel('this one');
      const taken: string[] = [];
      const listeners = createListeners({
        ...{ log, metrics, receive, listening: [channel] },
        store: { ...store, places: () => places },
        inboxes: {
          byId: (ofWorkspace, id) =>
            id === hangs ? new Promise<never>(() => undefined) : directory.byId(ofWorkspace, id),
        },
        lookMs: hangs === undefined ? 30_000 : 3_000,
        clientOf: async (inbox) => {
          taken.push(inbox.id);
          return { channel, http: noHttp, credentials: inbox.credentials };
        },
        ...(perLook === undefined ? {} : { perLook }),
      });
      return { listeners, taken };
    };

    before(async () => {
      const others = [await openTelegram(test, telegram, null, 'B'), await openTelegram(test, telegram, null, 'C')];
      ids = [chat, ...others].map(({ inbox }) => inbox.id).sort();
      sealed = await seal('gone:AAAA');
    });

    it('one that cannot be read keeps no other back, nor does a place that is away', async () => {
      const [shared, ...own] = test.app.store.places();
      assert.ok(shared);
      const away = { ...shared, name: 'away', asSystem: () => Promise.reject(new Error('away')) };
      const { listeners, taken } = listen(undefined, [away, shared, ...own]);
      await listeners.look();
      assert.deepEqual(taken, ids.slice(1));
      await listeners.close();
    });

    it('one that says nothing keeps the others waiting once, and for a moment', async () => {
      const { listeners, taken } = listen(undefined, undefined, ids[1]);
      await listeners.look();
      assert.deepEqual(taken, ids.slice(2));
      await listeners.look();
      await listeners.close();
    });

    it('more than one look takes come in turns, from the first again after the last', async () => {
      const { listeners, taken } = listen(1);
      await listeners.look();
      assert.deepEqual(taken, []);
      await listeners.look();
      assert.deepEqual(taken, ids.slice(1, 2));
      await listeners.look();
      assert.deepEqual(taken, ids.slice(1));
      await seal(sealed);
      // Nothing is left behind the last one: this look ends there, the next one begins anew.
      await listeners.look();
      await listeners.look();
      assert.deepEqual(taken, [...ids.slice(1), ids[0]]);
      await listeners.close();
    });
  });

  it('tokens that run out are renewed once, whoever asks, and written back', async () => {
    const inbox = await test.app.kit.inboxes.byToken(chat.inbox.token);
    assert.ok(inbox);
    let asked = 0;
    const renewed = { ...(inbox.credentials as object), secretToken: 'the-renewed-one' };
    const channel: Channel = {
      ...channels.telegram,
      refresh: {
        isDue: (credentials) => (credentials as { secretToken: string }).secretToken !== 'the-renewed-one',
        renew: async () => {
          asked += 1;
          // Another process asks meanwhile.
          await until(async () => asked > 0, 'it was asked');
          return renewed;
        },
      },
    };
    const { store, keyring, publish, inboxes } = test.app.kit;
    const deps = { store, keyring, publish, channelOf: () => channel, http: () => noHttp };
    const [here, there] = [createCredentialRefresh(deps), createCredentialRefresh(deps)];
    const all = await Promise.all([here(inbox), here(inbox), there(inbox), there(inbox)]);
    assert.equal(asked, 1);
    for (const credentials of all) assert.deepEqual(credentials, renewed);
    await until(
      async () =>
        (await inboxes.byToken(chat.inbox.token))?.credentials !== undefined &&
        JSON.stringify((await inboxes.byToken(chat.inbox.token))?.credentials) === JSON.stringify(renewed),
      'it is stored',
    );
  });

  it('a renewer that outlives its lease takes nothing from its successor', async () => {
    const inbox = await test.app.kit.inboxes.byToken(chat.inbox.token);
    assert.ok(inbox);
    const { store, keyring, publish } = test.app.kit;
    const asked: string[] = [];
    const renewer = (name: string) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const secretToken = `of-${name}`;
      let statements = 0;
      const counted: Store = {
        ...store,
        once: (...of) => {
          statements += 1;
          return store.once(...of);
        },
      };
      const channel: Channel = {
        ...channels.telegram,
        refresh: {
          isDue: (credentials) => !(credentials as { secretToken: string }).secretToken.startsWith('of-'),
          async renew() {
            asked.push(name);
            await promise;
            return { ...(inbox.credentials as object), secretToken };
          },
        },
      };
      const deps = { store: counted, keyring, publish, channelOf: () => channel, http: () => noHttp };
      const renew = createCredentialRefresh(deps);
      return { renew: () => renew(inbox), finish: resolve, secretToken, statements: () => statements };
    };
    const due = { ...(inbox.credentials as object), secretToken: 'ran-out' };
    inbox.credentials = due;
    await store.once(
      inbox.workspaceId,
      sql`update inboxes set credentials = ${keyring.encrypt(JSON.stringify(due), inbox.id)} where id = ${inbox.id}::uuid`,
    );
    const [paused, successor, third] = [renewer('paused'), renewer('successor'), renewer('third')];
    const ofPaused = paused.renew();
    await until(async () => asked.length === 1, 'the first one asks');
    await store.once(
      inbox.workspaceId,
      sql`update inboxes set refreshing_until = now() - interval '1 second' where id = ${inbox.id}::uuid`,
    );
    const ofSuccessor = successor.renew();
    await until(async () => asked.length === 2, 'its successor asks');
    // Its lease is over: written back and freed without effect, then asked for again like that of any other.
    paused.finish();
    await Promise.race([ofPaused, until(async () => paused.statements() > 3, 'the first one looks again')]);
    const ofThird = third.renew();
    third.finish();
    await until(async () => third.statements() > 1, 'the third one has asked for the lease');
    assert.deepEqual(asked, ['paused', 'successor']);
    successor.finish();
    for (const credentials of await Promise.all([ofPaused, ofSuccessor, ofThird]))
      assert.equal((credentials as { secretToken: string }).secretToken, successor.secretToken);
  });
});
