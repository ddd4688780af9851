import { z } from 'zod';
import { Done, IdParams, PageQuery, paged, success } from './common.ts';
import { Deletion } from './deletions.ts';
import { api, get, patch, post, remove } from './declare.ts';
import { Invitation, InvitationCreated, InviteInput, Member, MemberPatch, Presence } from './people.ts';

/** agent → server */
export const memberEvents = {
  'agent:join': z.strictObject({ status: Presence.optional() }),
};

export const membersApi = api('Members', {
  list: get('/members', 'members:read', { summary: 'List members', query: PageQuery, response: paged(Member) }),
  update: patch('/members/:id', 'members:write', {
    summary: 'Change the role of a member',
    params: IdParams,
    body: MemberPatch,
    response: success(Member),
  }),
  previewDeletion: get('/members/:id/deletion', 'members:read', {
    summary: 'What the deletion of a member takes with it, and what becomes of the rest',
    params: IdParams,
    response: success(Deletion),
  }),
  remove: remove('/members/:id', 'members:read', {
    summary: 'Remove a member, or leave',
    params: IdParams,
    response: success(Done),
  }),
  invite: post('/members/invite', 'members:write', {
    summary: 'Invite a colleague',
    body: InviteInput,
    status: 201,
    response: success(InvitationCreated),
  }),
  listInvitations: get('/members/invitations', 'members:write', {
    summary: 'List pending invitations',
    query: PageQuery,
    response: paged(Invitation),
  }),
  revokeInvitation: remove('/members/invitations/:id', 'members:write', {
    summary: 'Revoke an invitation',
    params: IdParams,
    response: success(Done),
  }),
});
