import { type ChannelInfo, type Inbox, inboxesApi, type InboxInput } from '@parley/contract';
import { useQueryClient } from '@tanstack/vue-query';
import { computed, ref } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import { keyOf } from '../../api/cache.ts';
import { useAction } from '../../api/useAction.ts';
import { useCall } from '../../api/useCall.ts';
import { useForm } from '../../ui/form/useForm.ts';

type Rest = { credentials?: Record<string, string>; settings?: Partial<InboxInput['settings']> };

/**
 * Making an inbox, whatever its channel. The made one stands in the address, so that a reload continues with it.
 * `refused` may take a failure over: it answers whether it did.
 */
export function useConnecting(
  channel: ChannelInfo,
  rest: () => Rest,
  refused: (failure: unknown) => Promise<boolean> = async () => false,
) {
  const route = useRoute();
  const router = useRouter();
  const client = useQueryClient();
  const inboxId = computed(() => (typeof route.query['inbox'] === 'string' ? route.query['inbox'] : ''));
  const query = useCall(inboxesApi.get, () => ({ params: { id: inboxId.value } }), {
    enabled: () => Boolean(inboxId.value),
    // The last step waits for the first message.
    refetchInterval: (known) => (known?.lastEventAt ? false : 3000),
  });
  /** What the server made up for us: it is told once. */
  const generated = ref<Record<string, string>>({});
  const creation = useAction(inboxesApi.create, { refresh: [inboxesApi.list] });
  const form = useForm({
    initial: () => ({ name: '', botId: null as string | null }),
    submit: async ({ name, botId }): Promise<Inbox | null> => {
      const body: InboxInput = {
        name: name || channel.title,
        channel: channel.name,
        botId,
        credentials: {},
        settings: {},
        ...rest(),
      };
      try {
        return await creation.run({ body });
      } catch (failure) {
        if (await refused(failure)) return null;
        throw failure;
      }
    },
    done: (made) => {
      if (!made) return;
      const { generated: madeUp, ...inbox } = made;
      generated.value = madeUp ?? {};
      client.setQueryData(keyOf(inboxesApi.get, { params: { id: inbox.id } }), inbox);
      void router.replace({ query: { inbox: inbox.id } });
    },
  });
  return { form, inboxId, inbox: computed(() => query.data.value), generated };
}
