import type { WidgetSettings } from '@parley/contract';

/** What the widget looks like where the inbox says nothing. The title's limit is shorter than the name's. */
export const fullSettings = (name: string, settings: Partial<WidgetSettings>): WidgetSettings => ({
  accent: settings.accent ?? '#4f46e5',
  title: settings.title ?? name.slice(0, 60),
  position: settings.position ?? 'right',
  allowedOrigins: settings.allowedOrigins ?? [],
});
