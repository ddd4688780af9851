/**
 * Double of the WhatsApp Cloud API (Graph v25.0) at the wire. It refuses what WhatsApp refuses, in its codes and words, keeps
 * what it was told in order, and shows the faults a client must survive. Point `CHANNEL_META_API_URL` at `url`.
 */
import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { answerJson, startHttpDouble, type DoubleRequest } from './http-double.ts';

export type WhatsappSent = { id: string; to: string; type: string; body: Record<string, unknown> };
type Refusal = { status?: number; code: number; message: string; details?: string; retryAfter?: number };
export type WhatsappTemplate = {
  name: string;
  language: string;
  status: string;
  category: string;
  components: { type: string; text?: string }[];
};

export type WhatsappDouble = Awaited<ReturnType<typeof startWhatsappDouble>>;

const TEXT_LIMIT = 4096;
const MIMES = /^(image\/(jpeg|png|webp)|audio\/(aac|amr|mpeg|mp4|ogg)|video\/(mp4|3gpp)|application\/|text\/plain)/;

class GraphError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}
const refuse = (code: number, message: string, details?: string, status = 400): never => {
  throw new GraphError({ status, code, message, ...(details ? { details } : {}) });
};

export async function startWhatsappDouble() {
  const app = {
    phoneNumberId: '1122334455667',
    businessAccountId: '5467',
    accessToken: 'EAAB-access-token-of-the-double',
    appSecret: 'app-secret-of-the-double',
    verifyToken: 'verify-token_of-the-double',
  };
  const sent: WhatsappSent[] = [];
  const typing: string[] = [];
  const uploads = new Map<string, { bytes: Buffer; mime: string; name: string }>();
  const files = new Map<string, { bytes: Buffer; mime: string }>();
  const templates: WhatsappTemplate[] = [];
  const faults: Refusal[] = [];
  /** who wrote within 24 hours */
  const open = new Set<string>();
  const unknown = new Set<string>();
  const state = {
    subscribed: false,
    downloads: 0,
    revoked: false,
    beforeAnswer: undefined as ((id: string) => Promise<void>) | undefined,
  };
  let count = 0;

  const server = await startHttpDouble(async (request, response) => {
    try {
      if (state.revoked || request.headers['authorization'] !== `Bearer ${app.accessToken}`) {
        refuse(190, 'Error validating access token: The session has been invalidated.', undefined, 401);
      }
      await answer(request, response);
    } catch (error) {
      if (!(error instanceof GraphError)) throw error;
      const { status = 400, code, message, details, retryAfter } = error.refusal;
      answerJson(
        response,
        status,
        {
          error: {
            message: `(#${code}) ${message}`,
            type: 'OAuthException',
            code,
            ...(details ? { error_data: { messaging_product: 'whatsapp', details } } : {}),
            fbtrace_id: 'A1',
          },
        },
        retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
      );
    }
  });

  async function answer(request: DoubleRequest, response: ServerResponse): Promise<void> {
    const { method, path } = request;
    if (path.startsWith('/whatsapp_business/attachments/')) {
      const file = files.get(request.query.get('mid') ?? '');
      if (!file) return void response.writeHead(404).end();
      state.downloads += 1;
      return void response.writeHead(200, { 'content-type': file.mime }).end(file.bytes);
    }
    const [, version, id = '', edge = ''] = path.split('/');
    if (version !== 'v25.0') return answerJson(response, 404, { error: { message: 'Unknown version', code: 2500 } });
    const call = `${method} ${edge}`;
    if (id === app.phoneNumberId && call === 'GET ') {
      return answerJson(response, 200, { display_phone_number: '+1 555-000-1111', verified_name: 'Parley Test', id });
    }
    if (id === app.phoneNumberId && call === 'POST messages') return messages(request, response);
    if (id === app.phoneNumberId && call === 'POST media') return media(request, response);
    if (id === app.businessAccountId && call === 'POST subscribed_apps') {
      state.subscribed = true;
      return answerJson(response, 200, { success: true });
    }
    if (id === app.businessAccountId && call === 'GET message_templates') {
      const from = Number(request.query.get('after') ?? 0);
      const page = templates.slice(from, from + 2);
      const more = from + 2 < templates.length;
      const paging = {
        cursors: { after: String(from + 2) },
        ...(more ? { next: 'https://graph.facebook.com/next' } : {}),
      };
      return answerJson(response, 200, { data: page, paging });
    }
    const file = call === 'GET ' ? files.get(id) : undefined;
    if (!file) return refuse(100, `Unsupported get request. Object with ID '${id}' does not exist`);
    const url = `https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=${id}&ext=1`;
    return answerJson(response, 200, { url, mime_type: file.mime, file_size: file.bytes.length, id });
  }

  async function messages(request: DoubleRequest, response: ServerResponse): Promise<void> {
    const body = JSON.parse(request.rawBody.toString()) as Record<string, unknown>;
    if (body['messaging_product'] !== 'whatsapp') refuse(100, 'The parameter messaging_product is required.');
    if (body['status'] === 'read') {
      typing.push(String(body['message_id']));
      return answerJson(response, 200, { success: true });
    }
    const fault = faults.shift();
    if (fault) throw new GraphError(fault);
    const to = String(body['to'] ?? body['recipient'] ?? '');
    const type = String(body['type']);
    if (body['to'] !== undefined && !/^\d+$/.test(to))
      refuse(131009, 'Parameter value is not valid', `${to} is no phone number`);
    if (unknown.has(to) || to === '') refuse(131026, 'Message undeliverable', 'Message Undeliverable.');
    checkContent(type, body[type] as Record<string, unknown> | undefined);
    if (type !== 'template' && !open.has(to)) {
      refuse(
        131047,
        'Re-engagement message',
        'Message failed to send because more than 24 hours have passed since the customer last replied to this number.',
      );
    }
    const id = `wamid.OUT${(count += 1)}`;
    sent.push({ id, to, type, body });
    await state.beforeAnswer?.(id);
    answerJson(response, 200, {
      messaging_product: 'whatsapp',
      contacts: [{ input: to, wa_id: to }],
      messages: [{ id }],
    });
  }

  function checkContent(type: string, content: Record<string, unknown> | undefined): void {
    if (!content) return refuse(131008, 'Required parameter is missing', `${type} is missing`);
    if (type === 'text') {
      const text = String(content['body'] ?? '');
      if (text.trim() === '') refuse(131008, 'Required parameter is missing', 'text.body is empty');
      if (text.length > TEXT_LIMIT) refuse(100, `Param text['body'] must be at most ${TEXT_LIMIT} characters long.`);
      return;
    }
    if (type === 'interactive') {
      const { body, action } = content as {
        body?: { text?: string };
        action?: { buttons?: { reply?: { id?: string; title?: string } }[] };
      };
      const buttons = action?.buttons ?? [];
      if (!body?.text || body.text.length > 1024) refuse(131009, 'Parameter value is not valid', 'body.text');
      if (buttons.length < 1 || buttons.length > 3) refuse(131009, 'Parameter value is not valid', 'buttons');
      for (const { reply } of buttons)
        if (!reply?.id || !reply.title || reply.title.length > 20)
          refuse(131009, 'Parameter value is not valid', 'button title length invalid');
      return;
    }
    if (type === 'template') {
      const template = templates.find(
        ({ name, language }) =>
          name === content['name'] && language === (content['language'] as { code?: string }).code,
      );
      if (!template) return refuse(132001, 'Template name does not exist in the translation');
      const wanted = new Set(template.components.flatMap(({ text = '' }) => text.match(/\{\{\w+\}\}/g) ?? [])).size;
      const [component] = (content['components'] ?? []) as { parameters: { text: string }[] }[];
      const given = component?.parameters ?? [];
      if (given.length !== wanted || given.some(({ text }) => !text)) {
        refuse(
          132000,
          'Number of parameters does not match the expected number of params',
          `body: number of localizable_params (${given.length}) does not match the expected number of params (${wanted})`,
        );
      }
      return;
    }
    if (!['image', 'audio', 'video', 'document'].includes(type)) refuse(131051, 'Unsupported message type');
    if (!uploads.has(String(content['id']))) refuse(131053, 'Media upload error', 'No such media id.');
  }

  async function media(request: DoubleRequest, response: ServerResponse): Promise<void> {
    const form = await new Response(new Uint8Array(request.rawBody), {
      headers: { 'content-type': request.headers['content-type'] ?? '' },
    }).formData();
    const file = form.get('file');
    const type = String(form.get('type'));
    if (form.get('messaging_product') !== 'whatsapp' || !(file instanceof File))
      return refuse(100, 'Invalid parameter');
    if (!MIMES.test(type)) refuse(131053, 'Media upload error', `Unsupported mime type ${type}`);
    const id = `media-${(count += 1)}`;
    uploads.set(id, { bytes: Buffer.from(await file.arrayBuffer()), mime: type, name: file.name });
    answerJson(response, 200, { id });
  }

  const sign = (body: string | Buffer): Record<string, string> => ({
    'content-type': 'application/json',
    'x-hub-signature-256': `sha256=${createHmac('sha256', app.appSecret).update(body).digest('hex')}`,
  });

  return {
    url: server.url,
    ...app,
    sent,
    typing,
    uploads,
    templates,
    state,
    /** makes a file downloadable by its id */
    addFile: (id: string, bytes: Buffer, mime: string) => void files.set(id, { bytes, mime }),
    /** the customer wrote; `open.delete` is 24 hours later */
    open,
    unknown,
    /** the next sends meet these, in order */
    fail: (...next: Refusal[]) => void faults.push(...next),
    sign,
    /** Posts a body to a webhook the way Meta does; the answer's status. */
    async deliver(address: string, payload: unknown): Promise<number> {
      const body = JSON.stringify(payload);
      const response = await fetch(address, { method: 'POST', body, headers: sign(body) });
      await response.arrayBuffer();
      return response.status;
    },
    close: () => server.close(),
  };
}

