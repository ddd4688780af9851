import { BookOpen, Bot, Cable, Layers, Settings, Users, Webhook } from '@lucide/vue';
import { computed } from 'vue';
import { useI18n } from 'vue-i18n';
import { useSession } from '../../composables/useSession.ts';

/** The studio's places that this person may open. */
export function useStudioPlaces() {
  const { can } = useSession();
  const { t } = useI18n();
  return computed(() =>
    [
      {
        title: t('studio.answers'),
        places: [
          {
            to: '/studio/bots',
            label: t('studio.bots'),
            text: t('studio.botsText'),
            icon: Bot,
            show: can('bots:read'),
          },
          {
            to: '/studio/knowledge',
            label: t('studio.knowledge'),
            text: t('studio.knowledgeText'),
            icon: BookOpen,
            show: can('knowledge:read'),
          },
          {
            to: '/studio/inboxes',
            label: t('studio.inboxes'),
            text: t('studio.inboxesText'),
            icon: Cable,
            show: can('inboxes:read'),
          },
        ].filter((place) => place.show),
      },
      {
        title: t('studio.workspace'),
        places: [
          {
            to: '/studio/members',
            label: t('studio.members'),
            text: t('studio.membersText'),
            icon: Users,
            show: can('members:read'),
          },
          {
            to: '/studio/webhooks',
            label: t('studio.webhooks'),
            text: t('studio.webhooksText'),
            icon: Webhook,
            show: can('webhooks:read'),
          },
          {
            to: '/studio/settings',
            label: t('studio.settings'),
            text: t('studio.settingsText'),
            icon: Settings,
            show: true,
          },
        ].filter((place) => place.show),
      },
      {
        title: t('studio.installation'),
        places: [
          {
            to: '/studio/queues',
            label: t('studio.queues'),
            text: t('studio.queuesText'),
            icon: Layers,
            show: can('queues:read'),
          },
        ].filter((place) => place.show),
      },
    ].filter((group) => group.places.length > 0),
  );
}
