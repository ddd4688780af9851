import { type Conversation, conversationsApi, handoffsApi } from '@parley/contract';
import { useQueryClient } from '@tanstack/vue-query';
import { computed, type Ref, shallowReactive } from 'vue';
import { useI18n } from 'vue-i18n';
import { editCache, keyOf } from '../../api/cache.ts';
import { call } from '../../api/client.ts';
import { statusOf } from '../../api/problem.ts';
import { connection } from '../../api/socket.ts';
import { useSession } from '../../composables/useSession.ts';
import { useToasts } from '../../composables/useToasts.ts';
import { changeConversation } from './conversationCache.ts';
import { changeFailed, expectChange, readConversation, showConversations } from './listStore.ts';
import { threadKey } from './threadSync.ts';
import { useInboxRoute } from './useInboxRoute.ts';

type Step = {
  change: Partial<Conversation>;
  /** what can be taken back answers with how */
  act: () => Promise<{ undoId?: string }>;
  said: string;
  failed: string;
};

/**
 * What an agent does with a conversation. Each step shows at once, is rolled back when the server refuses, and can be
 * taken back for five seconds, as if it had not been.
 */
export function useActions(conversation: Ref<Conversation | undefined>) {
  const client = useQueryClient();
  const { me } = useSession();
  const { tellUndoable, tell, tellProblem } = useToasts();
  const { t } = useI18n();
  const { id: openId, open } = useInboxRoute();
  /** Only this conversation waits for its step, not the next one. */
  const running = shallowReactive(new Set<string>());
  const busy = computed(() => running.has(conversation.value?.id ?? ''));

  /** What the server knows now, where no event tells it. */
  async function refresh(id: string): Promise<void> {
    const now = await readConversation(id);
    showConversations(client, [now]);
    await Promise.all(
      [keyOf(conversationsApi.count), keyOf(handoffsApi.list), threadKey(id)].map((queryKey) =>
        client.invalidateQueries({ queryKey }),
      ),
    );
  }
  const refreshed = (id: string) =>
    refresh(id).catch((error: unknown) => tellProblem(t('action.refreshFailed'), error));

  async function undo(id: string, undoId: string): Promise<void> {
    try {
      await call(conversationsApi.undo, { params: { id }, body: { undoId } });
      // Where one was before is part of what was.
      if (openId.value !== id) await open(id);
    } catch (error) {
      tellProblem(t('action.undoFailed'), error);
      return refreshed(id);
    }
    if (connection.value !== 'connected') await refreshed(id);
  }

  async function step({ change, act, said, failed }: Step): Promise<boolean> {
    const before = conversation.value;
    if (!before || running.has(before.id)) return false;
    running.add(before.id);
    // Each step is told by a message.
    expectChange(before);
    changeConversation(editCache(client), before.id, change);
    try {
      const { undoId } = await act();
      if (undoId) tellUndoable(said, () => void undo(before.id, undoId));
      else tell(said);
      if (connection.value !== 'connected') await refreshed(before.id);
      return true;
    } catch (error) {
      changeFailed(before.id);
      // Only this conversation goes back: others may have changed meanwhile.
      changeConversation(editCache(client), before.id, before);
      // Somebody was faster: what the server knows now is shown.
      tellProblem(statusOf(error) === 409 ? t('action.conflict') : failed, error);
      await refreshed(before.id);
      return false;
    } finally {
      running.delete(before.id);
    }
  }

  const mine = () => (me.value ? { id: me.value.user.id, name: me.value.user.name } : null);

  function takeOver(): Promise<boolean> {
    const before = conversation.value;
    if (!before) return Promise.resolve(false);
    const { id, handoff } = before;
    return step({
      change: { status: 'agent', assignee: mine(), handoff: null },
      act: () =>
        handoff
          ? call(handoffsApi.pickUp, { params: { id: handoff.id } }).then(() => ({}))
          : call(conversationsApi.takeOver, { params: { id } }),
      said: t('action.taken'),
      failed: t('action.takeFailed'),
    });
  }
  function giveBack(): Promise<boolean> {
    const id = conversation.value?.id ?? '';
    return step({
      change: { status: 'bot', assignee: null, handoff: null },
      act: () => call(conversationsApi.returnToBot, { params: { id } }),
      said: t('action.givenBack'),
      failed: t('action.giveBackFailed'),
    });
  }
  function resolve(): Promise<boolean> {
    const id = conversation.value?.id ?? '';
    return step({
      change: { status: 'resolved', resolvedAt: new Date().toISOString(), handoff: null },
      act: () => call(conversationsApi.resolve, { params: { id } }),
      said: t('action.resolved'),
      failed: t('action.resolveFailed'),
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
    });
  }
  function assign(agent: { id: string; name: string } | null): Promise<boolean> {
    const id = conversation.value?.id ?? '';
    return step({
      change: { assignee: agent, ...(agent ? { status: 'agent' as const, handoff: null } : {}) },
      act: () => call(conversationsApi.assign, { params: { id }, body: { agentId: agent?.id ?? null } }),
      said: agent ? t('action.assigned', { name: agent.name }) : t('action.unassigned'),
      failed: t('action.assignFailed'),
    });
  }
  return { busy, takeOver, giveBack, resolve, reopen, snooze, assign };
}

export type Actions = ReturnType<typeof useActions>;