type Who = { phone?: string; userId?: string; name?: string };

/** A webhook with these items, of the double's number. */
export function whatsappEvent(
  who: Who,
  of: {
    messages?: Record<string, unknown>[];
    statuses?: Record<string, unknown>[];
    echoes?: Record<string, unknown>[];
  },
  phoneNumberId = '1122334455667',
): unknown {
  const from = {
    ...(who.phone ? { from: who.phone } : {}),
    ...(who.userId ? { from_user_id: who.userId } : {}),
  };
  const contact = {
    profile: { name: who.name ?? 'Ina' },
    ...(who.phone ? { wa_id: who.phone } : {}),
    ...(who.userId ? { user_id: who.userId } : {}),
  };
  const value = {
    messaging_product: 'whatsapp',
    metadata: { display_phone_number: '15550001111', phone_number_id: phoneNumberId },
    contacts: [contact],
    ...(of.messages ? { messages: of.messages.map((message) => ({ ...from, ...message })) } : {}),
    ...(of.statuses ? { statuses: of.statuses.map((status) => ({ recipient_id: who.phone, ...status })) } : {}),
    ...(of.echoes
      ? { message_echoes: of.echoes.map((echo) => ({ from: '15550001111', to: who.phone, ...echo })) }
      : {}),
  };
  const field = of.echoes ? 'smb_message_echoes' : 'messages';
  return { object: 'whatsapp_business_account', entry: [{ id: '5467', changes: [{ field, value }] }] };
}
