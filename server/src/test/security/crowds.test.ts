import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Inbox } from '@parley/contract';
import { connect, startTestApp } from '../app.ts';
import type { TestApp } from '../app.ts';

/** What one address may open; behind a trusted proxy, so that a test can come from several. */
describe('a crowd of visitors from one address', () => {
  let test: TestApp;
  let inbox: Inbox;

  before(async () => {
    test = await startTestApp({ TRUSTED_PROXIES: '127.0.0.1' });
    inbox = (await test.owner<Inbox>('POST', '/inboxes', { name: 'Site', channel: 'web', botId: null })).data;
  });
  after(() => test?.close());

  const connectFrom = (address: string, token: string) =>
    connect(test.url, { inbox: token }, { 'x-forwarded-for': address });
  const counted = async (times: number, once: () => Promise<string>): Promise<Record<string, number>> => {
    const outcomes: Record<string, number> = {};
    for (let done = 0; done < times; done += 10)
      for (const outcome of await Promise.all(Array.from({ length: 10 }, once)))
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    return outcomes;
  };
  const codeOf = (error: unknown): string => {
    const { data } = error as { data?: { code?: string } };
    return data?.code ?? String(error);
  };

  it('opens sixty chats, then some a minute, while others begin theirs', async () => {
    const start = async (address: string): Promise<string> => {
      const socket = await connectFrom(address, inbox.token);
      const began = await socket.call('customer:start_chat', {});
      socket.close();
      return began.success ? 'began' : began.error.code;
    };
    const { began = 0, too_many_requests: refused = 0, ...others } = await counted(100, () => start('198.51.100.1'));
    assert.deepEqual(others, {});
    assert.ok(began >= 60 && refused > 10, `${began} began, ${refused} were refused`);
    assert.equal(await start('198.51.100.2'), 'began');
  });

  it('opens two hundred connections, then some a second, while others open theirs', async () => {
    const knock = async (address: string): Promise<string> => {
      try {
        (await connectFrom(address, 'nobody-has-this')).close();
        return 'connected';
      } catch (error) {
        return codeOf(error);
      }
    };
    const {
      not_found: looked = 0,
      too_many_requests: refused = 0,
      ...others
    } = await counted(400, () => knock('198.51.100.3'));
    assert.deepEqual(others, {});
    assert.ok(looked >= 200 && refused > 10, `${looked} were let through, ${refused} were refused`);
    assert.equal(await knock('198.51.100.4'), 'not_found');
  });
});
