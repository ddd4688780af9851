import assert from 'node:assert/strict';
import type { InvitationCreated, Login, Member, SessionCreated } from '@parley/contract';
import type { OutboundMessage } from '../../channels/contract.ts';
import { connect } from '../app.ts';
import type { Call, TestApp, TestSocket } from '../app.ts';
import { makers } from './examples.ts';
import { PASSWORD } from './password.ts';
import type { Kind, Making } from './examples.ts';

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
  const password = PASSWORD;
  const { status, data } = await test.anonymous<Login>('POST', '/auth/accept-invite', { token, name: email, password });
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

/** Fills a workspace through its front doors with one of everything that has an id; each noun says how one of its own is made. */
export async function populate(test: TestApp, person: Person, mark: string): Promise<Company> {
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await person.call<T>(method, path, body);
    assert.ok(answer.success, `${method} ${path}: ${JSON.stringify(answer.error)}`);
    return answer.data;
  };
  const begun = new Map<Kind | 'visitor', Promise<unknown>>();
  const once = <T>(what: Kind | 'visitor', make: () => Promise<T>): Promise<T> => {
    const running = (begun.get(what) as Promise<T> | undefined) ?? make();
    begun.set(what, running);
    return running;
  };
  const making: Making = {
    mark,
    url: test.url,
    call,
    post: (path, body) => call('POST', path, body),
    id: (kind) =>
      once(kind, async () => {
        const id = await makers.get(kind)?.(making);
        assert.ok(id, `no ${kind} was made`);
        return id;
      }),
    visitor: () =>
      once('visitor', async () => {
        const socket = await connect(test.url, { inbox: await making.id('inboxToken') });
        const started = await socket.call<SessionCreated>('customer:start_chat', {
          name: `Visitor ${mark}`,
          email: `visitor-${mark}@x.test`,
        });
        assert.ok(started.success, JSON.stringify(started));
        const { conversationId, visitor: token } = started.data;
        return { socket, token, conversationId };
      }),
  };
  const ids: Partial<Record<Kind, string>> = {};
  for (const kind of makers.keys()) ids[kind] = await making.id(kind);
  const visitor = await making.visitor();
  return {
    ...{ call: person.call, token: person.accessToken, refreshToken: person.refreshToken, mark },
    ids: ids as Record<Kind, string>,
    visitor: visitor.socket,
    visitorToken: visitor.token,
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
