import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Chunk, KnowledgeBase, SearchHit, Source, SourceDetail } from '@parley/contract';
import { sql } from 'drizzle-orm';
import { startContentApp, until } from '../../test/content-app.ts';
import type { ContentApp, Person } from '../../test/content-app.ts';

type Failed = { success: false; error: { code: string; message: string; details?: { field: string }[] } };
type Found<T> = { success: true; data: T; meta: { page: number; limit: number; total: number } };

const reference = join(dirname(createRequire(import.meta.url).resolve('fastify/package.json')), 'docs', 'Reference');

let app: ContentApp;
let owner: Person;
let outsider: Person;
let agent: Person;

before(async () => {
  app = await startContentApp();
  owner = await app.workspace();
  outsider = await app.workspace();
  agent = { ...owner, role: 'agent' };
});
after(() => app.close());

const newBase = async (who: Person): Promise<string> => {
  const answer = await app.send<Found<KnowledgeBase>>(who, 'POST', '/knowledge-bases', { name: 'Help' });
  assert.equal(answer.status, 201);
  return answer.body.data.id;
};
const add = async (who: Person, baseId: string, input: object): Promise<Source> => {
  const answer = await app.send<Found<Source>>(who, 'POST', `/knowledge-bases/${baseId}/sources`, input);
  assert.equal(answer.status, 201);
  return answer.body.data;
};
const faq = (question: string, answer: string) => ({ type: 'faq', question, answer });
const returns = faq('How long do I have to return a pair of shoes?', 'You have **45 days** to return unworn shoes.');
const sourceOf = async (who: Person, id: string): Promise<SourceDetail> =>
  (await app.send<Found<SourceDetail>>(who, 'GET', `/sources/${id}`)).body.data;
const settled = async (who: Person, id: string): Promise<SourceDetail> => {
  await until(async () => ['ready', 'failed'].includes((await sourceOf(who, id)).status));
  return sourceOf(who, id);
};
const search = async (who: Person, baseId: string, query: string, limit?: number): Promise<SearchHit[]> => {
  const body = { query, ...(limit ? { limit } : {}) };
  const answer = await app.send<Found<SearchHit[]>>(who, 'POST', `/knowledge-bases/${baseId}/search`, body);
  assert.equal(answer.status, 200);
  return answer.body.data;
};
const document = (baseId: string, name: string, content: string | Buffer, type?: string) =>
  app.upload<Found<Source>>(owner, `/knowledge-bases/${baseId}/documents`, { name, content, type });

