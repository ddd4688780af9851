import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestApp, until } from '../../test/app.ts';
import type { TestApp } from '../../test/app.ts';
import { startWhatsappDouble, type WhatsappDouble } from '../../test/doubles/whatsapp.ts';
import { openWhatsapp } from '../../test/whatsapp-chat.ts';

/** What is changed afterwards: the inbox, and messages that are stored already. */
describe('WhatsApp, changed afterwards', () => {
  let test: TestApp;
  let double: WhatsappDouble;
  let chat: Awaited<ReturnType<typeof openWhatsapp>>;

  before(async () => {
    double = await startWhatsappDouble();
    test = await startTestApp({ CHANNEL_META_API_URL: double.url });
    chat = await openWhatsapp(test, double, null);
  });
  after(async () => {
    await test?.close();
    await double?.close();
  });

  it('credentials: what is not named or empty stays, null takes an optional one away', async () => {
    const patch = (credentials: object) => test.owner('PATCH', `/inboxes/${chat.inbox.id}`, { credentials });
    const sync = () => test.owner('POST', `/inboxes/${chat.inbox.id}/templates/sync`);
    assert.equal((await patch({ accessToken: null })).status, 400);
    assert.equal((await patch({ accesToken: double.accessToken })).status, 400);
    const renewed = await patch({ accessToken: double.accessToken, appSecret: '', businessAccountId: '' });
    assert.equal(renewed.status, 200, JSON.stringify(renewed.error));
    assert.equal((await sync()).status, 200, 'the business account is still known');
    await chat.say('4915100000090', 'signed with the secret that stayed');
    await until(async () => (await chat.messages('4915100000090')).length > 0, 'the app secret is still known');
    const shake = await fetch(
      `${chat.address}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=${double.verifyToken}`,
    );
    assert.equal(shake.status, 200);
    assert.equal((await patch({ businessAccountId: null })).status, 200);
    assert.equal((await sync()).status, 400);
    assert.equal((await patch({ businessAccountId: double.businessAccountId })).status, 200);
  });
});
