import type { InvitationCreated, Me, Member } from '@parley/contract';
import type { Making, WalkExample } from '../../test/security/examples.ts';

declare module '../../test/security/examples.ts' {
  interface Kinds {
    user: string;
    member: string;
    invitation: string;
    invitationToken: string;
  }
}

const invite = ({ post, mark }: Making, suffix: string) =>
  post<InvitationCreated>('/members/invite', { email: `${mark}${suffix}@x.test`, role: 'agent' });

export const example: WalkExample = {
  make: {
    user: async ({ call }) => (await call<Me>('GET', '/me')).user.id,
    member: async ({ call, id }) => {
      const user = await id('user');
      return (await call<Member[]>('GET', '/members')).find(({ userId }) => userId === user)?.id ?? '';
    },
    invitation: async (making) => (await invite(making, '')).id,
    // Of another one: the link is told once.
    invitationToken: async (making) => new URL((await invite(making, '-2')).inviteUrl).searchParams.get('token') ?? '',
  },
  segments: { members: 'member', invitations: 'invitation', 'auth/invitations': 'invitationToken' },
  fields: { agentId: 'user', assigneeId: 'user', userId: 'user' },
};