describe('what is refused', () => {
  it('knowledge of another workspace is not there, whatever is done to it (attack 1)', async () => {
    const base = await newBase(owner);
    const source = await add(owner, base, returns);
    await settled(owner, source.id);
    for (const [method, path, body] of [
      ['GET', `/knowledge-bases/${base}`],
      ['PATCH', `/knowledge-bases/${base}`, { name: 'Mine' }],
      ['DELETE', `/knowledge-bases/${base}`],
      ['POST', `/knowledge-bases/${base}/sources`, returns],
      ['GET', `/knowledge-bases/${base}/sources`],
      ['POST', `/knowledge-bases/${base}/search`, { query: 'return shoes' }],
      ['GET', `/sources/${source.id}`],
      ['PATCH', `/sources/${source.id}`, { content: 'Nothing.' }],
      ['DELETE', `/sources/${source.id}`],
      ['POST', `/sources/${source.id}/retry`],
      ['GET', `/sources/${source.id}/chunks`],
    ] as const) {
      assert.equal((await app.send(outsider, method, path, body)).status, 404, `${method} ${path}`);
    }
    const upload = { name: 'a.md', content: '# Hello\n\nWorld' };
    assert.equal((await app.upload(outsider, `/knowledge-bases/${base}/documents`, upload)).status, 404);
    const after = await app.send<Found<KnowledgeBase>>(owner, 'GET', `/knowledge-bases/${base}`);
    assert.deepEqual([after.body.data.name, after.body.data.sourceCount], ['Help', 1]);
    const foreign = await newBase(outsider);
    assert.deepEqual(await search(outsider, foreign, 'return shoes'), []);
  });

  it('agents may look and search, not change', async () => {
    const base = await newBase(owner);
    const source = await settled(owner, (await add(owner, base, returns)).id);
    for (const [method, path, body] of [
      ['POST', '/knowledge-bases', { name: 'X' }],
      ['PATCH', `/knowledge-bases/${base}`, { name: 'X' }],
      ['DELETE', `/knowledge-bases/${base}`],
      ['POST', `/knowledge-bases/${base}/sources`, returns],
      ['PATCH', `/sources/${source.id}`, { title: 'X' }],
      ['DELETE', `/sources/${source.id}`],
      ['POST', `/sources/${source.id}/retry`],
    ] as const) {
      assert.equal((await app.send(agent, method, path, body)).status, 403, `${method} ${path}`);
    }
    assert.equal((await sourceOf(agent, source.id)).id, source.id);
    assert.equal((await search(agent, base, 'return shoes')).length, 1);
  });

  it('bodies that are not what they should be, field by field (attack 2)', async () => {
    const base = await newBase(owner);
    const wrong = async (body: object, field: string) => {
      const answer = await app.send<Failed>(owner, 'POST', `/knowledge-bases/${base}/sources`, body);
      assert.equal(answer.status, 400, JSON.stringify(body));
      assert.deepEqual(
        answer.body.error.details?.map((detail) => detail.field),
        [field],
      );
    };
    await wrong({ ...returns, status: 'ready' }, 'status');
    await wrong({ type: 'faq', question: 'Why?' }, 'answer');
    await wrong({ type: 'document' }, 'type');
    await wrong({ ...returns, url: 'javascript:alert(1)' }, 'url');
    const patch = await app.send(owner, 'PATCH', `/knowledge-bases/${base}`, { workspaceId: outsider.workspaceId });
    assert.equal(patch.status, 400);
  });

  it('51 megabytes, and a request that is no upload', async () => {
    const base = await newBase(owner);
    assert.equal((await document(base, 'large.md', Buffer.alloc(51 * 1024 * 1024, 'a'))).status, 413);
    assert.equal((await app.send(owner, 'POST', `/knowledge-bases/${base}/documents`, { file: 'a' })).status, 400);
    const list = await app.send<Found<Source[]>>(owner, 'GET', `/knowledge-bases/${base}/sources`);
    assert.equal(list.body.meta.total, 0);
  });

  it('a file that holds no text ends as failed, and says why in words', async () => {
    const base = await newBase(owner);
    for (const [name, content, words] of [
      ['notes.txt', Buffer.from('%PDF-1.7\n%âãÏÓ\n1 0 obj'), /PDF/],
      ['notes.md', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), /PNG/],
      ['table.md', Buffer.concat([Buffer.from('# A'), Buffer.alloc(500)]), /binary/],
      ['empty.md', '', /empty/],
    ] as const) {
      const upload = await document(base, name, content, 'text/plain');
      assert.equal(upload.status, 201, name);
      const source = await settled(owner, upload.body.data.id);
      assert.equal(source.status, 'failed', name);
      assert.match(source.error ?? '', words);
      assert.equal(source.chunkCount, 0);
    }
  });

  it('the text of a document cannot be typed over, and what is being read is not read twice', async () => {
    const base = await newBase(owner);
    const upload = await document(base, 'a.md', '# Hours\n\nWe are open from nine to five.');
    const source = await settled(owner, upload.body.data.id);
    const patch = await app.send<Failed>(owner, 'PATCH', `/sources/${source.id}`, { content: 'x' });
    assert.equal(patch.status, 400);
    await app.store.inWorkspace(owner.workspaceId, (tx) =>
      tx.execute(sql`update sources set status = 'processing' where id = ${source.id}::uuid`),
    );
    assert.equal((await app.send(owner, 'POST', `/sources/${source.id}/retry`)).status, 409);
  });
});

