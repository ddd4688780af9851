import { z } from 'zod';
import { Id, Timestamp, line, prose, CursorQuery, cursored, IdParams, success } from './common.ts';
import { api, get, patch } from './declare.ts';
import { ChannelName } from './inboxes.ts';

export const Contact = z.object({
  id: Id,
  name: z.string(),
  email: z.string().nullable(),
  phone: z.string().nullable(),
  language: z.string().nullable(),
  tier: z.string(),
  attributes: z.record(z.string(), z.unknown()),
  notes: z.string(),
  /** the id a website knows the person by, proven by its signature */
  userId: z.string().nullable(),
  /** what a website said of the person without proof, e.g. `userId`, `email` */
  unverified: z.record(z.string(), z.string()),
  identities: z.array(z.object({ inboxId: Id, channel: ChannelName, externalId: z.string(), reachable: z.boolean() })),
  createdAt: Timestamp,
  lastSeenAt: Timestamp,
});
export type Contact = z.infer<typeof Contact>;
export const ContactPatch = z
  .strictObject({
    name: line(120),
    email: z.email().max(254).nullable(),
    phone: line(40).nullable(),
    tier: line(40),
    notes: prose(5000),
  })
  .partial();
export const ContactQuery = CursorQuery.extend({ q: prose(200).optional() });

export const contactsApi = api('Contacts', {
  list: get('/contacts', 'contacts:read', {
    summary: 'List contacts',
    query: ContactQuery,
    response: cursored(Contact),
  }),
  get: get('/contacts/:id', 'contacts:read', {
    summary: 'Read a contact',
    params: IdParams,
    response: success(Contact),
  }),
  update: patch('/contacts/:id', 'contacts:write', {
    summary: 'Change a contact',
    params: IdParams,
    body: ContactPatch,
    response: success(Contact),
  }),
});
