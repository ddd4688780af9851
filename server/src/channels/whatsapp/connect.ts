/** What is asked of WhatsApp beside sending: connecting, templates, typing. Errors say in words what is wrong. */
import type { ChannelTemplate } from '@parley/contract';
import { z } from 'zod';
import { badRequest } from '../../platform/errors.ts';
import type { ChannelHttp, Connection, SendContext } from '../contract.ts';
import { callGraph, refused } from './api.ts';
import type { WhatsappCredentials } from './credentials.ts';

const number = z.object({ display_phone_number: z.string(), verified_name: z.string().optional() });

/**
 * Asks for the number, and for the account's events to be sent to the app. The address stands in the app's settings at Meta:
 * a person types it in, with the verify token. Throws badRequest (token, number), tooMany, or unavailable.
 */
export async function connect(
  credentials: WhatsappCredentials,
  _options: { webhookUrl: string },
  http: ChannelHttp,
): Promise<Connection> {
  const { phoneNumberId, businessAccountId } = credentials;
  const path = `/${phoneNumberId}?fields=display_phone_number,verified_name`;
  const answer = await callGraph(path, { method: 'GET' }, credentials, http);
  if (!answer.ok && answer.status < 500 && answer.code === 100) {
    throw badRequest('WhatsApp does not know this phone number ID, or the token may not use it.', [
      { field: 'credentials.phoneNumberId', message: 'is not known to WhatsApp' },
    ]);
  }
  if (!answer.ok) throw refused(answer, 'WhatsApp refused the phone number');
  const parsed = number.safeParse(answer.result);
  if (!parsed.success) throw badRequest('WhatsApp says this id does not belong to a phone number.');
  if (businessAccountId) {
    const subscribed = await callGraph(
      `/${businessAccountId}/subscribed_apps`,
      { method: 'POST', json: {} },
      credentials,
      http,
    );
    if (!subscribed.ok) throw refused(subscribed, 'WhatsApp refused the business account');
  }
  const { display_phone_number: shown, verified_name: name } = parsed.data;
  return { displayName: name ?? shown, externalId: phoneNumberId, detail: shown };
}

const page = z.object({
  data: z.array(
    z.object({
      name: z.string(),
      language: z.string(),
      status: z.string(),
      category: z.string().default(''),
      components: z.array(z.object({ type: z.string(), text: z.string().optional() })).default([]),
    }),
  ),
  paging: z.object({ cursors: z.object({ after: z.string() }).optional(), next: z.string().optional() }).optional(),
});
const PAGES_AT_MOST = 20;

/** Throws badRequest, tooMany or unavailable. */
export async function listTemplates(credentials: WhatsappCredentials, http: ChannelHttp): Promise<ChannelTemplate[]> {
  const { businessAccountId } = credentials;
  if (!businessAccountId) {
    throw badRequest('Templates belong to the business account. Add its id to this inbox.', [
      { field: 'credentials.businessAccountId', message: 'is needed for templates' },
    ]);
  }
  const templates: ChannelTemplate[] = [];
  let after = '';
  for (let read = 0; read < PAGES_AT_MOST; read += 1) {
    const query = `fields=name,language,status,category,components&limit=100${after && `&after=${encodeURIComponent(after)}`}`;
    const answer = await callGraph(
      `/${businessAccountId}/message_templates?${query}`,
      { method: 'GET' },
      credentials,
      http,
    );
    if (!answer.ok) throw refused(answer, 'WhatsApp did not hand over the templates');
    const parsed = page.safeParse(answer.result);
    if (!parsed.success) throw badRequest('WhatsApp did not hand over the templates.');
    for (const { components, ...template } of parsed.data.data) {
      const body = components.find(({ type }) => type === 'BODY')?.text ?? '';
      const variables = [...new Set([...body.matchAll(/\{\{\s*([\w.]+)\s*\}\}/g)].map(([, name]) => name ?? ''))];
      templates.push({ ...template, body, variables });
    }
    after = parsed.data.paging?.next ? (parsed.data.paging.cursors?.after ?? '') : '';
    if (!after) break;
  }
  return templates;
}

/** Shows "typing…" under the customer's last message, and that it was read. A refusal changes nothing and is no error. */
export async function typing(context: SendContext, credentials: WhatsappCredentials, http: ChannelHttp): Promise<void> {
  const { lastInbound } = await context.conversation();
  if (!lastInbound) return;
  const json = {
    messaging_product: 'whatsapp',
    status: 'read',
    message_id: lastInbound.id,
    typing_indicator: { type: 'text' },
  };
  await callGraph(`/${credentials.phoneNumberId}/messages`, { method: 'POST', json }, credentials, http);
}
