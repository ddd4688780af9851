import { MAX_DOCUMENT_MB } from '@parley/contract/limits';
import { computed, ref, type Ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { describeProblem } from '../../api/problem.ts';
import { uploadDocument } from '../../api/studio.ts';
import { useSession } from '../../composables/useSession.ts';

const MB = 1024 * 1024;

export type Upload = { key: number; file: File; state: 'waiting' | 'sending' | 'failed'; reason: string | null };

/** Sends files two at a time; what arrived leaves the list, what failed stays with its reason. */
export function useUploads(baseId: Ref<string>, arrived: () => void) {
  const { t } = useI18n();
  const { me } = useSession();
  const most = computed(() => me.value?.limits.documentBytes ?? MAX_DOCUMENT_MB * MB);
  const uploads = ref<Upload[]>([]);
  let next = 1;
  let running = 0;

  const set = (key: number, changes: Partial<Upload>) => {
    uploads.value = uploads.value.map((item) => (item.key === key ? { ...item, ...changes } : item));
  };
  const dismiss = (key: number) => {
    uploads.value = uploads.value.filter((item) => item.key !== key);
  };
  async function run(item: Upload): Promise<void> {
    running += 1;
    set(item.key, { state: 'sending' });
    try {
      await uploadDocument(baseId.value, item.file);
      dismiss(item.key);
      arrived();
    } catch (error) {
      const problem = describeProblem(error);
      set(item.key, { state: 'failed', reason: problem.message ?? t(`problem.${problem.kind}.text`) });
    } finally {
      running -= 1;
      startNext();
    }
  }
  function startNext(): void {
    const waiting = uploads.value.find((item) => item.state === 'waiting');
    if (waiting && running < 2) void run(waiting).then(startNext);
  }
  function upload(files: File[]): void {
    const added = files.map((file): Upload => {
      const tooLarge = file.size > most.value;
      return {
        key: next++,
        file,
        state: tooLarge ? 'failed' : 'waiting',
        reason: tooLarge ? t('knowledge.tooLarge', { most: Math.floor(most.value / MB) }) : null,
      };
    });
    uploads.value = [...uploads.value, ...added];
    startNext();
    startNext();
  }
  return { uploads, upload, dismiss, most: computed(() => Math.floor(most.value / MB)) };
}
