import type { MailItem } from '@parley/contract';
import { z } from 'zod';
import { DecryptError } from '../../platform/security/crypto.ts';
import type { Keyring } from '../../platform/security/crypto.ts';
import { renderMail } from './render.ts';
import type { MailValues } from './render.ts';
import type { MailRow } from './table.ts';

const Values = z.record(z.string(), z.string());

/** What a stored mail is filled with. @throws DecryptError */
export function openMail(keyring: Keyring, { id, content }: { id: string; content: string }): MailValues {
  const values = Values.safeParse(JSON.parse(keyring.decrypt(content, id)));
  if (!values.success) throw new DecryptError('it holds something else');
  return values.data;
}

/** What a mail says that is still kept; null for one that is gone or cannot be read. */
export function readMessage(keyring: Keyring, row: MailRow, publicUrl: string): MailItem['message'] {
  const { id, template, language, recipient: to, content } = row;
  if (content === null) return null;
  try {
    const { subject, text, link } = renderMail(
      { template, language, to, values: openMail(keyring, { id, content }) },
      publicUrl,
    );
    return { subject, text, link };
  } catch (error) {
    if (error instanceof DecryptError) return null;
    throw error;
  }
}
