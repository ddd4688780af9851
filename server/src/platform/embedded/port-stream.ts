import { Duplex } from 'node:stream';

/** Where a connection's bytes go. */
export type Port = { open(): void; write(bytes: Buffer): void; close(): void };

/** A stream with the few socket methods `pg` calls; connecting succeeds at once. What is pushed into it is the reply. */
export function portStream(port: Port): Duplex {
  const stream = new Duplex({
    // Replies are pushed as they come.
    read() {},
    write(chunk: Buffer, _encoding, done) {
      port.write(chunk);
      done();
    },
    writev(chunks, done) {
      port.write(Buffer.concat(chunks.map(({ chunk }) => Buffer.from(chunk))));
      done();
    },
    destroy(error, done) {
      port.close();
      done(error);
    },
  });
  const same = () => stream;
  return Object.assign(stream, {
    connect() {
      port.open();
      queueMicrotask(() => stream.emit('connect'));
      return stream;
    },
    setNoDelay: same,
    setKeepAlive: same,
    ref: same,
    unref: same,
  });
}