describe('a source', () => {
  it('becomes ready, is found by its words and its meaning, and is counted', async () => {
    const base = await newBase(owner);
    const added = await add(owner, base, { ...returns, url: 'https://shop.example.com/returns' });
    assert.deepEqual([added.status, added.progress, added.title], ['pending', 0, returns.question]);
    const source = await settled(owner, added.id);
    assert.deepEqual([source.status, source.progress, source.error, source.chunkCount], ['ready', 100, null, 1]);
    const [hit] = await search(owner, base, 'can I send my sneakers back?');
    assert.equal(hit?.sourceId, source.id);
    assert.match(hit?.text ?? '', /45 days/);
    const { data } = (await app.send<Found<KnowledgeBase>>(owner, 'GET', `/knowledge-bases/${base}`)).body;
    assert.deepEqual([data.sourceCount, data.chunkCount], [1, 1]);
  });

  it('that is changed is found by its new words only', async () => {
    const base = await newBase(owner);
    const { id } = await settled(owner, (await add(owner, base, returns)).id);
    const content = 'You have 14 days from delivery.';
    const changed = await app.send<Found<SourceDetail>>(owner, 'PATCH', `/sources/${id}`, { content });
    assert.deepEqual([changed.body.data.status, changed.body.data.content], ['pending', content]);
    await settled(owner, id);
    const texts = (await search(owner, base, 'return shoes days')).map(({ text }) => text);
    assert.equal(texts.length, 1);
    assert.match(texts[0] ?? '', /14 days/);
  });

  it('changed while it is being read ends as what it was changed to', async () => {
    const base = await newBase(owner);
    const paragraph = (at: number) => `Paragraph ${at} of the first version tells about order ${at * 7}. `.repeat(12);
    const text = Array.from({ length: 60 }, (_, at) => paragraph(at)).join('\n\n');
    const { id } = await add(owner, base, { type: 'snippet', title: 'Orders', text });
    await until(async () => (await sourceOf(owner, id)).progress >= 10);
    assert.equal((await sourceOf(owner, id)).status, 'processing');
    const content = 'The second version is short.';
    assert.equal((await app.send(owner, 'PATCH', `/sources/${id}`, { content })).status, 200);
    await until(async () => {
      const { body } = await app.send<Found<Chunk[]>>(owner, 'GET', `/sources/${id}/chunks`);
      return body.data.length === 1 && body.data[0]?.text === content;
    });
    await until(async () => (await sourceOf(owner, id)).status === 'ready');
    assert.equal((await sourceOf(owner, id)).chunkCount, 1);
  });

  it('that is deleted is found no more', async () => {
    const base = await newBase(owner);
    const { id } = await settled(owner, (await add(owner, base, returns)).id);
    const other = await settled(owner, (await add(owner, base, faq('Where are you?', 'In Lisbon.'))).id);
    assert.equal((await app.send(owner, 'DELETE', `/sources/${id}`)).status, 200);
    assert.equal((await app.send(owner, 'GET', `/sources/${id}`)).status, 404);
    assert.ok(!(await search(owner, base, 'return shoes')).some(({ sourceId }) => sourceId === id));
    const left = async () => {
      const { rows } = await app.store.inWorkspace(owner.workspaceId, (tx) =>
        tx.execute(sql`select source_id from chunks where knowledge_base_id = ${base}::uuid`),
      );
      return rows.map(({ source_id }) => source_id);
    };
    assert.deepEqual(await left(), [other.id]);
    assert.equal((await app.send(owner, 'DELETE', `/knowledge-bases/${base}`)).status, 200);
    assert.deepEqual(await left(), []);
    assert.equal((await app.send(owner, 'GET', `/sources/${other.id}`)).status, 404);
    assert.equal((await app.send(owner, 'POST', `/knowledge-bases/${base}/sources`, returns)).status, 404);
  });

  it('whose job was lost is found by the sweeper, and reading it twice doubles nothing', async () => {
    const base = await newBase(owner);
    const { id } = await settled(owner, (await add(owner, base, returns)).id);
    const stuck = (status: string) =>
      app.store.inWorkspace(owner.workspaceId, (tx) =>
        tx.execute(sql`
          update sources set status = ${status}, progress = 40, content_hash = null, updated_at = now() - interval '61 seconds'
          where id = ${id}::uuid`),
      );
    // On a slow machine a source of a test before may be unfinished for that long, too.
    await until(async () => (await app.processing.resumeUnfinished()) === 0);
    for (const status of ['pending', 'processing']) {
      await stuck(status);
      assert.equal(await app.processing.resumeUnfinished(), 1);
      await settled(owner, id);
      assert.equal((await sourceOf(owner, id)).chunkCount, 1);
      const chunks = await app.send<Found<Chunk[]>>(owner, 'GET', `/sources/${id}/chunks`);
      assert.equal(chunks.body.meta.total, 1);
    }
    assert.equal(await app.processing.resumeUnfinished(), 0);
    await app.processing.enqueue(owner.workspaceId, id);
  });

  it('that failed can be read again', async () => {
    const base = await newBase(owner);
    const upload = await document(base, 'a.md', '# Parking\n\nThere is a garage behind the shop.');
    const source = await settled(owner, upload.body.data.id);
    await app.store.inWorkspace(owner.workspaceId, (tx) =>
      tx.execute(sql`update sources set status = 'failed', error = 'x' where id = ${source.id}::uuid`),
    );
    const again = await app.send<Found<Source>>(owner, 'POST', `/sources/${source.id}/retry`);
    assert.deepEqual([again.body.data.status, again.body.data.error], ['pending', null]);
    assert.equal((await settled(owner, source.id)).status, 'ready');
  });

  it('whose file is gone says so', async () => {
    const base = await newBase(owner);
    const upload = await document(base, 'a.md', '# Parking\n\nThere is a garage behind the shop.');
    const source = await settled(owner, upload.body.data.id);
    await app.storage.remove(`${owner.workspaceId}/files/${source.fileId}`);
    await app.send(owner, 'POST', `/sources/${source.id}/retry`);
    await until(async () => (await sourceOf(owner, source.id)).status === 'failed');
    assert.match((await sourceOf(owner, source.id)).error ?? '', /file was not found/);
  });

  it('leaves its facts with its state', async () => {
    const base = await newBase(owner);
    const { id } = await add(owner, base, returns);
    await app.send(owner, 'PATCH', `/sources/${id}`, { title: 'May I return shoes?' });
    await app.send(owner, 'DELETE', `/sources/${id}`);
    const { rows } = await app.store.inWorkspace(owner.workspaceId, (tx) =>
      tx.execute(sql`select type from outbox where subject_id = ${id}::uuid order by seq`),
    );
    assert.deepEqual(
      rows.map(({ type }) => type),
      ['source.created', 'source.changed', 'source.deleted'],
    );
  });
});

