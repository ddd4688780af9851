import { setTimeout as pause } from 'node:timers/promises';
import { Client, Pool } from 'pg';
import { summarise } from './stats.ts';
import type { Summary } from './stats.ts';

const statement = { name: 'bare', text: 'insert into bench_bare_insert (text) values ($1)' };
const values = ['one bare row'];

/**
 * The least a database can be asked to keep: one committed row, with a prepared statement, on one connection.
 * @param pauseMs between two of them, in milliseconds; after a pause everybody on the way has to be woken again
 */
export async function timeBareInsert(databaseUrl: string, count: number, pauseMs: number): Promise<Summary> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(
    'create table if not exists bench_bare_insert (id bigint generated always as identity, text text)',
  );
  for (let warm = 0; warm < 200; warm++) await client.query({ ...statement, values });
  const durations: number[] = [];
  for (let index = 0; index < count; index++) {
    const started = performance.now();
    await client.query({ ...statement, values });
    durations.push(performance.now() - started);
    if (pauseMs > 0) await pause(pauseMs);
  }
  await client.end();
  return summarise(durations);
}

/** The same as fast as 20 connections take it. */
export async function floodBareInserts(databaseUrl: string, seconds: number): Promise<number> {
  const pool = new Pool({ connectionString: databaseUrl, max: 20 });
  const until = performance.now() + seconds * 1_000;
  let done = 0;
  const one = async (): Promise<void> => {
    for (; performance.now() < until; done++) await pool.query({ ...statement, values });
  };
  await Promise.all(Array.from({ length: 20 }, one));
  await pool.end();
  return done / seconds;
}
