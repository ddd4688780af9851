import { de } from './de.ts';
import { en } from './en.ts';
import { fi } from './fi.ts';
import type { MailTexts } from './types.ts';

/** A language is a file and a line here. */
export const mailTexts: Readonly<Record<string, MailTexts>> = { en, de, fi };
