import { createSharedComposable, useIntervalFn } from '@vueuse/core';
import { computed, shallowRef } from 'vue';
import { useI18n } from 'vue-i18n';

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** One clock for all times on the screen. */
const useClock = createSharedComposable(() => {
  const now = shallowRef(new Date());
  useIntervalFn(() => {
    now.value = new Date();
  }, 15_000);
  return now;
});

const formatters = new Map<string, Intl.DateTimeFormat>();
/** Making one takes longer than using it a hundred times, and a list uses many. */
function formatter(region: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = region + JSON.stringify(options);
  const known = formatters.get(name) ?? new Intl.DateTimeFormat(region, options);
  formatters.set(name, known);
  return known;
}

/** Words for moments, in the reader's language and zone. Inputs are ISO 8601. */
export function useTime() {
  const { locale, t } = useI18n();
  const now = useClock();
  // The reader's region decides the clock and the order of dates, as long as it speaks the chosen language.
  const region = computed(() => navigator.languages.find((tag) => tag.startsWith(locale.value)) ?? locale.value);
  const secondsSince = (at: string): number => Math.max(0, Math.round((now.value.getTime() - Date.parse(at)) / 1000));

  const relative = (at: string): string => {
    const seconds = Math.round((Date.parse(at) - now.value.getTime()) / 1000);
    const step = steps.find(([, length]) => Math.abs(seconds) >= length);
    if (!step) return t('time.now');
    return new Intl.RelativeTimeFormat(region.value, { numeric: 'auto' }).format(
      Math.trunc(seconds / step[1]),
      step[0],
    );
  };
  /** "3 min", "2 h", "4 d": how long something lasts. */
  const length = (seconds: number): string => {
    if (seconds < 60) return t('time.underMinute');
    if (seconds < 3600) return t('time.minutes', { n: Math.floor(seconds / 60) });
    if (seconds < 86_400) return t('time.hours', { n: Math.floor(seconds / 3600) });
    return t('time.days', { n: Math.floor(seconds / 86_400) });
  };
  const brief = (at: string): string => {
    const seconds = secondsSince(at);
    if (seconds < 60) return t('time.now');
    if (seconds < 7 * 86_400) return length(seconds);
    return formatter(region.value, { day: 'numeric', month: 'short' }).format(new Date(at));
  };
  const exact = (at: string): string =>
    formatter(region.value, { dateStyle: 'full', timeStyle: 'medium' }).format(new Date(at));
  const clock = (at: string): string =>
    formatter(region.value, { hour: '2-digit', minute: '2-digit' }).format(new Date(at));
  const day = (at: string): string => {
    const date = new Date(at);
    const days = Math.round(
      (new Date(now.value).setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000,
    );
    if (days === 0) return t('time.today');
    if (days === 1) return t('time.yesterday');
    const sameYear = date.getFullYear() === now.value.getFullYear();
    return formatter(region.value, {
      weekday: 'long',
      day: 'numeric',
      month: 'long',
      ...(sameYear ? {} : { year: 'numeric' }),
    }).format(date);
  };
  return { relative, brief, length, secondsSince, exact, clock, day };
}
