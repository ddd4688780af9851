import { computed } from 'vue';
import { useI18n } from 'vue-i18n';
import { useSession } from '../composables/useSession.ts';
import { type NavItem, studioGroups } from './feature.ts';
import { features } from './features.ts';

export const navItems = features
  .flatMap((feature) => feature.navigation ?? [])
  .toSorted((one, other) => one.order - other.order);

/** The parts that this person may open, in their words. */
export function useNavItems() {
  const { can } = useSession();
  const { t } = useI18n();
  return (where: NavItem['in']) =>
    navItems
      .filter((item) => item.in === where && (!item.permission || can(item.permission)))
      .map((item) => ({ ...item, label: t(item.label), text: item.text ? t(item.text) : '' }));
}

/** The studio's menu without empty groups. */
export function useStudioMenu() {
  const { t } = useI18n();
  const itemsIn = useNavItems();
  return computed(() =>
    studioGroups
      .map((name) => ({ title: t(`studio.${name}`), items: itemsIn(name) }))
      .filter((group) => group.items.length > 0),
  );
}
