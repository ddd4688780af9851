import { customType, timestamp, uuid } from 'drizzle-orm/pg-core';

/** A moment, read and written as a Date; the contract speaks ISO 8601. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
export const id = () => uuid('id').primaryKey();
export const workspaceId = () => uuid('workspace_id').notNull();
export const createdAt = () => moment('created_at').notNull().defaultNow();
export const updatedAt = () => moment('updated_at').notNull().defaultNow();
export const deletedAt = () => moment('deleted_at');

/** pgvector's half-precision vector without fixed dimensions: they depend on the embedding model. */
export const halfvec = customType<{ data: number[]; driverData: string }>({
  dataType: () => 'halfvec',
  toDriver: (vector) => `[${vector.join(',')}]`,
  fromDriver: (text) => JSON.parse(text) as number[],
});
