import type { FailedJob, PageMeta, Queue, Replayed } from '@parley/contract';
import { get, post, request } from './client.ts';

const at = (name: string) => `/queues/${encodeURIComponent(name)}`;

export const listQueues = () => get<Queue[]>('/queues');
export async function listFailedJobs(name: string, page: number, limit: number) {
  const { data, meta } = await request<FailedJob[], PageMeta>('GET', `${at(name)}/failed`, { query: { page, limit } });
  return { items: data, total: meta?.total ?? data.length };
}
export const pauseQueue = (name: string) => post<Queue>(`${at(name)}/pause`);
export const resumeQueue = (name: string) => post<Queue>(`${at(name)}/resume`);
export const replayJob = (name: string, id: string) =>
  post<Replayed>(`${at(name)}/failed/${encodeURIComponent(id)}/replay`);
export const replayAll = (name: string) => post<Replayed>(`${at(name)}/replay`);
