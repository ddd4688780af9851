import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query';
import { createApp } from 'vue';
import { config } from 'zod';
import { statusOf } from './api/problem.ts';
import App from './app/App.vue';
import { i18n, preferredLocale, setLocale } from './i18n/index.ts';
import { createAppRouter } from './app/router.ts';
import './styles/main.css';

// The page's policy forbids code made of text, which Zod would try once and the browser report.
config({ jitless: true });

async function start(): Promise<void> {
  const client = new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        // Refusals do not change by asking again; a failure or a lost line may.
        retry: (count, error) => {
          const status = statusOf(error);
          return count < 2 && (status === 0 || status === null || status >= 500);
        },
        retryDelay: (count) => 500 * 2 ** count,
      },
      mutations: { networkMode: 'always' },
    },
  });
  await setLocale(preferredLocale());
  createApp(App).use(createAppRouter()).use(i18n).use(VueQueryPlugin, { queryClient: client }).mount('#app');
}

void start();
