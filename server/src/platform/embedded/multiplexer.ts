import {
  closeStatements,
  fatalMessage,
  greeting,
  queryMessage,
  readExchange,
  readOptions,
  readStartup,
  readStatus,
  splitNotifications,
} from './protocol.ts';
import type { Exchange } from './protocol.ts';

/** One client: where its replies go, and how it is cut off. */
export type Line = { write(bytes: Buffer): void; end(): void };

export type Multiplexer = {
  open(id: number, line: Line): void;
  /** Bytes from a client, in any cut. */
  receive(id: number, bytes: Buffer): void;
  /** The client went away: its transaction is rolled back, its prepared statements are forgotten. */
  close(id: number): void;
};

type Client = {
  id: number;
  line: Line;
  buffer: Buffer;
  started: boolean;
  setup: string;
  listens: boolean;
  statements: Set<string>;
};

/**
 * Lets many PostgreSQL clients share the one session of an embedded database, without seeing each other:
 *
 * - an exchange (everything up to Sync) runs whole, so the unnamed statement of one client never meets another's bind;
 * - a client in a transaction keeps the session until it commits, rolls back, goes away, or idles too long;
 * - each client keeps its own role, search_path and prepared statement names, given at its start;
 * - a notification reaches every client that listens, whosever statement brought it out.
 *
 * Session-wide things done in SQL by a client (`SET`, temporary tables, session advisory locks) are shared by all.
 *
 * @param execute runs protocol bytes on the session and returns all of the reply
 * @param idleTransactionMs how long a client may sit in an open transaction while others wait
 */
export function createMultiplexer(execute: (bytes: Uint8Array) => Uint8Array, idleTransactionMs: number): Multiplexer {
  const clients = new Map<number, Client>();
  const waiting = new Set<Client>();
  const orphans: string[] = [];
  let owner: Client | null = null;
  let currentSetup = '';
  let listeners = 0;
  let idleTimer: NodeJS.Timeout | null = null;

  function start(client: Client): boolean {
    const startup = readStartup(client.buffer);
    if (!startup) return false;
    client.buffer = client.buffer.subarray(startup.length);
    client.started = true;
    const settings = readOptions(startup.parameters.get('options') ?? '');
    // A client that names no role is the owner: the session's own user.
    const role = quoted(settings.get('role') ?? 'none');
    const path = (settings.get('search_path') ?? 'public').split(',').map(quoted).join(', ');
    client.setup = `SET ROLE ${role}; SET search_path TO ${path}`;
    client.line.write(greeting(client.id));
    return true;
  }

  function assume(client: Client): boolean {
    if (client.setup === currentSetup) return true;
    const reply = Buffer.from(execute(queryMessage(client.setup)));
    if (reply[0] === 0x45) {
      currentSetup = '';
      client.line.write(reply.subarray(0, 1 + reply.readInt32BE(1)));
      drop(client);
      return false;
    }
    currentSetup = client.setup;
    return true;
  }

  function next(client: Client): Exchange | null {
    try {
      if (!client.started && !start(client)) return null;
      return readExchange(client.buffer, `c${client.id}_`, {
        parsed: (name) => client.statements.add(name),
        closed: (name) => client.statements.delete(name),
      });
    } catch (error) {
      // What the client sent makes no sense; the session underneath has not seen it.
      client.line.write(fatalMessage('08P01', error instanceof Error ? error.message : 'protocol violation'));
      drop(client);
      return null;
    }
  }

  /** Runs the client's next exchange; false when it has none complete. */
  function step(client: Client): boolean {
    const exchange = next(client);
    if (!exchange) return false;
    client.buffer = client.buffer.subarray(exchange.length);
    if (exchange.kind === 'terminate') {
      drop(client);
      return false;
    }
    if (owner !== client && !assume(client)) return false;
    if (exchange.listens && !client.listens) {
      client.listens = true;
      listeners++;
    }
    const reply = execute(exchange.bytes);
    const status = readStatus(reply);
    owner = exchange.holds || (status !== null && status !== 'I') ? client : null;
    deliver(client, Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength));
    return true;
  }

  function deliver(client: Client, reply: Buffer): void {
    if (!listeners) return client.line.write(reply);
    const split = splitNotifications(reply);
    client.line.write(split.reply);
    if (!split.notifications.length) return;
    const notifications = Buffer.concat(split.notifications);
    for (const other of clients.values()) if (other.listens) other.line.write(Buffer.from(notifications));
  }

  function drain(): void {
    for (;;) {
      const turn: Client | undefined = owner ?? waiting.values().next().value;
      if (!turn || !waiting.has(turn)) break;
      waiting.delete(turn);
      // One exchange each in turn, so a busy client does not starve the others.
      if (step(turn)) waiting.add(turn);
    }
    watchIdle();
  }

  function watchIdle(): void {
    if (idleTimer) clearTimeout(idleTimer);
    idleTimer = null;
    const idle = owner;
    if (!idle || !waiting.size) return;
    idleTimer = setTimeout(() => {
      idle.line.write(fatalMessage('25P03', 'a transaction sat idle while others waited for the embedded database'));
      drop(idle);
      drain();
    }, idleTransactionMs);
  }

  function drop(client: Client): void {
    if (!clients.delete(client.id)) return;
    waiting.delete(client);
    if (client.listens) listeners--;
    if (owner === client) {
      // A Sync first: after an error in an unfinished exchange everything else is skipped.
      execute(Buffer.concat([closeStatements([]), queryMessage('ROLLBACK')]));
      owner = null;
    }
    if (client.statements.size) {
      // Closing needs an idle session: inside another's failed transaction it would be refused and forgotten.
      if (owner) orphans.push(...client.statements);
      else execute(closeStatements(client.statements));
    }
    if (!owner && orphans.length) execute(closeStatements(orphans.splice(0)));
    client.line.end();
  }

  return {
    open(id, line) {
      const nothing = Buffer.alloc(0);
      const statements = new Set<string>();
      clients.set(id, { id, line, buffer: nothing, started: false, setup: '', listens: false, statements });
    },
    receive(id, bytes) {
      const client = clients.get(id);
      if (!client) return;
      client.buffer = client.buffer.length ? Buffer.concat([client.buffer, bytes]) : bytes;
      waiting.add(client);
      drain();
    },
    close(id) {
      const client = clients.get(id);
      if (!client) return;
      drop(client);
      drain();
    },
  };
}

function quoted(identifier: string): string {
  const name = identifier.trim().replace(/^"(.*)"$/, '$1');
  return name === 'none' ? name : `"${name.replaceAll('"', '""')}"`;
}
