import { type Conversation, conversationsApi, handoffsApi } from '@parley/contract';
import { useQueryClient } from '@tanstack/vue-query';
import { ref, type Ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { editCache, keyOf } from '../../api/cache.ts';
import { call } from '../../api/client.ts';
import { statusOf } from '../../api/problem.ts';
import { useSession } from '../../composables/useSession.ts';
import { useToasts } from '../../composables/useToasts.ts';
import { changeConversation } from './conversationCache.ts';
import { threadKey } from './threadSync.ts';

type Step = {
  change: Partial<Conversation>;
  act: () => Promise<unknown>;
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
      client.invalidateQueries({ queryKey: keyOf(conversationsApi.get, { params: { id } }) }),
      client.invalidateQueries({ queryKey: keyOf(conversationsApi.list) }),
      client.invalidateQueries({ queryKey: keyOf(conversationsApi.count) }),
      client.invalidateQueries({ queryKey: keyOf(handoffsApi.list) }),
      client.invalidateQueries({ queryKey: threadKey(id) }),
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

  async function step({ change, act, said, failed, back }: Step): Promise<boolean> {
    const before = conversation.value;
    if (!before || busy.value) return false;
    busy.value = true;
    const edit = editCache(client);
    changeConversation(edit, before.id, change);
    try {
      await act();
      if (back) tellUndoable(said, () => void undo(before.id, back));
      else tell(said);
      return true;
    } catch (error) {
      edit.undo();
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
      act: () =>
        handoff
          ? call(handoffsApi.pickUp, { params: { id: handoff.id } })
          : call(conversationsApi.takeOver, { params: { id } }),
      said: t('action.taken'),
      failed: t('action.takeFailed'),
      ...(fromBot ? { back: () => call(conversationsApi.returnToBot, { params: { id } }) } : {}),
    });
  }
  function giveBack(): Promise<boolean> {
    const id = conversation.value?.id ?? '';
    return step({
      change: { status: 'bot', assignee: null, handoff: null },
      act: () => call(conversationsApi.returnToBot, { params: { id } }),
      said: t('action.givenBack'),
      failed: t('action.giveBackFailed'),
      back: () => call(conversationsApi.takeOver, { params: { id } }),
    });
  }
  function resolve(): Promise<boolean> {
    const id = conversation.value?.id ?? '';
    return step({
      change: { status: 'resolved', resolvedAt: new Date().toISOString(), handoff: null },
      act: () => call(conversationsApi.resolve, { params: { id } }),
      said: t('action.resolved'),
      failed: t('action.resolveFailed'),
      back: () => call(conversationsApi.reopen, { params: { id } }),
    });
  }
  function reopen(): Promise<boolean> {
    const id = conversation.value?.id ?? '';
    return step({
      change: { status: 'agent', resolvedAt: null, snoozedUntil: null },
      act: () => call(conversationsApi.reopen, { params: { id } }),
      said: t('action.reopened'),
      failed: t('action.reopenFailed'),
    });
  }
  function snooze(until: Date): Promise<boolean> {
    const id = conversation.value?.id ?? '';
    return step({
      change: { status: 'snoozed', snoozedUntil: until.toISOString() },
      act: () => call(conversationsApi.snooze, { params: { id }, body: { until: until.toISOString() } }),
      said: t('action.snoozed'),
      failed: t('action.snoozeFailed'),
      back: () => call(conversationsApi.reopen, { params: { id } }),
    });
  }
  function assign(agent: { id: string; name: string } | null): Promise<boolean> {
    const { id = '', assignee = null } = conversation.value ?? {};
    return step({
      change: { assignee: agent, ...(agent ? { status: 'agent' as const, handoff: null } : {}) },
      act: () => call(conversationsApi.assign, { params: { id }, body: { agentId: agent?.id ?? null } }),
      said: agent ? t('action.assigned', { name: agent.name }) : t('action.unassigned'),
      failed: t('action.assignFailed'),
      back: () => call(conversationsApi.assign, { params: { id }, body: { agentId: assignee?.id ?? null } }),
    });
  }
  return { busy, takeOver, giveBack, resolve, reopen, snooze, assign };
}

export type Actions = ReturnType<typeof useActions>;
