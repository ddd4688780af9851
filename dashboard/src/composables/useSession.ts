import type { Permission } from '@parley/contract';
import { useQuery, useQueryClient } from '@tanstack/vue-query';
import { computed } from 'vue';
import * as account from '../api/account.ts';
import { signedIn } from '../api/session.ts';

export const meKey = ['me'] as const;

/** Who is signed in and what the server lets them do. Controls are hidden by permission; the server still decides. */
export function useSession() {
  const client = useQueryClient();
  const query = useQuery({ queryKey: meKey, queryFn: account.me, enabled: () => signedIn(), staleTime: 60_000 });
  const me = computed(() => query.data.value ?? null);
  const can = (permission: Permission): boolean => me.value?.permissions.includes(permission) ?? false;

  /** Leaves through a full load, so nothing of the old workspace stays in memory. */
  const reload = (path = '/') => location.assign(path);
  const signOut = async () => {
    try {
      await account.signOut();
    } finally {
      client.clear();
      reload('/sign-in');
    }
  };
  const switchTo = async (workspaceId: string) => {
    await account.switchWorkspace(workspaceId);
    client.clear();
    reload();
  };
  return { me, query, can, signOut, switchTo };
}
