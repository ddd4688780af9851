import { readonly, ref } from 'vue';
import { describeProblem } from '../api/problem.ts';
import { i18n } from '../i18n/index.ts';

export type Toast = {
  id: number;
  text: string;
  tone: 'ok' | 'news' | 'danger';
  requestId?: string;
  undo?: () => void;
  open?: () => void;
};

/** An action can be taken back for this long. */
export const undoMilliseconds = 5000;
const toasts = ref<Toast[]>([]);
let next = 1;

function close(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

function add(toast: Omit<Toast, 'id'>, milliseconds: number): number {
  const id = next++;
  toasts.value = [...toasts.value.slice(-2), { ...toast, id }];
  setTimeout(() => close(id), milliseconds);
  return id;
}

export function useToasts() {
  const tell = (text: string) => add({ text, tone: 'ok' }, 4000);
  const tellUndoable = (text: string, undo: () => void) => {
    const id = add(
      {
        text,
        tone: 'ok',
        undo: () => {
          close(id);
          undo();
        },
      },
      undoMilliseconds,
    );
  };
  /** Something happened that nobody here did; often nothing good. */
  const tellNews = (text: string, open?: () => void) => {
    add({ text, tone: 'news', ...(open ? { open } : {}) }, 8000);
  };
  /** Says what failed and why; `what` is a whole sentence about the thing. */
  const tellProblem = (what: string, error: unknown) => {
    const problem = describeProblem(error);
    const why = problem.message ?? i18n.global.t(`problem.${problem.kind}.text`);
    add(
      { text: `${what} ${why}`, tone: 'danger', ...(problem.requestId ? { requestId: problem.requestId } : {}) },
      9000,
    );
  };
  /** The newest notice that can be taken back, for ⌘Z. */
  const undoLast = () => toasts.value.findLast((toast) => toast.undo)?.undo?.();
  return { toasts: readonly(toasts), tell, tellUndoable, tellNews, tellProblem, undoLast, close };
}
