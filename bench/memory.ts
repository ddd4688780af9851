/**
 * `npm run bench -- memory`: resident memory of the whole product as it is started (a process of its own, embedded, with
 * the demo workspace): idle, and after 1 000 turns. Bar: 1 GB idle; aim: 700 MB.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPeer } from './lib/peer.ts';
import { line } from './lib/stats.ts';

const PORT = 20_000 + Math.floor(Math.random() * 10_000);
const TURNS = 1_000;
const SECRET = 'a-secret-of-the-bench';
const owner = { email: 'bench@parley.test', password: 'bench bench bench' };

/** Resident set size in MB, as the kernel counts it. */
const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const dataDir = mkdtempSync(join(tmpdir(), 'parley-bench-'));
const peer = await startPeer();
const child = spawn(process.execPath, [fileURLToPath(new URL('../scripts/start.mjs', import.meta.url))], {
  env: {
    ...process.env,
    DATA_DIR: dataDir,
    PORT: String(PORT),
    LOG_LEVEL: 'warn',
    PARLEY_OWNER_EMAIL: owner.email,
    PARLEY_OWNER_PASSWORD: owner.password,
    CHANNEL_TELEGRAM_API_URL: peer.telegramUrl,
    OPENAI_BASE_URL: peer.modelUrl,
    OPENAI_API_KEY: 'bench',
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (bytes: Buffer) => {
      if (bytes.toString().includes('ready ')) resolve();
    });
    child.once('exit', () => reject(new Error('the server stopped at its start')));
  });
  const pid = child.pid ?? 0;
  const url = `http://127.0.0.1:${PORT}`;
  let token = '';
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const envelope = (await response.json()) as { success: boolean; data: T; error?: { message: string } };
    if (!envelope.success) throw new Error(`${method} ${path}: ${envelope.error?.message}`);
    return envelope.data;
  };
  token = (await call<{ accessToken: string }>('POST', '/auth/login', owner)).accessToken;

  // The demo reads its guides first; idle is what comes after.
  for (let waited = 0; waited < 300; waited++) {
    const bases = await call<{ id: string }[]>('GET', '/knowledge-bases');
    const unfinished = await call<{ id: string }[]>('GET', `/knowledge-bases/${bases[0]?.id}/sources?status=pending`);
    const reading = await call<{ id: string }[]>('GET', `/knowledge-bases/${bases[0]?.id}/sources?status=processing`);
    if (unfinished.length + reading.length === 0) break;
    await pause(1_000);
  }
  await pause(10_000);
  const idle = residentMb(pid);
  line('idle, embedded, demo read (bar: 1024 MB)', `${idle.toFixed(0)} MB`);

  const bot = await call<{ id: string }>('POST', '/bots', { name: 'Instant', model: 'openai/instant' });
  const inbox = await call<{ token: string }>('POST', '/inboxes', {
    name: 'Bench',
    channel: 'telegram',
    botId: bot.id,
    credentials: { botToken: peer.telegramToken, secretToken: SECRET },
  });
  const order = { webhookUrl: `${url}/webhooks/telegram/${inbox.token}`, secret: SECRET };
  for (let chat = 0; chat < 10; chat++) {
    await peer.order({ kind: 'turns', ...order, chat: 900 + chat, count: TURNS / 10, firstId: 1 + chat * TURNS });
  }
  const busy = residentMb(pid);
  await pause(10_000);
  line(`after ${TURNS} turns, at once`, `${busy.toFixed(0)} MB`);
  line(`after ${TURNS} turns, 10 s later`, `${residentMb(pid).toFixed(0)} MB`);
  if (idle > 1_024) process.exitCode = 1;
} finally {
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('exit', resolve));
  await peer.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
