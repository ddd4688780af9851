import { useQueryClient } from '@tanstack/vue-query';
import { watch } from 'vue';
import { type RouteLocationNormalizedLoaded, useRouter } from 'vue-router';
import { departure } from '../api/session.ts';

/** The sign-in page, which leads back to where one is. */
export const signInFrom = ({ fullPath }: Pick<RouteLocationNormalizedLoaded, 'fullPath'>) => ({
  name: 'sign-in',
  query: fullPath === '/' ? {} : { next: fullPath },
});

/** Leaves the page when nothing on it may be shown any more: by a full load, so that nothing of it stays in memory. */
export function useDeparture(): typeof departure {
  const client = useQueryClient();
  const router = useRouter();
  watch(
    departure,
    (why) => {
      if (!why) return;
      const here = router.currentRoute.value;
      if (here.meta['open']) {
        // Nobody's data is here.
        departure.value = null;
        return;
      }
      client.clear();
      // Whoever left by themselves is led on when the server has heard of it.
      if (why !== 'left') location.replace(why === 'ended' ? router.resolve(signInFrom(here)).href : '/');
    },
    { flush: 'sync', immediate: true },
  );
  return departure;
}
