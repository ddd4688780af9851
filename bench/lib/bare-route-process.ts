/**
 * The bare baseline of `receive`: a Fastify route that checks an HMAC over the raw body and does one INSERT, and nothing
 * else: through a pool with a prepared statement, on PostgreSQL, or on PGlite in a thread of its own as the product has it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import fastify from 'fastify';
import { Pool } from 'pg';
import { readConfig } from '../../server/src/settings.ts';
import { openDatabase } from '../../server/src/platform/data/index.ts';
import { createLogger } from '../../server/src/platform/telemetry/log.ts';
import { serve } from './child.ts';

type Insert = (id: number, body: string) => Promise<unknown>;

const TABLE = 'create table bench_bare (id bigint primary key, body jsonb not null)';
const statement = { name: 'bare', text: 'insert into bench_bare (id, body) values ($1, $2)' };

async function onPostgres(url: string): Promise<Insert> {
  const pool = new Pool({ connectionString: url, max: 20 });
  await pool.query(TABLE);
  return (id, body) => pool.query({ ...statement, values: [id, body] });
}

async function onPglite(folder: string): Promise<Insert> {
  const database = await openDatabase(readConfig({ DATA_DIR: folder }), createLogger({ level: 'fatal' }));
  await database.asOwner((client) => client.query(`${TABLE}; grant insert on bench_bare to parley_app`));
  return (id, body) => database.pool.query({ ...statement, values: [id, body] });
}

const functions = {
  async listen({ databaseUrl, folder, secret }: { databaseUrl?: string; folder: string; secret: string }) {
    const insert = databaseUrl ? await onPostgres(databaseUrl) : await onPglite(folder);
    const http = fastify();
    http.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    http.post('/', async (request, reply) => {
      const body = request.body as Buffer;
      const wanted = createHmac('sha256', secret).update(body).digest();
      const given = Buffer.from(String(request.headers['x-signature'] ?? ''), 'hex');
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return reply.status(401).send();
      const text = body.toString('utf8');
      const update = JSON.parse(text) as { update_id: number };
      await insert(update.update_id, text);
      return { ok: true };
    });
    return http.listen({ port: 0, host: '127.0.0.1' });
  },
};
export type BareRoute = typeof functions;
serve(functions);
