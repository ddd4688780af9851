import { startOpenAiDouble } from '../../server/src/test/doubles/openai.ts';
import { startTelegramDouble } from '../../server/src/test/doubles/telegram.ts';
import type { Order, Outcome, PeerAddresses } from './peer.ts';

const telegram = await startTelegramDouble();
const model = await startOpenAiDouble();
const reply = { have_enough_information_for_reply: 'YES', reply: 'Five working days.', citations: [] };
model.otherwise({ kind: 'answer', steps: [JSON.stringify(reply)] });

const update = (id: number, chat: number, text: string) => ({
  update_id: id,
  message: {
    message_id: id,
    date: 1_700_000_000,
    chat: { id: chat, type: 'private', first_name: 'Load' },
    from: { id: chat, is_bot: false, first_name: 'Load', language_code: 'en' },
    text,
  },
});

async function post(order: Extract<Order, { webhookUrl: string }>, id: number, text: string): Promise<void> {
  const response = await fetch(order.webhookUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': order.secret },
    body: JSON.stringify(update(id, order.chat, text)),
  });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`the webhook answered ${response.status}`);
}

const arrived = (count: number): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (telegram.messages.length >= count) resolve();
      else setImmediate(look);
    };
    look();
  });

async function turns(order: Extract<Order, { kind: 'turns' }>): Promise<Outcome> {
  const durations: number[] = [];
  const began = performance.now();
  for (let index = 0; index < order.count; index++) {
    const before = telegram.messages.length;
    const started = performance.now();
    const posted = post(order, order.firstId + index, `Question ${index}: how long does a refund take?`);
    await arrived(before + 1);
    durations.push(performance.now() - started);
    await posted;
  }
  return { durations, texts: [], milliseconds: performance.now() - began };
}

/** All at once, to one conversation; done when nothing has arrived for a while. */
async function burst(order: Extract<Order, { kind: 'burst' }>): Promise<Outcome> {
  const before = telegram.messages.length;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: order.count }, (_, index) => post(order, order.firstId + index, `Message ${index}`)),
  );
  let last = telegram.messages.length;
  let quietSince = performance.now();
  while (performance.now() - quietSince < 1_500) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (telegram.messages.length !== last) quietSince = performance.now();
    last = telegram.messages.length;
  }
  return {
    durations: [],
    texts: telegram.messages.slice(before).map((message) => String(message.text)),
    milliseconds: quietSince - began,
  };
}

process.on('message', (order: Order) => {
  if (order.kind === 'stop') {
    void Promise.all([telegram.close(), model.close()]).then(() => process.exit(0));
    return;
  }
  (order.kind === 'turns' ? turns(order) : burst(order)).then(
    (outcome) => process.send?.(outcome),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});

const addresses: PeerAddresses = { telegramUrl: telegram.url, telegramToken: telegram.token, modelUrl: model.url };
process.send?.(addresses);
