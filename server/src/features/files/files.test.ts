import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { Attachment } from '@parley/contract';
import { AppError } from '../../platform/errors.ts';
import { newId } from '../../platform/data/ids.ts';
import { startContentApp } from '../../test/content-app.ts';
import type { ContentApp, Person } from '../../test/content-app.ts';
import { resolveAttachments, resolveVisitorAttachments, shareAttachments, storeFile } from './commands.ts';
import { readFile, openVisitorFile } from './queries.ts';

type Found<T> = { success: true; data: T };
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const notFound = (error: unknown) => error instanceof AppError && error.status === 404;

let app: ContentApp;
let owner: Person;
let outsider: Person;

before(async () => {
  app = await startContentApp();
  owner = await app.workspace();
  outsider = await app.workspace();
});
after(() => app.close());

const upload = async (who: Person, name: string, content: string | Buffer, type?: string): Promise<Attachment> => {
  const answer = await app.upload<Found<Attachment>>(who, '/files', { name, content, type });
  assert.equal(answer.status, 201);
  return answer.body.data;
};
const download = (who: Person, id: string) =>
  fetch(`${app.url}/api/v1/files/${id}`, { headers: { authorization: JSON.stringify(who) } });

describe('what is refused', () => {
  it('a file of another workspace is not there, to read or to attach (attack 3)', async () => {
    const file = await upload(owner, 'secret.txt', 'the plans');
    const own = await upload(outsider, 'own.txt', 'mine');
    assert.equal((await download(outsider, file.id)).status, 404);
    const attach = (ids: string[]) => app.store.inWorkspace(outsider.workspaceId, (tx) => resolveAttachments(tx, ids));
    await assert.rejects(attach([own.id, file.id]), notFound);
    await assert.rejects(
      app.store.inWorkspace(outsider.workspaceId, (tx) => shareAttachments(tx, newId(), [file.id])),
      notFound,
    );
    assert.deepEqual(await attach([own.id]), [own]);
  });

  it('a visitor names the file of another conversation, or one nobody shared', async () => {
    const { workspaceId } = owner;
    const [mine, theirs] = [newId(), newId()];
    const createdBy = { type: 'contact' as const, id: null };
    const content = Buffer.from('hello');
    const file = await storeFile(app, { workspaceId, name: 'a.txt', content, createdBy, conversationId: theirs });
    const internal = await upload(owner, 'note.txt', 'for colleagues');
    for (const { id } of [file, internal]) {
      await assert.rejects(openVisitorFile(app, { workspaceId, conversationId: mine, id }), notFound);
      await assert.rejects(
        app.store.inWorkspace(workspaceId, (tx) => resolveVisitorAttachments(tx, mine, [id])),
        notFound,
      );
    }
    const read = await openVisitorFile(app, { workspaceId, conversationId: theirs, id: file.id });
    assert.equal(await text(read.stream), 'hello');
  });

  it('26 megabytes, an empty file, and JSON that poses as an upload (attack 15)', async () => {
    const large = { name: 'large.txt', content: Buffer.alloc(26 * 1024 * 1024, 'a') };
    assert.equal((await app.upload(owner, '/files', large)).status, 413);
    assert.equal((await app.upload(owner, '/files', { name: 'empty.txt', content: '' })).status, 400);
    assert.equal((await app.send(owner, 'POST', '/files', { file: { filepath: '/etc/passwd' } })).status, 400);
  });

  it('nobody who is not signed in', async () => {
    const file = await upload(owner, 'a.txt', 'a');
    assert.equal((await fetch(`${app.url}/api/v1/files/${file.id}`)).status, 401);
  });
});

describe('a file', () => {
  it('comes back byte for byte, to be saved, as what it is and not as what its sender says', async () => {
    const file = await upload(owner, '../../été (1).png', PNG, 'text/html');
    assert.deepEqual([file.name, file.mime, file.size], ['été (1).png', 'image/png', PNG.length]);
    const answer = await download(owner, file.id);
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), PNG);
    assert.equal(answer.headers.get('content-type'), 'image/png');
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(
      answer.headers.get('content-disposition'),
      `attachment; filename="_t_ (1).png"; filename*=UTF-8''%C3%A9t%C3%A9%20%281%29.png`,
    );
  });

  it('that a browser would run is text, and never shown in place (attack 22)', async () => {
    const script = '<script>alert(1)</script>';
    for (const [name, type, content] of [
      ['a.svg', 'image/svg+xml', `<svg xmlns="http://www.w3.org/2000/svg">${script}</svg>`],
      ['b.svg', 'image/svg+xml', `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">${script}</svg>`],
      ['c.html', 'text/html', `<!doctype html><html>${script}</html>`],
      ['d.png', 'image/png', `<!doctype html><html>${script}</html>`],
    ] as const) {
      const answer = await download(owner, (await upload(owner, name, content, type)).id);
      assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8', name);
      assert.match(answer.headers.get('content-disposition') ?? '', /^attachment;/, name);
      assert.match(answer.headers.get('content-security-policy') ?? '', /sandbox/, name);
    }
  });

  it('an agent sends is readable for that visitor alone, also when it was sent to another before', async () => {
    const { workspaceId } = owner;
    const [one, two] = [newId(), newId()];
    const file = await upload(owner, 'offer.txt', 'the offer');
    const share = (conversationId: string) =>
      app.store.inWorkspace(workspaceId, (tx) => shareAttachments(tx, conversationId, [file.id]));
    const first = await share(one);
    assert.equal(first[0]?.id, file.id);
    const [second] = await share(two);
    assert.ok(second);
    const toOther = openVisitorFile(app, { workspaceId, conversationId: two, id: file.id });
    await assert.rejects(toOther, notFound);
    for (const [conversationId, id] of [
      [one, file.id],
      [two, second.id],
    ] as const) {
      const { stream } = await openVisitorFile(app, { workspaceId, conversationId, id });
      assert.equal(await text(stream), 'the offer');
    }
    assert.equal((await readFile(app, { workspaceId, id: second.id })).file.name, 'offer.txt');
  });
});
