import { membersApi } from '@parley/contract';
import type { Config } from '../../platform/config/config.ts';
import { notFound } from '../../platform/errors.ts';
import { actorOf, done, ok, page } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import { addRoutes } from '../../platform/http/routes.ts';
import type { Publish } from '../../platform/publish/publish.ts';
import type { Store } from '../../platform/data/tenant.ts';
import { effectsOfMember } from '../conversations/queries.ts';
import { membershipChanged } from './changes.ts';
import type { Mail } from '../mail/commands.ts';
import { languageOf } from '../mail/policy.ts';
import { findWorkspace } from '../workspaces/queries.ts';
import type { Limiter, MakeLimiter } from '../../platform/limits/limiter.ts';
import { changeRole, invite, removeMember, revokeInvitation } from './commands.ts';
import { factsUrgent } from '../messages/changes.ts';
import { presentInvitation, presentMember } from './present.ts';
import { countInvitationsOf, findMember, listInvitations, listMembers } from './queries.ts';

const INVITATION_MINUTES = 7 * 24 * 60;
const DAY = 86_400;

export function memberRoutes(
  http: Http,
  parts: { store: Store; publish: Publish; config: Pick<Config, 'publicUrl'>; mail: Mail; makeLimiter: MakeLimiter },
): void {
  const { store, publish, config, mail, makeLimiter } = parts;
  // Beyond it an invitation is made, and its link copied: nobody writes to strangers in our name without end.
  const mailed: [Limiter, (at: { workspaceId: string; email: string }) => string][] = [
    [makeLimiter('invite-mail-workspace', { capacity: 100, refillPerSecond: 100 / DAY }), (at) => at.workspaceId],
    [makeLimiter('invite-mail-address', { capacity: 3, refillPerSecond: 3 / DAY }), (at) => at.email],
  ];
  const mayMail = async (at: { workspaceId: string; email: string }): Promise<boolean> => {
    for (const [limiter, keyOf] of mailed) if (!(await limiter.take(keyOf(at))).allow) return false;
    return true;
  };

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
        // Their conversations wait for somebody.
        publish([membershipChanged(actor.workspaceId, { userId: member.userId }), factsUrgent(actor.workspaceId)]);
        return done();
      },

      previewDeletion: async (request) => {
        const { workspaceId } = actorOf(request);
        const { member, invitations } = await store.inControl(workspaceId, async (tx) => {
          const found = await findMember(tx, request.params.id);
          if (!found) throw notFound('The member');
          return { member: found, invitations: await countInvitationsOf(tx, found.userId) };
        });
        const effects = await store.inWorkspace(workspaceId, (tx) => effectsOfMember(tx, member.userId));
        const withdrawn = { what: 'invitations', count: invitations, becomes: 'withdrawn' } as const;
        return ok({ effects: invitations > 0 ? [...effects, withdrawn] : effects });
      },

      invite: async (request) => {
        const actor = actorOf(request);
        const { workspaceId, name } = actor;
        const { email } = request.body;
        const linkOf = (token: string): string => `${config.publicUrl}/accept-invite?token=${token}`;
        const isMailed = mail.delivery !== 'none' && (await mayMail({ workspaceId, email }));
        const { invitation, token, mailId } = await store.inControl(workspaceId, async (tx) => {
          const made = await invite(tx, actor, request.body);
          if (!isMailed) return { ...made, mailId: undefined };
          const workspace = (await findWorkspace(tx, workspaceId))?.name ?? '';
          // What is printed in the log went to no mailbox: using it proves nothing.
          const link = linkOf(mail.delivery === 'sent' ? made.mailedToken : made.token);
          const language = languageOf(request.headers['accept-language']);
          const values = { inviter: name, workspace, link };
          return {
            ...made,
            mailId: await mail.write(tx, {
              template: 'invitation',
              to: email,
              language,
              values,
              minutes: INVITATION_MINUTES,
            }),
          };
        });
        mail.dispatch([mailId]);
        const wasMailed = mailId !== undefined && mail.delivery === 'sent';
        return ok({ ...presentInvitation(invitation), inviteUrl: linkOf(token), mailed: wasMailed });
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
      invite: {
        description:
          'The link is told once and lasts a week. Inviting the same address again replaces it. Where mail is sent the address gets ' +
          'one with a link of its own, which also proves the address; the one told here does not.',
      },
    },
  );
}
