/**
 * Loaded into every process of the suite: a guarded write that was refused leaves a line in the file CHAOS_NOTES names,
 * since a refusal is no failure and nobody outside hears of it.
 */
import { appendFileSync } from 'node:fs';
import { patchSources } from './patch.ts';
import type { Patch } from './patch.ts';

const file = process.env.CHAOS_NOTES;
Reflect.set(globalThis, 'chaosNote', (what: string) => {
  if (file) appendFileSync(file, `${what}\n`);
});

const note = (what: string): string => `Reflect.get(globalThis, 'chaosNote')('${what}')`;

export const observations: Patch[] = [
  {
    file: '/features/messages/commands.ts',
    from: "if (!accepted || !threadId || !status) return { outcome: 'refused' };",
    to: `if (!accepted || !threadId || !status) { ${note('refused message')}; return { outcome: 'refused' }; }`,
  },
  {
    file: '/turn/turn.ts',
    from: 'if (!finished) throw new LeaseLost();',
    to: `if (!finished) { ${note('refused end')}; throw new LeaseLost(); }`,
  },
  {
    file: '/turn/mailbox.ts',
    from: 'if (!(await renewThread(store, key.workspaceId, lease))) lost.abort(new LeaseLost());',
    to: `if (!(await renewThread(store, key.workspaceId, lease))) { ${note('refused renewal')}; lost.abort(new LeaseLost()); }`,
  },
];
patchSources(observations);
