import assert from 'node:assert/strict';
import type { Inbox, SessionCreated } from '@parley/contract';
import { connect, startTestApp } from '../app.ts';
import type { TestApp, TestSocket } from '../app.ts';
import { populate } from './world.ts';
import type { Company } from './world.ts';

export type Visit = { socket: TestSocket; conversationId: string; token: string };

/** A chat that a page of `auth.inbox` begins, saying this of its visitor. */
export async function visit(test: TestApp, auth: Record<string, unknown>, said: object = {}): Promise<Visit> {
  const socket = await connect(test.url, auth);
  const started = await socket.call<SessionCreated>('customer:start_chat', said);
  assert.ok(started.success, JSON.stringify(started));
  return { socket, conversationId: started.data.conversationId, token: started.data.visitor };
}

export type Widgets = {
  test: TestApp;
  acme: Company;
  /** another inbox of the same company */
  other: Inbox;
  /** a visitor who is not the company's first one */
  bob: Visit;
  visit(auth: Record<string, unknown>, said?: object): Promise<Visit>;
  close(): Promise<void>;
};

/** A company with a widget, another inbox of it, and two visitors. */
export async function openWidgets(): Promise<Widgets> {
  const test = await startTestApp();
  const owner = { call: test.owner, accessToken: test.ownerToken, refreshToken: '' };
  const acme = await populate(test, owner, 'acmecanary');
  const other = await test.owner<Inbox>('POST', '/inboxes', { name: 'Other', channel: 'web', botId: acme.ids.bot });
  const bob = await visit(test, { inbox: acme.ids.inboxToken }, { name: 'Bob' });
  return {
    ...{ test, acme, bob, other: other.data },
    visit: (auth, said) => visit(test, auth, said),
    async close() {
      for (const socket of [acme.visitor, bob.socket]) socket.close();
      await test.close();
    },
  };
}
