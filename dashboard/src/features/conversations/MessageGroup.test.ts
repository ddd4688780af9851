import { mount } from '@vue/test-utils';
import { TooltipProvider } from 'reka-ui';
import { expect, it } from 'vitest';
import { defineComponent, h } from 'vue';
import { i18n } from '../../i18n/index.ts';
import { message as messageOf } from '../../test/message.ts';
import MessageGroup from './MessageGroup.vue';
import type { ThreadMessage } from './messageCache.ts';
import type { Quoted } from './thread.ts';

const attack = '<img src=x onerror="alert(1)"><script>alert(2)</script><b>bold</b>';

function draw(
  side: 'contact' | 'bot' | 'agent' | 'note',
  changes: Partial<ThreadMessage> = {},
  quotedOf: (id: string) => Quoted = () => 'deleted',
  onGo: (id: string) => void = () => undefined,
) {
  const message = messageOf({
    author: { type: side === 'note' ? 'agent' : side, id: 'a', name: attack },
    text: attack,
    attachments: [{ id: 'f1', name: attack, mime: 'text/html', size: 10 }],
    private: side === 'note',
    ...changes,
  });
  const group = { kind: 'group' as const, key: 'g', side, name: attack, at: message.createdAt, messages: [message] };
  const root = defineComponent(
    () => () =>
      h(TooltipProvider, () => h(MessageGroup, { group, contactName: attack, openPassage: '', quotedOf, onGo })),
  );
  return mount(root, { global: { plugins: [i18n] } });
}

it.each(['contact', 'bot', 'agent', 'note'] as const)('shows the markup of a %s as text', (side) => {
  const view = draw(side);
  expect(view.findAll('img, script, b, iframe')).toHaveLength(0);
  expect(view.text()).toContain('<img src=x');
});

it('says that a message was deleted and shows nothing of it', () => {
  const view = draw('contact', { deletedAt: '2026-11-20T10:01:00Z', text: 'the secret' });
  expect(view.text()).not.toContain('the secret');
});

it('offers to send again what was not sent, with the reason in words', () => {
  const view = draw('agent', { local: 'failed', error: 'Not sent. The server cannot be reached.' });
  expect(view.get('[role=alert]').text()).toContain('The server cannot be reached');
  expect(view.get('[role=alert] button').text()).toBe('Try again');
});

it('says quietly that a file of the customer could not be fetched, beside its caption or instead of nothing', () => {
  const error = 'A file could not be fetched from the platform: contract.pdf.';
  const lost = { type: 'document' as const, attachments: [], error };
  const captioned = draw('contact', { ...lost, text: 'Here it is' });
  expect(captioned.text()).toContain('Here it is');
  expect(captioned.text()).toContain(error);
  const bare = draw('contact', { ...lost, text: '' });
  expect(bare.text()).toContain(i18n.global.t('thread.fileMissing'));
  expect(bare.text()).toContain(error);
  expect(bare.find('[role=alert]').exists()).toBe(false);
});

it('says that a file is still being fetched, and nothing of the kind about what came or failed to go out', () => {
  const coming = draw('contact', { type: 'image', text: '', attachments: [] });
  expect(coming.text()).toContain(i18n.global.t('thread.fileComing'));
  expect(coming.text()).not.toContain(i18n.global.t('thread.fileMissing'));
  for (const view of [draw('contact'), draw('agent', { status: 'failed', error: 'Refused.', attachments: [] })]) {
    expect(view.text()).not.toContain(i18n.global.t('thread.fileComing'));
    expect(view.text().split('Refused.').length).toBeLessThanOrEqual(2);
  }
});

it('says in one line what a message answers, and leads there', async () => {
  const quoted = messageOf({ id: 'm0', author: { type: 'agent', id: 'a', name: 'Ada' }, text: attack });
  const gone: string[] = [];
  const view = draw(
    'contact',
    { replyToId: 'm0', attachments: [] },
    () => quoted,
    (id) => gone.push(id),
  );
  expect(view.get('button').text()).toContain(`Ada: ${attack}`);
  expect(view.findAll('img, script, b')).toHaveLength(0);
  await view.get('button').trigger('click');
  expect(gone).toEqual(['m0']);
});

it.each(['older', 'deleted'] as const)('has no way to a message that is %s', (why) => {
  const view = draw('agent', { replyToId: 'm0', attachments: [] }, () => why);
  expect(view.text()).toContain(i18n.global.t(`thread.quoted.${why}`));
  expect(view.find('button').exists()).toBe(false);
});

it('shows what a person typed as it was typed', () => {
  for (const side of ['contact', 'agent', 'note'] as const) {
    const view = draw(side, { text: 'Dial *123*456# and _wait_\n1. now', attachments: [] });
    expect(view.text()).toContain('Dial *123*456# and _wait_\n1. now');
    expect(view.findAll('em, strong, ol')).toHaveLength(0);
  }
});

it('quotes the part of a message that was answered, and one from before', () => {
  const quoted = messageOf({ id: 'm0', author: { type: 'agent', id: 'a', name: 'Ada' }, text: 'red, blue or green' });
  const quote = { text: 'blue or', author: 'bot' as const };
  expect(
    draw('contact', { replyToId: 'm0', quote, attachments: [] }, () => quoted)
      .get('button')
      .text(),
  ).toContain('Ada: “blue or”');
  const old = draw('contact', { quote: { ...quote, author: null }, attachments: [] });
  expect(old.text()).toContain('“blue or”');
  expect(old.find('button').exists()).toBe(false);
});

it('keeps what was said before an edit', () => {
  const earlier = [{ text: 'a red one', until: '2026-11-20T10:01:00Z' }];
  const view = draw('contact', { text: 'a blue one', editedAt: '2026-11-20T10:01:00Z', earlier, attachments: [] });
  expect(view.get('summary').text()).toBe(i18n.global.t('thread.edited'));
  expect(view.get('details').text()).toContain('a red one');
});
