import type { Conversation } from '@parley/contract';
import { useQueryClient } from '@tanstack/vue-query';
import { ref, type Ref } from 'vue';
import { useI18n } from 'vue-i18n';
import * as api from '../../api/conversations.ts';
import { keys } from '../../api/keys.ts';
import { statusOf } from '../../api/problem.ts';
import { useSession } from '../../composables/useSession.ts';
import { useToasts } from '../../composables/useToasts.ts';
import { patchConversation } from './conversationCache.ts';

type Step = {
  change: Partial<Conversation>;
  call: () => Promise<unknown>;
  said: string;
  failed: string;
  back?: () => Promise<unknown>;
};

/**
 * What an agent does with a conversation. Each step shows at once, is rolled back when the server refuses, and where the
 * opposite step exists it can be taken back for five seconds.
 */
export function useActions(conversation: Ref<Conversation | undefined>) {
  const client = useQueryClient();
  const { me } = useSession();
  const { tellUndoable, tell, tellProblem } = useToasts();
  const { t } = useI18n();
  const busy = ref(false);

  async function refresh(id: string): Promise<void> {
    await Promise.all([
      client.invalidateQueries({ queryKey: keys.conversation(id) }),
      client.invalidateQueries({ queryKey: keys.lists }),
      client.invalidateQueries({ queryKey: keys.counts }),
      client.invalidateQueries({ queryKey: keys.handoffs }),
      client.invalidateQueries({ queryKey: keys.thread(id) }),
    ]);
  }

  async function undo(id: string, back: () => Promise<unknown>): Promise<void> {
    try {
      await back();
    } catch (error) {
      tellProblem(t('action.undoFailed'), error);
    }
    await refresh(id);
  }

  async function step({ change, call, said, failed, back }: Step): Promise<boolean> {
    const before = conversation.value;
    if (!before || busy.value) return false;
    busy.value = true;
    patchConversation(client, { ...before, ...change });
    try {
      await call();
      if (back) tellUndoable(said, () => void undo(before.id, back));
      else tell(said);
      return true;
    } catch (error) {
      patchConversation(client, before);
      // Somebody was faster: what the server knows now is shown by the refresh below.
      tellProblem(statusOf(error) === 409 ? t('action.conflict') : failed, error);
      return false;
    } finally {
      busy.value = false;
      void refresh(before.id);
    }
  }

  const mine = () => (me.value ? { id: me.value.user.id, name: me.value.user.name } : null);

  function takeOver(): Promise<boolean> {
    const before = conversation.value;
    if (!before) return Promise.resolve(false);
    const { id, status, handoff } = before;
    const fromBot = status === 'bot';
    return step({
      change: { status: 'agent', assignee: mine(), handoff: null },
      call: () => (handoff ? api.pickUp(handoff.id) : api.act(id, 'take-over')),
      said: t('action.taken'),
      failed: t('action.takeFailed'),
      ...(fromBot ? { back: () => api.act(id, 'return-to-bot') } : {}),
    });
  }
  function giveBack(): Promise<boolean> {
    const id = conversation.value?.id ?? '';
    return step({
      change: { status: 'bot', assignee: null, handoff: null },
      call: () => api.act(id, 'return-to-bot'),
      said: t('action.givenBack'),
      failed: t('action.giveBackFailed'),
      back: () => api.act(id, 'take-over'),
    });
  }
  function resolve(): Promise<boolean> {
    const id = conversation.value?.id ?? '';
    return step({
      change: { status: 'resolved', resolvedAt: new Date().toISOString(), handoff: null },
      call: () => api.act(id, 'resolve'),
      said: t('action.resolved'),
      failed: t('action.resolveFailed'),
      back: () => api.act(id, 'reopen'),
    });
  }
  function reopen(): Promise<boolean> {
    const id = conversation.value?.id ?? '';
    return step({
      change: { status: 'agent', resolvedAt: null, snoozedUntil: null },
      call: () => api.act(id, 'reopen'),
      said: t('action.reopened'),
      failed: t('action.reopenFailed'),
    });
  }
  function snooze(until: Date): Promise<boolean> {
    const id = conversation.value?.id ?? '';
    return step({
      change: { status: 'snoozed', snoozedUntil: until.toISOString() },
      call: () => api.snooze(id, until.toISOString()),
      said: t('action.snoozed'),
      failed: t('action.snoozeFailed'),
      back: () => api.act(id, 'reopen'),
    });
  }
  function assign(agent: { id: string; name: string } | null): Promise<boolean> {
    const { id = '', assignee = null } = conversation.value ?? {};
    return step({
      change: { assignee: agent, ...(agent ? { status: 'agent' as const, handoff: null } : {}) },
      call: () => api.assign(id, agent?.id ?? null),
      said: agent ? t('action.assigned', { name: agent.name }) : t('action.unassigned'),
      failed: t('action.assignFailed'),
      back: () => api.assign(id, assignee?.id ?? null),
    });
  }
  return { busy, takeOver, giveBack, resolve, reopen, snooze, assign };
}

export type Actions = ReturnType<typeof useActions>;
