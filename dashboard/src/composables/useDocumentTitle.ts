import { watchEffect } from 'vue';

/** "Inbox · Parley"; the screen's own name first, since tabs cut from the right. */
export function useDocumentTitle(title: () => string | null | undefined): void {
  watchEffect(() => {
    const name = title();
    document.title = name ? `${name} · Parley` : 'Parley';
  });
}
