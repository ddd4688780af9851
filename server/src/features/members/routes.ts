import { membersApi } from '@parley/contract';
import type { Config } from '../../platform/config/config.ts';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { membershipChanged } from './changes.ts';
import { changeRole, invite, removeMember, revokeInvitation } from './commands.ts';
import { presentInvitation, presentMember } from './present.ts';
import { listInvitations, listMembers } from './queries.ts';

export function memberRoutes(
  http: Http,
  { store, publish, config }: { store: Store; publish: Publish; config: Pick<Config, 'publicUrl'> },
): void {
  addRoutes(
    http,
    membersApi,
    {
      list: async (request) => {
        const { workspaceId } = actorOf(request);
        const { rows, total } = await store.inControl(workspaceId, (tx) => listMembers(tx, request.query));
        return page(rows.map(presentMember), { ...request.query, total });
      },

      update: async (request) => {
        const actor = actorOf(request);
        const member = await store.inControl(actor.workspaceId, (tx) =>
          changeRole(tx, actor, request.params.id, request.body.role),
        );
        publish([membershipChanged(actor.workspaceId, { userId: member.userId })]);
        return ok(presentMember(member));
      },

      remove: async (request) => {
        const actor = actorOf(request);
        const member = await store.inControl(actor.workspaceId, (tx) => removeMember(tx, actor, request.params.id));
        publish([membershipChanged(actor.workspaceId, { userId: member.userId })]);
        return done();
      },

      invite: async (request) => {
        const actor = actorOf(request);
        const { invitation, token } = await store.inControl(actor.workspaceId, (tx) => invite(tx, actor, request.body));
        const inviteUrl = `${config.publicUrl}/accept-invite?token=${token}`;
        return ok({ ...presentInvitation(invitation), inviteUrl });
      },

      listInvitations: async (request) => {
        const { workspaceId } = actorOf(request);
        const { rows, total } = await store.inControl(workspaceId, (tx) => listInvitations(tx, request.query));
        return page(rows.map(presentInvitation), { ...request.query, total });
      },

      revokeInvitation: async (request) => {
        const actor = actorOf(request);
        await store.inControl(actor.workspaceId, (tx) => revokeInvitation(tx, actor, request.params.id));
        return done();
      },
    },
    {
      remove: { description: 'Everybody may remove themselves; others need `members:write`.' },
      invite: { description: 'The link is told once and lasts a week. Inviting the same address again replaces it.' },
    },
  );
}
