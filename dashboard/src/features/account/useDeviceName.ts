import type { DeviceName } from '@parley/contract';
import { useI18n } from 'vue-i18n';

/** What people call a device: "Firefox on Windows". */
export function useDeviceName() {
  const { t } = useI18n();
  return ({ kind, browser, system }: DeviceName): string => {
    if (browser && system) return t('account.browserOn', { browser, system });
    return browser ?? system ?? t(`account.sessionKind.${kind}`);
  };
}
