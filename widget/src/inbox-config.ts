import type { WidgetConfig } from '@parley/contract';
import { createApi } from './api.ts';
import type { Settings } from './handoff.ts';
import type { Memory } from './memory.ts';

/** The settings of the inbox, and in which languages they were asked for. */
export type Known = WidgetConfig & { wanted: string };

export const wantedBy = ({ language }: Settings): string[] =>
  [language ?? [], document.documentElement.lang || [], navigator.languages].flat();

type From = { memory: Memory; settings: Settings };

/** What an earlier visit was told, if it was told in these languages. */
export function remembered({ memory, settings }: From): Known | null {
  try {
    const known = JSON.parse(memory.get('config') ?? 'null') as Known | null;
    return known?.wanted === wantedBy(settings).join() ? known : null;
  } catch {
    return null;
  }
}

export async function fetchConfig({ memory, settings }: From): Promise<Known | null> {
  const wanted = wantedBy(settings).join();
  const answer = await createApi(settings.base, settings.inbox, () => null).config(wanted);
  if (!answer.ok) return null;
  const known = { ...answer.data, wanted };
  memory.set('config', JSON.stringify(known));
  memory.set('look', `${known.accent} ${known.position}`);
  return known;
}
