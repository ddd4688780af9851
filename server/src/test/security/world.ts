import assert from 'node:assert/strict';
import type {
  ApiKeyCreated,
  Attachment,
  Bot,
  Chunk,
  Contact,
  Handoff,
  Inbox,
  InvitationCreated,
  KnowledgeBase,
  Login,
  Me,
  Member,
  Message,
  OpenSession,
  SessionCreated,
  Source,
  WebhookCreated,
  WebhookDelivery,
} from '@parley/contract';
import type { OutboundMessage } from '../../channels/contract.ts';
import { connect, OWNER, until } from '../app.ts';
import type { Call, TestApp, TestSocket } from '../app.ts';
import { examples } from './examples.ts';

/** Of everybody who joined by `join`. */
const PASSWORD = 'a long enough password';

/** Everything a request can name by id. */
export type Kind =
  | 'workspace'
  | 'user'
  | 'member'
  | 'session'
  | 'apiKey'
  | 'webhook'
  | 'webhookDelivery'
  | 'invitation'
  | 'invitationToken'
  | 'knowledgeBase'
  | 'source'
  | 'documentSource'
  | 'chunk'
  | 'file'
  | 'bot'
  | 'trace'
  | 'inbox'
  | 'inboxToken'
  | 'contact'
  | 'conversation'
  | 'message'
  | 'handoff';

/** One company with one of everything; `mark` stands in every text that was written for it. */
export type Company = {
  call: Call;
  token: string;
  refreshToken: string;
  mark: string;
  ids: Record<Kind, string>;
  visitor: TestSocket;
  visitorToken: string;
};

type Person = { call: Call; accessToken: string; refreshToken: string };

/** Somebody new who accepts an invitation made by `by`. */
export async function join(test: TestApp, by: Call, email: string, role: 'owner' | 'admin' | 'agent'): Promise<Person> {
  const invited = await by<InvitationCreated>('POST', '/members/invite', { email, role });
  assert.equal(invited.status, 201, JSON.stringify(invited.error));
  const token = new URL(invited.data.inviteUrl).searchParams.get('token');
  const accepted = { token, name: email, password: PASSWORD };
  const { status, data } = await test.anonymous<Login>('POST', '/auth/accept-invite', accepted);
  assert.equal(status, 200);
  return { call: test.as(data.accessToken), accessToken: data.accessToken, refreshToken: data.refreshToken };
}

/** A person who belongs to another company alone, as its owner. */
export async function joinAnotherCompany(test: TestApp): Promise<Person> {
  const other = await test.stranger();
  const mallory = await join(test, other.call, 'mallory@strangers.test', 'owner');
  const { data: members } = await mallory.call<Member[]>('GET', '/members');
  for (const { id, email } of members)
    if (email !== 'mallory@strangers.test') assert.equal((await mallory.call('DELETE', `/members/${id}`)).status, 200);
  return mallory;
}

export const fileForm = (name: string, bytes: string | Buffer, type = 'text/plain'): FormData => {
  const form = new FormData();
  form.append('file', new Blob([typeof bytes === 'string' ? bytes : new Uint8Array(bytes)], { type }), name);
  return form;
};

