import { UserRoundPlus, Users } from '@lucide/vue';
import { meApi, membersApi } from '@parley/contract';
import { editCache } from '../../api/cache.ts';
import { defineFeature } from '../../app/feature.ts';

export default defineFeature({
  routes: {
    studio: [{ path: 'members', name: 'members', component: () => import('./MembersPage.vue') }],
  },
  navigation: [
    {
      in: 'workspace',
      order: 40,
      to: '/studio/members',
      label: 'studio.members',
      text: 'studio.membersText',
      icon: Users,
      permission: 'members:read',
    },
  ],
  commands: ({ t, can, router }) =>
    can('members:write')
      ? [
          {
            id: 'invite',
            label: t('members.invite'),
            icon: UserRoundPlus,
            run: () => void router.push('/studio/members?invite=1'),
          },
        ]
      : [],
  live: ({ client }) => ({
    'presence:changed': ({ userId, presence }) => {
      const cache = editCache(client);
      cache.change(meApi.get, {}, (me) => (me.user.id === userId ? { ...me, presence } : me));
      cache.changeItems(membersApi.list, {}, (member) => (member.userId === userId ? { ...member, presence } : member));
    },
  }),
});
