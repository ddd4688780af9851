import type { WidgetConfig } from '@parley/contract';
import { h } from './dom.ts';

/** The greeting, and questions to begin with for those who have not written yet. Nothing of it is a conversation. */
export function createWelcome(send: (question: string) => void) {
  const bubble = h('div', { class: 'bubble', dir: 'auto' });
  const greeting = h('div', { class: 'row bot' }, bubble);
  const questions = h('div', { class: 'asks' });
  return {
    greeting,
    questions,
    draw(
      { greeting: text = '', suggestedQuestions = [] }: Partial<WidgetConfig>,
      greeted: boolean,
      started: boolean,
    ): void {
      greeting.hidden = greeted || text === '';
      if (bubble.textContent !== text) bubble.textContent = text;
      const shown = started ? [] : suggestedQuestions.slice(0, 3);
      const key = JSON.stringify(shown);
      if (questions.dataset.shown === key) return;
      questions.dataset.shown = key;
      questions.replaceChildren(...shown.map((each) => h('button', { dir: 'auto', onclick: () => send(each) }, each)));
    },
  };
}
