/**
 * `npm run bench -- fanout`: one event to 5 000 sockets in one room, as a ratio to bare Socket.IO heard by the same
 * clients in the same run. Embedded: one process. Cluster: two processes through Redis, half of the sockets at each,
 * beside two bare ones with the same adapter. The product's event is a colleague's typing, from the socket it came on
 * (login looked at, payload parsed, conversation looked up under row-level security) to all who look at the conversation.
 * Then 10 000 idle visitors on one process, and all of them coming back after it was killed.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { startChild } from './lib/child.ts';
import type { BareSockets } from './lib/bare-sockets-process.ts';
import { idleAndStorm } from './lib/idle-sockets.ts';
import { startProduct } from './lib/product.ts';
import { openProfile } from './lib/profile.ts';
import { openReport, some } from './lib/report.ts';
import type { Sockets } from './lib/sockets-process.ts';
import { median } from './lib/stats.ts';

const SOCKETS = some(5_000);
const EVENTS = 40;
const ROUNDS = some(5);
/** client processes */
const CROWDS = 2;

const profile = await openProfile();
const report = openReport(profile);
const isCluster = profile.name === 'cluster';
const product = await startProduct(profile, isCluster ? ['api', 'api'] : ['api']);
const redisUrl = isCluster ? profile.redisUrl : undefined;
const bares = await Promise.all(product.processes.map(() => startChild<BareSockets>('bare-sockets-process.ts')));
const crowds = await Promise.all(Array.from({ length: CROWDS }, () => startChild<Sockets>('sockets-process.ts')));
const speaker = await startChild<Sockets>('sockets-process.ts');
try {
  const bareUrls: string[] = [];
  for (const bare of bares) bareUrls.push(await bare.ask('listen', { redisUrl }));
  const urls = { bare: bareUrls, product: product.processes.map((process) => process.url) };

  // A visitor opens a conversation, which everybody then looks at.
  const inbox = await product.webInbox();
  await speaker.ask('connect', {
    group: 'visitor',
    url: product.url,
    count: 1,
    firstAddress: 249,
    auth: { inbox: inbox.token },
    event: '',
    greeting: ['customer:start_chat', {}],
  });
  const [conversation] = await product.call<{ id: string }[]>('GET', '/conversations?limit=1');
  const conversationId = conversation?.id ?? '';
  const payload = { conversationId, typing: true };
  const sides = {
    bare: { auth: {}, payload: { conversationId, who: 'agent', name: 'bench@parley.test', typing: true } },
    product: {
      auth: { token: product.token },
      payload,
      greeting: ['conversation:subscribe', { conversationId }] as [string, unknown],
    },
  };
  for (const name of ['bare', 'product'] as const) {
    const { auth } = sides[name];
    const greeting = name === 'product' ? sides.product.greeting : undefined;
    await Promise.all(
      crowds.map((crowd, index) =>
        crowd.ask('connect', {
          group: name,
          url: urls[name][index % urls[name].length] ?? '',
          count: SOCKETS / CROWDS,
          firstAddress: index * 125,
          auth,
          event: 'typing',
          greeting,
        }),
      ),
    );
    await speaker.ask('connect', {
      group: name,
      url: urls[name][0] ?? '',
      count: 1,
      firstAddress: 249,
      auth,
      event: '',
    });
  }

  async function round(name: keyof typeof sides): Promise<number> {
    // What the last round left behind has to be over: the product refuses events while it is under pressure.
    if (name === 'product') await speaker.ask('ask', { group: name, event: 'agent:typing', payload });
    await pause(1_000);
    const heard = crowds.map((crowd) => crowd.ask('hear', { group: name, each: EVENTS }));
    const began = await speaker.ask('say', {
      group: name,
      event: name === 'product' ? 'agent:typing' : 'typing',
      payload: sides[name].payload,
      times: EVENTS,
    });
    const ended = Math.max(...(await Promise.all(heard)));
    return (SOCKETS * EVENTS) / ((ended - began) / 1_000);
  }

  for (const name of ['bare', 'product'] as const) await round(name);
  const rates = { bare: [] as number[], product: [] as number[] };
  for (let index = 0; index < ROUNDS; index++) {
    for (const name of index % 2 ? (['product', 'bare'] as const) : (['bare', 'product'] as const)) {
      rates[name].push(await round(name));
    }
  }
  const ratios = rates.product.map((rate, index) => rate / (rates.bare[index] ?? rate));
  const where = isCluster ? 'two processes through Redis' : 'one process';
  report.figure(`bare Socket.IO, ${SOCKETS} sockets, ${where}`, median(rates.bare), 'deliveries/s');
  report.figure(`product, ${SOCKETS} sockets, ${where}`, median(rates.product), 'deliveries/s');
  report.figure('deliveries, product / bare (median of the rounds)', median(ratios), '×', {
    bar: { atLeast: isCluster ? 0.8 : 0.9 },
    note: `rounds ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`,
  });
} finally {
  for (const child of [...crowds, speaker, ...bares]) await child.stop();
  await product.close();
}
try {
  await idleAndStorm(profile, report);
  await report.close();
} finally {
  await profile.close();
}
