import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Bot, Inbox } from '@parley/contract';
import { OWNER } from '../server/src/test/app.ts';
import { startProxy } from '../server/src/test/proxy.ts';
import { openTelegram, ownerOf } from '../server/src/test/talk.ts';
import { createCustomers } from './customers.ts';
import { startDesk } from './desk.ts';
import { readLeft, readTables } from './evidence.ts';
import type { Evidence } from './evidence.ts';
import { playFaults } from './faults.ts';
import { createFront, startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';
import { startPeer } from './peer.ts';
import { rest } from './plan.ts';
import type { Form } from './plan.ts';
import type { Services } from './services.ts';
import { startSlowLink } from './slow-link.ts';
import { startVisitor } from './visitors.ts';

/** Nobody tries for longer to be heard. */
const PATIENCE_MS = 60_000;

export type SuiteOptions = {
  form: Form;
  services: Services;
  seed: number;
  /** a deliberately broken build (preload/broken.ts) */
  broken?: string;
  /** only these faults; all of them unless told */
  only?: string[];
  tell: (line: string) => void;
};

/** One fleet, its customers and everything that goes wrong; what is known at the end. */
export async function playSuite(options: SuiteOptions): Promise<Evidence> {
  const { form, services, tell } = options;
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-chaos-'));
  const peer = await startPeer();
  const redisUrl = `${services.redisUrl.replace(/\/\d*$/, '')}/3`;
  const redisOfOne = await startProxy(redisUrl);
  const closing: (() => Promise<unknown>)[] = [];
  let succeeded = false;
  try {
    const fleet = await startFleet({
      databaseUrl: services.databaseUrl,
      folder,
      apis: 3,
      workers: 3,
      settingsOf: (name) => ({
        REDIS_URL: name === 'worker 2' ? redisOfOne.url : redisUrl,
        CHANNEL_TELEGRAM_API_URL: peer.telegramUrl,
        OPENAI_BASE_URL: peer.modelUrl,
        OPENAI_API_KEY: 'key',
        CHAOS_BLOCK_MS: String(form.blockMs),
        // One worker is ahead of everybody, for the whole run.
        ...(name === 'worker 3' ? { CHAOS_CLOCK_MS: '90000' } : {}),
        ...(options.broken ? { CHAOS_BROKEN: options.broken } : {}),
      }),
    });
    closing.push(fleet.close);
    tell('three apis and three workers run');
    const { telegram, web } = await furnish(fleet, peer.telegramToken);
    const nextApi = createFront(fleet.apis);
    const customers = createCustomers({ nextApi, inboxToken: telegram.token, form, seed: options.seed });

    const slow = await startSlowLink(() => nextApi().url, 3_000, 150);
    closing.push(slow.close);
    const visitors = await Promise.all(
      Array.from({ length: form.visitors }, (_unused, index) =>
        startVisitor({
          name: `visitor ${index + 1}`,
          number: index + 1,
          inboxToken: web.token,
          door: () => (index < 2 ? slow.url : nextApi().url),
          everyMs: form.visitorEveryMs,
          seed: options.seed + index,
        }),
      ),
    );
    const desks = [0, 1].map((number) => startDesk({ nextApi, number }));
    closing.push(() => Promise.all([...visitors, ...desks].map((one) => one.close())));

    const until = Date.now() + form.loadMs;
    const writing = Promise.all([customers.write(), ...visitors.map((visitor) => visitor.write(until))]);
    const looking = lookAround(fleet, desks, until);
    await rest(3_000);
    const scene = { fleet, peer, services, customers, redisOfOne, form };
    const happenings = [];
    for (let round = 1; round <= form.rounds; round += 1) {
      happenings.push(...(await playFaults(scene, options.only, (line) => tell(`  ${line}`))));
    }
    await within(Promise.all([writing, looking]), form.loadMs + PATIENCE_MS);
    tell('the customers have said everything');
    customers.end();
    await within(customers.settled(), PATIENCE_MS);
    await settle(fleet, form.settleMs, tell);

    for (const visitor of visitors) await visitor.look();
    for (const desk of desks) await desk.lastLook();
    await Promise.all([...visitors, ...desks].map((one) => one.close()));
    const { kind: _kind, ...report } = await peer.report();
    const evidence: Evidence = {
      said: customers.all,
      visitors: visitors.map(({ seen }) => seen),
      desks: desks.map(({ report: done }) => done),
      peer: report,
      happenings,
      endings: [...fleet.endings],
      ...(await readTables(fleet.query)),
    };
    succeeded = true;
    return evidence;
  } finally {
    for (const close of closing.reverse()) await close();
    await peer.stop();
    await redisOfOne.close();
    if (succeeded && !process.env.CHAOS_KEEP) rmSync(folder, { recursive: true, force: true });
    else tell(`the logs are kept in ${folder}`);
  }
}

/** What hangs is not waited for: the promises that depend on it are found broken. */
async function within(work: Promise<unknown>, milliseconds: number): Promise<void> {
  const waiting = new AbortController();
  await Promise.race([work.finally(() => waiting.abort()), rest(milliseconds, waiting.signal)]);
}

/** A bot, an inbox on Telegram and one on the web; and a table that cannot store one certain word. */
async function furnish(fleet: Fleet, telegramToken: string) {
  const [api] = fleet.apis;
  if (!api) throw new Error('there is no api');
  const owner = await ownerOf(api.url, OWNER);
  const bot = await owner<Bot>('POST', '/bots', { name: 'Robin', model: 'openai/gpt-double', greeting: 'Hello!' });
  if (bot.status >= 300) throw new Error(JSON.stringify(bot.error));
  const { inbox: telegram } = await openTelegram(
    { url: api.url, owner },
    { token: telegramToken, messages: [] },
    bot.data.id,
  );
  const web = await owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: bot.data.id });
  if (web.status >= 300) throw new Error(JSON.stringify(web.error));
  await fleet.query(`
    create function refuse_poison() returns trigger language plpgsql as $$
      begin raise exception 'a poison message'; end $$;
    create trigger poison before insert on messages for each row
      when (new.author_type = 'contact' and new.text like '%poison%') execute function refuse_poison()`);
  return { telegram, web: web.data };
}

/** The desks look at some conversations of the run, from early on. */
async function lookAround(fleet: Fleet, desks: ReturnType<typeof startDesk>[], until: number): Promise<void> {
  await rest(3_000);
  const rows = await fleet.query<{ id: string }>(
    `select c.id::text from conversations c join inboxes i on i.id = c.inbox_id where i.channel = 'telegram' order by c.id limit 16`,
  );
  for (const [index, { id }] of rows.entries()) {
    if (Date.now() < until) await desks[index % desks.length]?.look(id);
  }
}

/** Waits until nothing is under way any more, three times in a row. */
async function settle(fleet: Fleet, withinMs: number, tell: (line: string) => void): Promise<void> {
  const began = Date.now();
  let quiet = 0;
  let left: Record<string, number> = {};
  while (quiet < 3 && Date.now() - began < withinMs) {
    await rest(1_000);
    left = await readLeft(fleet.query);
    quiet = Object.values(left).every((count) => count === 0) ? quiet + 1 : 0;
  }
  const rests = Object.entries(left).filter(([, count]) => count > 0);
  tell(
    `settled after ${Math.round((Date.now() - began) / 1000)} s${rests.map(([name, count]) => `, ${name}: ${count}`).join('')}`,
  );
}
