import { z } from 'zod';

/** Shared shapes: ids, times, the envelope, paging. Times are ISO 8601 in UTC. */

export const Id = z.uuid();
export const Timestamp = z.iso.datetime({ offset: true }).max(40);

/** Text a person typed. NUL cannot be stored and means nothing to a reader, so it is dropped, as are lone surrogates. */
export const cleanText = (text: string): string => text.replaceAll('\u0000', '').toWellFormed();
export const line = (max: number) => z.string().transform(cleanText).pipe(z.string().trim().min(1).max(max));
export const optionalLine = (max: number) => z.string().transform(cleanText).pipe(z.string().trim().max(max));
export const prose = (max: number) => z.string().transform(cleanText).pipe(z.string().max(max));

export const FieldError = z.object({ field: z.string(), message: z.string() });
export type FieldError = z.infer<typeof FieldError>;

export const Failure = z.object({
  success: z.literal(false),
  error: z.object({ code: z.string(), message: z.string(), details: z.array(FieldError).optional() }),
});
export type Failure = z.infer<typeof Failure>;

/** An id the sender chose for a message, so that sending it again changes nothing. */
export const ClientId = z.string().transform(cleanText).pipe(z.string().min(1).max(100));

export const PageMeta = z.object({ page: z.int(), limit: z.int(), total: z.int() });
export const CursorMeta = z.object({ nextCursor: z.string().nullable() });
/** `total` counts all of the list, whatever the page. */
export const CountedCursorMeta = CursorMeta.extend({ total: z.int() });
export type PageMeta = z.infer<typeof PageMeta>;
export type CursorMeta = z.infer<typeof CursorMeta>;
export type CountedCursorMeta = z.infer<typeof CountedCursorMeta>;

export const success = <T extends z.ZodType>(data: T) => z.object({ success: z.literal(true), data });
export const paged = <T extends z.ZodType>(item: T) =>
  z.object({ success: z.literal(true), data: z.array(item), meta: PageMeta });
export const cursored = <T extends z.ZodType>(item: T) =>
  z.object({ success: z.literal(true), data: z.array(item), meta: CursorMeta });

export const countedCursored = <T extends z.ZodType>(item: T) =>
  z.object({ success: z.literal(true), data: z.array(item), meta: CountedCursorMeta });

/** A number in an address: digits and nothing else, so that "", "1e2" or "0x10" are not taken for one. */
export const queryNumber = (min: number, max: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value),
    z.int().min(min).max(max),
  );

// Strict, all of them: a filter nobody knows would list everything, which is the opposite of what was asked.
export const PageQuery = z.strictObject({
  page: queryNumber(1, 100_000).default(1),
  limit: queryNumber(1, 100).default(50),
});
export const CursorQuery = z.strictObject({
  cursor: prose(400).optional(),
  limit: queryNumber(1, 100).default(30),
});
export const IdParams = z.object({ id: Id });

/** Bytes have no shape to declare. */
export const FileBytes = z.unknown().describe('The bytes of the file.');

/** What a call answers when there is nothing to tell but that it is done. */
export const Done = z.object({ done: z.literal(true) });

export const MAX_MESSAGE_LENGTH = 100_000;
