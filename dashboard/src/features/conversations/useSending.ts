import { conversationsApi, type Attachment } from '@parley/contract';
import { useQueryClient } from '@tanstack/vue-query';
import type { Ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { call } from '../../api/client.ts';
import { describeProblem } from '../../api/problem.ts';
import { useSession } from '../../composables/useSession.ts';
import { useToasts } from '../../composables/useToasts.ts';
import { blankMessage, localId, merge, type ThreadMessage, withoutLocal } from './messageCache.ts';
import { change } from './threadSync.ts';

export type Template = { name: string; language: string; variables: Record<string, string> };
export type Outgoing = { text: string; private: boolean; attachments: Attachment[]; template?: Template };

/** Shows a message at once and sends it. A resend carries the same `clientId`, so the server stores it once. */
export function useSending(id: Ref<string>) {
  const client = useQueryClient();
  const { me } = useSession();
  const { t } = useI18n();
  const { tellProblem } = useToasts();

  async function deliver(message: ThreadMessage, template?: Template): Promise<boolean> {
    const { conversationId, clientId } = message;
    if (!clientId) return false;
    change(client, conversationId, (thread) => merge(thread, [{ ...message, local: 'sending', error: null }]));
    try {
      const stored = await call(conversationsApi.sendMessage, {
        params: { id: conversationId },
        body: {
          ...(template ? { template } : message.text ? { text: message.text } : {}),
          private: message.private,
          attachmentIds: message.attachments.map((file) => file.id),
          clientId,
        },
      });
      change(client, conversationId, (thread) => merge(withoutLocal(thread, clientId), [stored]));
      return true;
    } catch (error) {
      const problem = describeProblem(error);
      const why = problem.message ?? t(`problem.${problem.kind}.text`);
      change(client, conversationId, (thread) =>
        merge(withoutLocal(thread, clientId), [
          { ...message, local: 'failed', error: `${t('thread.notSent')} ${why}` },
        ]),
      );
      return false;
    }
  }

  function compose(outgoing: Outgoing): ThreadMessage {
    const clientId = crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    return {
      ...blankMessage,
      id: localId(clientId),
      clientId,
      conversationId: id.value,
      // Below everything that is stored, in the order of sending.
      seq: Number.MAX_SAFE_INTEGER - 1e12 + Date.now() / 10,
      author: { type: 'agent', id: me.value?.user.id ?? null, name: me.value?.user.name ?? null },
      type: outgoing.attachments.length && !outgoing.text ? 'document' : 'text',
      text: outgoing.text,
      attachments: outgoing.attachments,
      private: outgoing.private,
      createdAt: new Date().toISOString(),
    };
  }

  /** What the server has goes out again from there; what never reached it is sent from here. */
  async function again({ id: messageId, conversationId }: ThreadMessage): Promise<boolean> {
    try {
      const stored = await call(conversationsApi.retryMessage, { params: { id: messageId } });
      change(client, conversationId, (thread) => merge(thread, [stored]));
      return true;
    } catch (error) {
      tellProblem(t('thread.notSent'), error);
      return false;
    }
  }

  const send = (outgoing: Outgoing) => deliver(compose(outgoing), outgoing.template);
  const retry = (message: ThreadMessage) =>
    message.local ? deliver({ ...message, status: 'pending' }) : again(message);
  return { send, retry };
}