describe('a large knowledge base: the reference of Fastify', () => {
  it('becomes ready while colleagues watch, is listed page by page, and answers questions', async () => {
    const base = await newBase(owner);
    const heard = await app.listen(owner, 'source:updated');
    const overheard = await app.listen(outsider, 'source:updated');
    const names = ['Server', 'Routes', 'Reply', 'Hooks', 'Logging', 'Plugins', 'ContentTypeParser'].map(
      (name) => `${name}.md`,
    );
    for (const name of names) {
      const upload = await document(base, name, await readFile(join(reference, name)));
      assert.equal(upload.status, 201);
    }
    const list = async (query: string) =>
      (await app.send<Found<Source[]>>(owner, 'GET', `/knowledge-bases/${base}/sources?${query}`)).body;
    await until(async () => (await list('status=ready&limit=1')).meta.total === names.length, 300);
    assert.equal((await list('status=failed')).meta.total, 0);
    assert.equal((await list('type=faq')).meta.total, 0);
    const second = await list('limit=5&page=2');
    assert.deepEqual([second.data.length, second.meta.total], [2, names.length]);

    await until(() => heard.filter(({ status }) => status === 'ready').length >= names.length);
    assert.ok(heard.some(({ status, progress }) => status === 'processing' && progress > 0 && progress < 100));
    assert.deepEqual(overheard, []);

    const { data } = (await app.send<Found<KnowledgeBase>>(owner, 'GET', `/knowledge-bases/${base}`)).body;
    assert.equal(data.sourceCount, names.length);
    assert.ok(data.chunkCount > 100);
    const first = await list('limit=1');
    const chunks = await app.send<Found<Chunk[]>>(owner, 'GET', `/sources/${first.data[0]?.id}/chunks?limit=1`);
    assert.equal(chunks.body.meta.total, first.data[0]?.chunkCount);

    const hits = await search(owner, base, 'How do I set the maximum size of a request body?');
    assert.ok(hits.some(({ text }) => text.includes('bodyLimit')));
    assert.ok(hits.length <= 8);
    assert.ok((await search(owner, base, 'setErrorHandler', 30)).length > 8);
  });
});
