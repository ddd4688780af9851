import type {
  AgentMessageInput,
  Attachment,
  Contact,
  Conversation,
  ConversationCounts,
  CursorMeta,
  Handoff,
  Message,
} from '@parley/contract';
import type { z } from 'zod';
import { download, get, patch, post, put, request, text, upload } from './client.ts';
import type { Query } from './transport.ts';

export type Page<Item> = { items: Item[]; nextCursor: string | null };

async function page<Item>(path: string, query: Query, signal?: AbortSignal): Promise<Page<Item>> {
  const { data, meta } = await request<Item[], CursorMeta>('GET', path, signal ? { query, signal } : { query });
  return { items: data, nextCursor: meta?.nextCursor ?? null };
}

export const listConversations = (query: Query, signal?: AbortSignal) =>
  page<Conversation>('/conversations', query, signal);
export const conversationCounts = () => get<ConversationCounts>('/conversations/counts');
export const getConversation = (id: string) => get<Conversation>(`/conversations/${id}`);
/** Newest first. */
export const listMessages = (id: string, cursor?: string | null) =>
  page<Message>(`/conversations/${id}/messages`, { cursor, limit: 50 });
/** Everything after a known sequence number, oldest first. */
export const messagesAfter = (id: string, after: number, cursor?: string | null) =>
  page<Message>(`/conversations/${id}/messages`, { after, cursor, limit: 100 });
export const sendMessage = (id: string, input: z.input<typeof AgentMessageInput>) =>
  post<Message>(`/conversations/${id}/messages`, input);
export const retryMessage = (id: string) => post<Message>(`/messages/${id}/retry`);
export const markRead = (id: string) => post<unknown>(`/conversations/${id}/read`);

export type ConversationAction = 'take-over' | 'return-to-bot' | 'resolve' | 'reopen';
export const act = (id: string, action: ConversationAction) => post<Conversation>(`/conversations/${id}/${action}`);
export const assign = (id: string, agentId: string | null) =>
  post<Conversation>(`/conversations/${id}/assign`, { agentId });
export const snooze = (id: string, until: string) => post<Conversation>(`/conversations/${id}/snooze`, { until });
export const setLabels = (id: string, labels: string[]) => put<Conversation>(`/conversations/${id}/labels`, { labels });

export const listHandoffs = () => get<Handoff[]>('/handoffs');
export const pickUp = (id: string) => post<{ conversationId: string; handoffId: string }>(`/handoffs/${id}/pick-up`);

export const getContact = (id: string) => get<Contact>(`/contacts/${id}`);
export const updateContact = (id: string, changes: { name?: string; email?: string | null; notes?: string }) =>
  patch<Contact>(`/contacts/${id}`, changes);

export const uploadFile = (file: File) => upload<Attachment>('/files', file);
export const fileText = (id: string) => text(`/files/${id}`);
export const downloadFile = (file: { id: string; name: string }) => download(`/files/${file.id}`, file.name);
