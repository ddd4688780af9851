/** The outside world in a process of its own: Telegram's API and a model, both of which misbehave on order. */
import { startOpenAiDouble } from '../server/src/test/doubles/openai.ts';
import { startTelegramDouble } from '../server/src/test/doubles/telegram.ts';
import { createAnswers } from './answers.ts';
import type { PeerAddresses, PeerOrder, PeerRefused, PeerReport } from './peer.ts';

const slowFiles = { milliseconds: 0 };
const telegram = await startTelegramDouble({
  takesMs: ({ method }) =>
    method === 'getFile' ? slowFiles.milliseconds : method === 'sendMessage' ? 10 + Math.random() * 60 : 0,
});
const model = await startOpenAiDouble();
const shown: Record<string, number> = {};
model.otherwise(createAnswers(shown));

/** When each message reached its chat, in step with `telegram.messages`. */
const times: number[] = [];
setInterval(() => {
  while (times.length < telegram.messages.length) times.push(Date.now());
}, 10);

function report(): PeerReport {
  while (times.length < telegram.messages.length) times.push(Date.now());
  const refused: Record<string, number> = {};
  for (const call of telegram.calls) {
    if (call.refused && call.method === 'sendMessage') refused[call.refused] = (refused[call.refused] ?? 0) + 1;
  }
  return {
    kind: 'report',
    messages: telegram.messages.map(({ chatId, messageId, text }, index) => ({
      chatId,
      messageId,
      text,
      at: times[index] ?? 0,
    })),
    refused,
    modelRequests: model.requests.length,
    modelFaults: shown,
  };
}

process.on('message', (order: PeerOrder) => {
  if (order.kind === 'fail') telegram.fail(order.fault, { method: 'sendMessage', times: order.times });
  else if (order.kind === 'heal') telegram.heal();
  else if (order.kind === 'block') for (const chat of order.chats) telegram.blockedChats.add(chat);
  else if (order.kind === 'files') {
    slowFiles.milliseconds = order.takeMs;
    for (const id of order.ids) telegram.addFile(id, Buffer.from(`a picture of ${id}`));
  } else if (order.kind === 'refused') {
    const count = telegram.calls.filter((call) => call.refused && call.method === 'sendMessage').length;
    process.send?.({ kind: 'refused', count } satisfies PeerRefused);
  } else if (order.kind === 'report') process.send?.(report());
  else process.exit(0);
});
process.on('disconnect', () => process.exit(0));
process.send?.({
  telegramUrl: telegram.url,
  telegramToken: telegram.token,
  modelUrl: model.url,
} satisfies PeerAddresses);
