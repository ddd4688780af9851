import { questionOf } from '../question.ts';
import { asksForPerson } from '../talk/person-wish.ts';
import type { Handler } from '../types.ts';

/** The customer asked for a human, by a button or in words: no bot stands in the way. */
export const personHandler: Handler = {
  name: 'person',
  priority: 10,
  accepts: (input) =>
    input.bot.handoffEnabled && (input.action === 'request_agent' || asksForPerson(questionOf(input))),
  run: (input) => {
    const before = input.history.findLast((message) => message.author.type === 'contact');
    const question = input.action === 'request_agent' ? before?.text : questionOf(input);
    return Promise.resolve({
      handler: 'person',
      handoff: { reason: 'CUSTOMER_REQUEST', question: question ?? undefined },
    });
  },
};