/** As `Call`, for a visitor. */
export async function asVisitor<T>(
  url: string,
  visitorToken: string,
  method: string,
  path: string,
  body?: FormData,
): Promise<{ status: number; data: T; response: Response }> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Visitor ${visitorToken}` },
    ...(body ? { body } : {}),
  });
  const text = await response.clone().text();
  const { data } = (text.startsWith('{') ? JSON.parse(text) : {}) as { data: T };
  return { status: response.status, data, response };
}

/** Fills a workspace through its front doors with one of everything that has an id. */
export async function populate(test: TestApp, person: Person, mark: string): Promise<Company> {
  const { call } = person;
  const get = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await call<T>(method, path, body);
    assert.ok(answer.success, `${method} ${path}: ${JSON.stringify(answer.error)}`);
    return answer.data;
  };
  const base = await get<KnowledgeBase>('POST', '/knowledge-bases', { name: `Base ${mark}` });
  const faq = await get<Source>('POST', `/knowledge-bases/${base.id}/sources`, {
    type: 'faq',
    question: `How long does a refund take at ${mark}?`,
    answer: `A refund takes five working days at ${mark} after we have received the parcel.`,
  });
  const document = await get<Source>('POST', `/knowledge-bases/${base.id}/documents`, fileForm(`${mark}.txt`, mark));
  const bot = await get<Bot>('POST', '/bots', { name: `Bot ${mark}`, knowledgeBaseIds: [base.id] });
  const inbox = await get<Inbox>('POST', '/inboxes', { name: `Site ${mark}`, channel: 'web', botId: bot.id });
  const invited = await get<InvitationCreated>('POST', '/members/invite', { email: `${mark}@x.test`, role: 'agent' });
  const apiKey = await get<ApiKeyCreated>('POST', '/api-keys', { name: `Key ${mark}`, scopes: ['contacts:read'] });
  // A name nobody has: what is said there stays in its log.
  const webhook = await get<WebhookCreated>('POST', '/webhooks', {
    url: `https://${mark}.invalid/`,
    events: ['conversation.snoozed'],
  });
  const delivery = await get<WebhookDelivery>('POST', `/webhooks/${webhook.id}/test`);
  for (const { id } of [faq, document])
    await until(async () => (await get<Source>('GET', `/sources/${id}`)).status === 'ready', 'a source is ready');
  const [chunk] = await get<Chunk[]>('GET', `/sources/${faq.id}/chunks`);
  const asked = await get<{ traceId: string }>('POST', `/bots/${bot.id}/ask`, { question: `a refund at ${mark}?` });

  const visitor = await connect(test.url, { inbox: inbox.token });
  const started = await visitor.call<SessionCreated>('customer:start_chat', {
    name: `Visitor ${mark}`,
    email: `visitor-${mark}@x.test`,
  });
  assert.ok(started.success, JSON.stringify(started));
  const { conversationId, visitor: visitorToken } = started.data;
  const file = await asVisitor<Attachment>(
    test.url,
    visitorToken,
    'POST',
    `/widget/${inbox.token}/files`,
    fileForm(`${mark}.txt`, `file of ${mark}`),
  );
  assert.equal(file.status, 201);
  const sent = await visitor.call('customer:send_message', {
    conversationId,
    text: `I want to talk to a human about ${mark}`,
    clientId: `${mark}-1`,
    attachmentIds: [file.data.id],
  });
  assert.ok(sent.success, JSON.stringify(sent));
  await visitor.wait('status:changed', ({ status }) => status === 'waiting');

  const me = await get<Me>('GET', '/me');
  const [member] = (await get<Member[]>('GET', '/members')).filter(({ userId }) => userId === me.user.id);
  const [contact] = await get<Contact[]>('GET', '/contacts');
  const [message] = await get<Message[]>('GET', `/conversations/${conversationId}/messages`);
  const [handoff] = await get<Handoff[]>('GET', '/handoffs');
  // Another of theirs: the one that asks is needed until the end.
  const password = me.user.email === OWNER.email ? OWNER.password : PASSWORD;
  assert.equal((await test.anonymous('POST', '/auth/login', { email: me.user.email, password })).status, 200);
  const session = (await get<OpenSession[]>('GET', '/me/sessions')).find(({ current }) => !current);
  const own = await Promise.all(
    examples.map(
      async ({ segment, make }) => [segment, await make((path, body) => get('POST', path, body), mark)] as const,
    ),
  );
  assert.ok(chunk && member && session && contact && message && handoff && me.workspace);
  return {
    call,
    token: person.accessToken,
    refreshToken: person.refreshToken,
    mark,
    visitor,
    visitorToken,
    ids: {
      ...Object.fromEntries(own),
      workspace: me.workspace.id,
      user: me.user.id,
      member: member.id,
      session: session.id,
      apiKey: apiKey.id,
      webhook: webhook.id,
      webhookDelivery: delivery.id,
      invitation: invited.id,
      invitationToken: new URL(invited.inviteUrl).searchParams.get('token') ?? '',
      knowledgeBase: base.id,
      source: faq.id,
      documentSource: document.id,
      chunk: chunk.id,
      file: file.data.id,
      bot: bot.id,
      trace: asked.traceId,
      inbox: inbox.id,
      inboxToken: inbox.token,
      contact: contact.id,
      conversation: conversationId,
      message: message.id,
      handoff: handoff.id,
    },
  };
}

/** What a bot says, as a channel gets it. */
export const words = (text: string): OutboundMessage => ({
  messageId: 'x',
  author: { type: 'bot', id: null, name: null },
  text,
  citations: [],
  attachments: [],
});
