import { watchEffect } from 'vue';
import { useNews } from './useNews.ts';

/** "Inbox · Parley"; the screen's own name first, since tabs cut from the right, and before it how many wait newly. */
export function useDocumentTitle(title: () => string | null | undefined): void {
  const { count, settings } = useNews();
  watchEffect(() => {
    const name = title();
    const news = settings.value.title && count.value > 0 ? `(${count.value}) ` : '';
    document.title = news + (name ? `${name} · Parley` : 'Parley');
  });
}
