import { z } from 'zod';

// What settings take. Each description reads on after the variable's name; it is the error.

const isHttpAddress = (value: string): boolean => /^https?:\/\/[^\s/]+/i.test(value) && URL.canParse(value);
const withoutSlash = (value: string): string => value.replace(/\/+$/, '');

/** Without slashes at the end. */
export const httpAddress = () =>
  z.string().refine(isHttpAddress).transform(withoutSlash).describe('takes an http:// or https:// address');

export const anyText = () => z.string().describe('takes a text');

export const addressOf = (protocols: string[]) =>
  z
    .string()
    .refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol))
    .describe(`takes an address that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`);

/** What wraps a schema does not have its description, so that comes last. */
export const wholeNumber = (from: number, to: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .refine((value) => value >= from && value <= to)
    .describe(`takes a whole number from ${from} to ${to}`);

/** For how long a table that is kept by month is kept. */
export const wholeMonths = () =>
  z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number)
    .describe('takes a number of months, or 0 to keep them for ever');

export const commaList = (value: string): string[] =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
