import { Bot, Check, Clock, Hand, NotebookPen, Reply, RotateCcw, UserRoundPlus } from '@lucide/vue';
import type { Conversation } from '@parley/contract';
import type { Command } from '../../composables/useCommands.ts';

type Steps = Record<'reply' | 'note' | 'take' | 'giveBack' | 'resolve' | 'snooze' | 'assign', () => unknown>;

/** The open conversation's actions for the command bar, only those that make sense in its state. */
export function threadCommands(t: (key: string) => string, conversation: Conversation, steps: Steps): Command[] {
  const { status } = conversation;
  const open = status !== 'resolved' && status !== 'snoozed';
  const group = t('commands.conversation');
  const entries = [
    {
      id: 'take',
      icon: Hand,
      keys: 't',
      label: t('thread.takeOver'),
      show: status === 'bot' || status === 'waiting',
      run: steps.take,
    },
    { id: 'reply', icon: Reply, keys: 'r', label: t('composer.reply'), show: open, run: steps.reply },
    { id: 'note', icon: NotebookPen, keys: 'n', label: t('composer.addNote'), show: true, run: steps.note },
    {
      id: 'give-back',
      icon: Bot,
      keys: 'b',
      label: t('thread.giveBack'),
      show: status === 'agent',
      run: steps.giveBack,
    },
    { id: 'assign', icon: UserRoundPlus, keys: 'a', label: t('thread.assign'), show: open, run: steps.assign },
    { id: 'snooze', icon: Clock, keys: 's', label: t('thread.snooze'), show: open, run: steps.snooze },
    { id: 'resolve', icon: Check, keys: 'e', label: t('thread.resolve'), show: open, run: steps.resolve },
    { id: 'reopen', icon: RotateCcw, keys: 'e', label: t('thread.reopen'), show: !open, run: steps.resolve },
  ];
  return entries
    .filter((entry) => entry.show)
    .map(({ id, icon, keys, label, run }) => ({ id, icon, keys, label, group, run: () => void run() }));
}
