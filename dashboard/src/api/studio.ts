import type {
  ApiKey,
  ApiKeyCreated,
  ApiKeyInput,
  Ask,
  AskInput,
  Bot,
  BotPatch,
  Chunk,
  ChannelInfo,
  ChannelTemplate,
  Inbox,
  InboxCheck,
  InboxInput,
  InboxPatch,
  Invitation,
  InvitationCreated,
  KnowledgeBase,
  Member,
  PageMeta,
  Role,
  SearchHit,
  Source,
  SourceDetail,
  SourceInput,
  Trace,
} from '@parley/contract';
import type { z } from 'zod';
import { get, patch, post, remove, request, upload } from './client.ts';
import type { Query } from './transport.ts';

/** Lists of things that a workspace has few of are read whole. */
const all = <Item>(path: string) => get<Item[]>(path, { query: { limit: 100 } });
export type Listed<Item> = { items: Item[]; total: number };
async function listed<Item>(path: string, query: Query): Promise<Listed<Item>> {
  const { data, meta } = await request<Item[], PageMeta>('GET', path, { query });
  return { items: data, total: meta?.total ?? data.length };
}

export const listBases = () => all<KnowledgeBase>('/knowledge-bases');
export const getBase = (id: string) => get<KnowledgeBase>(`/knowledge-bases/${id}`);
export const createBase = (input: { name: string; description?: string }) =>
  post<KnowledgeBase>('/knowledge-bases', input);
export const updateBase = (id: string, changes: { name?: string; description?: string }) =>
  patch<KnowledgeBase>(`/knowledge-bases/${id}`, changes);
export const deleteBase = (id: string) => remove(`/knowledge-bases/${id}`);
export const searchBase = (id: string, query: string, limit = 8) =>
  post<SearchHit[]>(`/knowledge-bases/${id}/search`, { query, limit });

export const listSources = (baseId: string, query: Query) =>
  listed<Source>(`/knowledge-bases/${baseId}/sources`, query);
export const createSource = (baseId: string, input: z.input<typeof SourceInput>) =>
  post<Source>(`/knowledge-bases/${baseId}/sources`, input);
export const uploadDocument = (baseId: string, file: File) =>
  upload<Source>(`/knowledge-bases/${baseId}/documents`, file);
export const getSource = (id: string) => get<SourceDetail>(`/sources/${id}`);
export const updateSource = (id: string, changes: { title?: string; content?: string }) =>
  patch<Source>(`/sources/${id}`, changes);
export const retrySource = (id: string) => post<Source>(`/sources/${id}/retry`);
export const deleteSource = (id: string) => remove(`/sources/${id}`);
export const listChunks = (sourceId: string, page: number) =>
  listed<Chunk>(`/sources/${sourceId}/chunks`, { page, limit: 50 });

export const listBots = () => all<Bot>('/bots');
export const getBot = (id: string) => get<Bot>(`/bots/${id}`);
export const createBot = (input: { name: string; knowledgeBaseIds?: string[] }) => post<Bot>('/bots', input);
export const updateBot = (id: string, changes: z.input<typeof BotPatch>) => patch<Bot>(`/bots/${id}`, changes);
export const deleteBot = (id: string) => remove(`/bots/${id}`);
export const ask = (id: string, input: z.input<typeof AskInput>) => post<Ask>(`/bots/${id}/ask`, input);
export const getTrace = (id: string) => get<Trace>(`/traces/${id}`);

export const listInboxes = () => all<Inbox>('/inboxes');
export const getInbox = (id: string) => get<Inbox>(`/inboxes/${id}`);
export const createInbox = (input: z.input<typeof InboxInput>) => post<Inbox>('/inboxes', input);
export const updateInbox = (id: string, changes: z.input<typeof InboxPatch>) => patch<Inbox>(`/inboxes/${id}`, changes);
export const deleteInbox = (id: string) => remove(`/inboxes/${id}`);
export const listChannels = () => get<ChannelInfo[]>('/channels');
export const listTemplates = (id: string) => get<ChannelTemplate[]>(`/inboxes/${id}/templates`);
export const syncTemplates = (id: string) => post<ChannelTemplate[]>(`/inboxes/${id}/templates/sync`);
export const checkInbox = (id: string) => post<z.infer<typeof InboxCheck>>(`/inboxes/${id}/check`);

export const listMembers = () => all<Member>('/members');
export const listInvitations = () => all<Invitation>('/members/invitations');
export const invite = (email: string, role: Role) => post<InvitationCreated>('/members/invite', { email, role });
export const setRole = (memberId: string, role: Role) => patch<Member>(`/members/${memberId}`, { role });
export const removeMember = (memberId: string) => remove(`/members/${memberId}`);
export const listApiKeys = () => all<ApiKey>('/api-keys');
export const createApiKey = (input: z.input<typeof ApiKeyInput>) => post<ApiKeyCreated>('/api-keys', input);
export const revokeApiKey = (id: string) => remove(`/api-keys/${id}`);
export const revokeInvitation = (id: string) => remove(`/members/invitations/${id}`);
