import { Moon, SlidersHorizontal, Sun } from '@lucide/vue';
import { ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { useRouter } from 'vue-router';
import { useAppearance } from '../composables/useAppearance.ts';
import { useCommands } from '../composables/useCommands.ts';
import { useSession } from '../composables/useSession.ts';
import { useShortcuts } from '../composables/useShortcuts.ts';
import { useToasts } from '../composables/useToasts.ts';
import { studioGroups } from './feature.ts';
import { features } from './features.ts';
import { useNavItems } from './useNavItems.ts';

/** The shell's own keys, and where the command bar leads. */
export function useNavigation() {
  const router = useRouter();
  const appearance = useAppearance();
  const { can } = useSession();
  const itemsIn = useNavItems();
  const { undoLast } = useToasts();
  const { t } = useI18n();
  const commandsOpen = ref(false);
  const sheetOpen = ref(false);

  useShortcuts({
    'mod+k': () => {
      commandsOpen.value = !commandsOpen.value;
    },
    '?': () => {
      sheetOpen.value = true;
    },
    z: () => undoLast(),
  });
  useCommands(() => {
    const group = t('commands.go');
    const dark = document.documentElement.dataset['theme'] === 'dark';
    const items = (['rail', ...studioGroups] as const).flatMap(itemsIn);
    const own = features.flatMap((feature) => feature.commands?.({ t, can, router }) ?? []);
    return [
      ...items.map(({ to, label, icon }) => ({ id: to, label, icon, group, run: () => void router.push(to) })),
      ...own.map((command) => ({ ...command, group })),
      {
        id: 'theme',
        label: dark ? t('commands.light') : t('commands.dark'),
        icon: dark ? Sun : Moon,
        group: t('commands.settings'),
        run: () => {
          appearance.value.theme = dark ? 'light' : 'dark';
        },
      },
      {
        id: 'density',
        label: appearance.value.density === 'dense' ? t('commands.comfortable') : t('commands.dense'),
        icon: SlidersHorizontal,
        group: t('commands.settings'),
        run: () => {
          appearance.value.density = appearance.value.density === 'dense' ? 'comfortable' : 'dense';
        },
      },
    ];
  });
  return { commandsOpen, sheetOpen };
}
