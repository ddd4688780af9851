import { mount } from '@vue/test-utils';
import { afterEach, expect, it } from 'vitest';
import { defineComponent, h } from 'vue';
import { listenForShortcuts, useShortcuts } from './useShortcuts.ts';

let heard: string[] = [];
const Listener = defineComponent(() => {
  listenForShortcuts();
  useShortcuts({ e: () => heard.push('outer e'), 'mod+k': () => heard.push('commands') });
  return () => [h('input'), h('div', { role: 'dialog', 'data-state': 'closed' })];
});
const Screen = defineComponent(() => {
  useShortcuts({ e: () => heard.push('screen e') });
  return () => h('p');
});
const press = (target: Element, key: string, more: KeyboardEventInit = {}) =>
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));

afterEach(() => {
  heard = [];
  document.body.innerHTML = '';
});

it('rests while somebody types, except with a modifier', () => {
  const view = mount(Listener, { attachTo: document.body });
  const input = view.get('input').element;
  press(input, 'e');
  expect(heard).toEqual([]);
  press(input, 'k', { ctrlKey: true });
  expect(heard).toEqual(['commands']);
  view.unmount();
});

it('rests while a dialog is open', () => {
  const view = mount(Listener, { attachTo: document.body });
  view.get('[role=dialog]').element.setAttribute('data-state', 'open');
  press(document.body, 'e');
  expect(heard).toEqual([]);
  view.unmount();
});

it('asks the screen that came last, and the outer one when it is gone', () => {
  const outer = mount(Listener, { attachTo: document.body });
  const screen = mount(Screen);
  press(document.body, 'e');
  screen.unmount();
  press(document.body, 'e');
  expect(heard).toEqual(['screen e', 'outer e']);
  outer.unmount();
});
