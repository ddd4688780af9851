/** Files both ways: by id and a short-lived address in, by upload and id out. */
import type { Attachment } from '@parley/contract';
import { z } from 'zod';
import { badRequest, tooLarge, unavailable } from '../../platform/errors.ts';
import type { ChannelHttp, MediaReference } from '../contract.ts';
import { callGraph, download, refused, type GraphRefusal } from './api.ts';
import type { WhatsappCredentials } from './credentials.ts';

const MAX_FILE = 20 * 1024 * 1024;
const described = z.object({ url: z.string(), mime_type: z.string().optional(), file_size: z.number().optional() });
const uploaded = z.object({ id: z.string().min(1) });

/** Throws tooLarge over 20 MB, badRequest when the file is gone (ids live 7 days), or unavailable. */
export async function fetchMedia(
  media: MediaReference,
  credentials: WhatsappCredentials,
  http: ChannelHttp,
): Promise<{ bytes: Buffer; mime?: string; name?: string }> {
  const overLimit = () => tooLarge('Parley takes files of up to 20 MB from WhatsApp; this one is larger.');
  if ((media.size ?? 0) > MAX_FILE) throw overLimit();
  const path = `/${encodeURIComponent(media.reference)}?phone_number_id=${credentials.phoneNumberId}`;
  const found = await callGraph(path, { method: 'GET' }, credentials, http);
  if (!found.ok) throw refused(found, 'WhatsApp did not hand over the file');
  const parsed = described.safeParse(found.result);
  if (!parsed.success) throw badRequest('WhatsApp did not hand over the file.');
  if ((parsed.data.file_size ?? 0) > MAX_FILE) throw overLimit();
  const { status, bytes } = await download(parsed.data.url, credentials, http);
  if (status === 429 || status >= 500) throw unavailable('WhatsApp cannot hand over the file at present.');
  if (status !== 200) throw badRequest('WhatsApp did not hand over the file.');
  if (bytes.length > MAX_FILE) throw overLimit();
  const mime = parsed.data.mime_type ?? media.mime;
  const name = media.name ?? (mime ? `${media.kind}.${extensionOf(mime)}` : undefined);
  return { bytes, ...(mime === undefined ? {} : { mime }), ...(name === undefined ? {} : { name }) };
}

/** WhatsApp gives pictures and voice notes no name. */
const extensionOf = (mime: string): string => {
  const subtype = (mime.split(/[/;]/)[1] ?? 'bin').trim().toLowerCase();
  return (
    ({ jpeg: 'jpg', mpeg: 'mp3', quicktime: 'mov' } as Record<string, string>)[subtype] ??
    subtype.replace(/[^a-z0-9]/g, '').slice(0, 8)
  );
};

/** The id a message names the file by. */
export async function upload(
  attachment: Attachment,
  bytes: Buffer,
  credentials: WhatsappCredentials,
  http: ChannelHttp,
): Promise<{ ok: true; id: string } | GraphRefusal> {
  const form = new FormData();
  // Opus goes in Ogg or not at all.
  const type = attachment.mime === 'audio/opus' ? 'audio/ogg; codecs=opus' : attachment.mime;
  form.set('messaging_product', 'whatsapp');
  form.set('type', type);
  form.set('file', new Blob([new Uint8Array(bytes)], { type }), attachment.name);
  const path = `/${credentials.phoneNumberId}/media`;
  const answer = await callGraph(path, { method: 'POST', form, timeoutMs: 60_000 }, credentials, http);
  if (!answer.ok) return answer;
  const parsed = uploaded.safeParse(answer.result);
  if (parsed.success) return { ok: true, id: parsed.data.id };
  return { ok: false, status: 502, code: 0, words: 'an upload without an id', isTransient: true };
}
