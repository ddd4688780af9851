import { authApi, meApi, type Permission } from '@parley/contract';
import { useQueryClient } from '@tanstack/vue-query';
import { computed } from 'vue';
import { call } from '../api/client.ts';
import { keepLogin, signedIn, signOut as endLogin } from '../api/session.ts';
import { useCall } from '../api/useCall.ts';
import { forgetDrafts } from './useDrafts.ts';

/** Who is signed in and what the server lets them do. Controls are hidden by permission; the server still decides. */
export function useSession() {
  const client = useQueryClient();
  const query = useCall(meApi.get, {}, { enabled: () => signedIn(), staleTime: 60_000 });
  const me = computed(() => query.data.value ?? null);
  const can = (permission: Permission): boolean => me.value?.permissions.includes(permission) ?? false;

  /** Leaves through a full load, so nothing of the old person or workspace stays in memory. */
  const signOut = async () => {
    try {
      await endLogin();
    } finally {
      forgetDrafts();
      location.replace('/sign-in');
    }
  };
  const switchTo = async (workspaceId: string) => {
    keepLogin(await call(authApi.switchWorkspace, { body: { workspaceId } }));
    client.clear();
    location.assign('/');
  };
  return { me, query, can, signOut, switchTo };
}
