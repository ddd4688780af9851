import type { ChannelField } from '@parley/contract';
import { z } from 'zod';
import type { ZodObject } from 'zod';

const Meta = z.object({ title: z.string(), help: z.string().default(''), secret: z.boolean().default(false) });

/**
 * The form a schema asks for: each of its fields with the title, help and secrecy of its `meta`. Those in `optional` may be
 * left out although the schema wants them. Throws for a field without a title: nobody could fill it in.
 */
export const fieldsOf = (schema: ZodObject, optional: readonly string[] = []): ChannelField[] =>
  Object.entries(schema.shape).map(([name, field]) => {
    const described = field as z.ZodType;
    const { title, help, secret } = Meta.parse(described.meta() ?? {});
    const required = !optional.includes(name) && !described.safeParse(undefined).success;
    return { name, label: title, secret, required, help };
  });
