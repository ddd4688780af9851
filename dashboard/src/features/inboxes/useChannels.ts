import { type ChannelInfo, channelsApi } from '@parley/contract';
import { computed } from 'vue';
import { useCall } from '../../api/useCall.ts';
import { useSession } from '../../composables/useSession.ts';

/** The channels this installation can connect, with their forms. They change with the version alone. */
export function useChannels() {
  const { can } = useSession();
  const query = useCall(channelsApi.list, {}, { staleTime: Infinity, enabled: () => can('inboxes:read') });
  const channels = computed(() => query.data.value ?? []);
  const find = (name: string): ChannelInfo | undefined => channels.value.find((channel) => channel.name === name);
  /** As people know it; its name until that is known. */
  const titleOf = (name: string): string => find(name)?.title ?? name;
  return { query, channels, find, titleOf };
}
