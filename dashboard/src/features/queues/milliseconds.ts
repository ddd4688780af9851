import { useI18n } from 'vue-i18n';
import { useTime } from '../../composables/useTime.ts';

/** Waits of machines: "4 ms", "1.2 s", and as for people from a minute on. */
export function useMilliseconds() {
  const { locale, t } = useI18n();
  const { length } = useTime();
  const short = (value: number) => new Intl.NumberFormat(locale.value, { maximumFractionDigits: 1 }).format(value);
  return (milliseconds: number): string => {
    if (milliseconds < 1000) return t('queues.milliseconds', { n: short(Math.round(milliseconds)) });
    return milliseconds < 60_000 ? t('queues.seconds', { n: short(milliseconds / 1000) }) : length(milliseconds / 1000);
  };
}
