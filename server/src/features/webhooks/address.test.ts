import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { Me, Webhook, WebhookCreated } from '@parley/contract';
import { startTestApp, until } from '../../test/app.ts';
import { startHttpDouble } from '../../test/doubles/http-double.ts';
import { maskAddress } from './address.ts';

it('shows of an address what tells it from others and opens nothing', () => {
  for (const [url, shown] of [
    ['https://hooks.example.com/services/T01/B02/secretXYZ', 'https://hooks.example.com/…tXYZ'],
    ['https://example.com:8443/hook?token=0123456789', 'https://example.com:8443/…6789'],
    ['https://example.com/?key', 'https://example.com/…'],
    ['https://example.com', 'https://example.com/'],
    ['https://example.com/short', 'https://example.com/…'],
  ] as const)
    assert.equal(maskAddress(url), shown);
});

it('calls webhooks whose address an earlier version kept in plain text, and seals them after the next start', async (context) => {
  const got: string[] = [];
  const receiver = await startHttpDouble(async ({ path }, response) => {
    got.push(path);
    response.end();
  });
  context.after(() => receiver.close());
  const test = await startTestApp({ PARLEY_WEBHOOKS_PRIVATE: '1' });
  context.after(() => test.close());
  const workspaceId = (await test.owner<Me>('GET', '/me')).data.workspace?.id ?? '';
  const execute = (query: ReturnType<typeof sql>) => test.app.store.inWorkspace(workspaceId, (tx) => tx.execute(query));
  const { data } = await test.owner<WebhookCreated>('POST', '/webhooks', { url: receiver.url });
  const { id } = data;
  const path = '/plain-of-before-0123';
  await execute(sql`update webhook_endpoints set url = ${receiver.url + path} where id = ${id}::uuid`);
  const stored = async (): Promise<string> =>
    String((await execute(sql`select url from webhook_endpoints where id = ${id}::uuid`)).rows[0]?.['url']);
  const look = async (times: number): Promise<void> => {
    assert.equal((await test.owner<Webhook>('GET', `/webhooks/${id}`)).data.url, `${receiver.url}/…0123`);
    await test.owner('POST', `/webhooks/${id}/test`);
    await until(async () => got.filter((one) => one === path).length === times, 'it is called');
  };
  await look(1);
  assert.ok((await stored()).includes(path));
  await test.restart();
  await until(async () => !(await stored()).includes('plain'), 'it is sealed');
  await look(2);
});
