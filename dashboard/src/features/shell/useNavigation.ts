import {
  BookOpen,
  Bot,
  Cable,
  Inbox,
  Layers,
  Moon,
  Settings,
  SlidersHorizontal,
  Sun,
  UserRoundPlus,
  Users,
  Hourglass,
  Webhook,
} from '@lucide/vue';
import { ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { useRouter } from 'vue-router';
import { useAppearance } from '../../composables/useAppearance.ts';
import { useCommands } from '../../composables/useCommands.ts';
import { useSession } from '../../composables/useSession.ts';
import { useShortcuts } from '../../composables/useShortcuts.ts';
import { useToasts } from '../../composables/useToasts.ts';

/** The shell's own keys and the places the command bar leads to. */
export function useNavigation() {
  const router = useRouter();
  const appearance = useAppearance();
  const { can } = useSession();
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
    const places = [
      {
        id: 'inbox',
        label: t('shell.inbox'),
        icon: Inbox,
        show: can('conversations:read'),
        run: () => router.push('/inbox/open'),
      },
      {
        id: 'queue',
        label: t('shell.queue'),
        icon: Hourglass,
        show: can('handoffs:read'),
        run: () => router.push('/queue'),
      },
      {
        id: 'bots',
        label: t('studio.bots'),
        icon: Bot,
        show: can('bots:read'),
        run: () => router.push('/studio/bots'),
      },
      {
        id: 'knowledge',
        label: t('studio.knowledge'),
        icon: BookOpen,
        show: can('knowledge:read'),
        run: () => router.push('/studio/knowledge'),
      },
      {
        id: 'inboxes',
        label: t('studio.inboxes'),
        icon: Cable,
        show: can('inboxes:read'),
        run: () => router.push('/studio/inboxes'),
      },
      {
        id: 'members',
        label: t('studio.members'),
        icon: Users,
        show: can('members:read'),
        run: () => router.push('/studio/members'),
      },
      {
        id: 'webhooks',
        label: t('studio.webhooks'),
        icon: Webhook,
        show: can('webhooks:read'),
        run: () => router.push('/studio/webhooks'),
      },
      {
        id: 'settings',
        label: t('studio.settings'),
        icon: Settings,
        show: true,
        run: () => router.push('/studio/settings'),
      },
      {
        id: 'queues',
        label: t('studio.queues'),
        icon: Layers,
        show: can('queues:read'),
        run: () => router.push('/studio/queues'),
      },
      {
        id: 'invite',
        label: t('members.invite'),
        icon: UserRoundPlus,
        show: can('members:write'),
        run: () => router.push('/studio/members?invite=1'),
      },
    ];
    return [
      ...places
        .filter((place) => place.show)
        .map(({ id, label, icon, run }) => ({ id, label, icon, group, run: () => void run() })),
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
