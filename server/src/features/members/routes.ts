import {
  Done,
  IdParams,
  Invitation,
  InvitationCreated,
  InviteInput,
  Member,
  MemberPatch,
  PageQuery,
  paged,
  success,
} from '@parley/contract';
import type { Config } from '../../platform/config.ts';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { Store } from '../../platform/tenant.ts';
import type { Wake } from '../../platform/wake.ts';
import { changeRole, invite, removeMember, revokeInvitation } from './commands.ts';
import { presentInvitation, presentMember } from './present.ts';
import { listInvitations, listMembers } from './queries.ts';
import { MEMBERSHIP_CHANGED, membershipKey } from './topics.ts';

const tags = ['Members'];

export function memberRoutes(
  http: Http,
  { store, wake, config }: { store: Store; wake: Wake; config: Pick<Config, 'publicUrl'> },
): void {
  http.get(
    '/members',
    {
      config: { permission: 'members:read' },
      schema: { tags, summary: 'List members', querystring: PageQuery, response: { 200: paged(Member) } },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const { rows, total } = await store.inControl(workspaceId, (tx) => listMembers(tx, request.query));
      return page(rows.map(presentMember), { ...request.query, total });
    },
  );

  http.patch(
    '/members/:id',
    {
      config: { permission: 'members:write' },
      schema: {
        tags,
        summary: 'Change the role of a member',
        params: IdParams,
        body: MemberPatch,
        response: { 200: success(Member) },
      },
    },
    async (request) => {
      const actor = actorOf(request);
      const member = await store.inControl(actor.workspaceId, (tx) =>
        changeRole(tx, actor, request.params.id, request.body.role),
      );
      wake.wake(MEMBERSHIP_CHANGED, membershipKey(actor.workspaceId, member.userId));
      return ok(presentMember(member));
    },
  );

  http.delete(
    '/members/:id',
    {
      // Agents may leave; whom else one may remove is the command's to say.
      config: { permission: 'members:read' },
      schema: {
        tags,
        summary: 'Remove a member, or leave',
        description: 'Everybody may remove themselves; others need `members:write`.',
        params: IdParams,
        response: { 200: success(Done) },
      },
    },
    async (request) => {
      const actor = actorOf(request);
      const member = await store.inControl(actor.workspaceId, (tx) => removeMember(tx, actor, request.params.id));
      wake.wake(MEMBERSHIP_CHANGED, membershipKey(actor.workspaceId, member.userId));
      return done();
    },
  );

  http.post(
    '/members/invite',
    {
      config: { permission: 'members:write' },
      schema: {
        tags,
        summary: 'Invite a colleague',
        description: 'The link is told once and lasts a week. Inviting the same address again replaces it.',
        body: InviteInput,
        response: { 201: success(InvitationCreated) },
      },
    },
    async (request) => {
      const actor = actorOf(request);
      const { invitation, token } = await store.inControl(actor.workspaceId, (tx) => invite(tx, actor, request.body));
      const inviteUrl = `${config.publicUrl}/accept-invite?token=${token}`;
      return ok({ ...presentInvitation(invitation), inviteUrl });
    },
  );

  http.get(
    '/members/invitations',
    {
      config: { permission: 'members:write' },
      schema: {
        tags,
        summary: 'List pending invitations',
        querystring: PageQuery,
        response: { 200: paged(Invitation) },
      },
    },
    async (request) => {
      const { workspaceId } = actorOf(request);
      const { rows, total } = await store.inControl(workspaceId, (tx) => listInvitations(tx, request.query));
      return page(rows.map(presentInvitation), { ...request.query, total });
    },
  );

  http.delete(
    '/members/invitations/:id',
    {
      config: { permission: 'members:write' },
      schema: { tags, summary: 'Revoke an invitation', params: IdParams, response: { 200: success(Done) } },
    },
    async (request) => {
      const actor = actorOf(request);
      await store.inControl(actor.workspaceId, (tx) => revokeInvitation(tx, actor, request.params.id));
      return done();
    },
  );
}
