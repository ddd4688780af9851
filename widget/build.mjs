/**
 * Builds dist/widget.js (the loader), dist/panel.js and dist/chat.js, and holds them to their size budgets in gzip.
 * `--watch` builds again on every change.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { build, context, transform } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const kilobyte = 1024;

/** Style sheets are imported as minified text. */
const styles = {
  name: 'styles',
  setup(builder) {
    builder.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, 'utf8'), { loader: 'css', minify: true });
      return { contents: code.trim().replaceAll(/(--\w+): /g, '$1:'), loader: 'text', watchFiles: [path] };
    });
  },
};

/**
 * Parts of the socket client that never run here (HTTP/3 is not among our transports, our events are JSON without bytes
 * in them) or that every browser we support does by itself. A later version that wants more of one of these files fails
 * the build; one that has moved a file brings it back whole, and the budgets tell.
 */
const replaced = {
  'engine.io-client/build/esm/globals.js': `
    export const globalThisShim = globalThis, defaultBinaryType = 'arraybuffer';
    export const nextTick = (work) => Promise.resolve().then(work), createCookieJar = () => {};`,
  'engine.io-client/build/esm/util.js': `
    export const pick = (from, ...names) =>
      Object.fromEntries(names.filter((name) => Object.hasOwn(from, name)).map((name) => [name, from[name]]));
    export const installTimerFunctions = (to) => {
      to.setTimeoutFn = setTimeout.bind(globalThis);
      to.clearTimeoutFn = clearTimeout.bind(globalThis);
    };
    export const byteLength = (text) => new Blob([text]).size;
    export const randomString = () => Math.random().toString(36).slice(2, 10);`,
  'engine.io-client/build/esm/transports/webtransport.js': 'export class WT {}',
  'engine.io-client/build/esm/contrib/parseuri.js': `export function parse(text) {
    const { hostname, protocol, port, search } = new URL(text);
    return { host: hostname.replace(/[[\\]]/g, ''), protocol: protocol.slice(0, -1), port, query: search.slice(1) };
  }`,
  'engine.io-client/build/esm/contrib/parseqs.js':
    'export const encode = (v) => `${new URLSearchParams(v)}`, decode = (t) => Object.fromEntries(new URLSearchParams(t));',
  'engine.io-client/build/esm/transports/polling-xhr.js': `
    import { Polling } from './polling.js';
    export class Request {}
    export class XHR extends Polling {
      supportsBinary = true;
      ask(method, data, done) {
        const request = new XMLHttpRequest();
        request.open(method, this.uri());
        request.onloadend = () =>
          request.status === 200 ? done(request.responseText) : this.onError('xhr error', request.status, request);
        request.send(data);
      }
      doWrite(data, done) { this.ask('POST', data, done); }
      doPoll() { this.ask('GET', null, (text) => this.onData(text)); }
    }`,
  'engine.io-parser/build/esm/encodePacket.browser.js': `
    import { PACKET_TYPES } from './commons.js';
    export const encodePacket = ({ type, data }, _binary, done) => done(PACKET_TYPES[type] + (data || ''));
    export const encodePacketToBinary = encodePacket;`,
  'engine.io-parser/build/esm/decodePacket.browser.js': `
    import { ERROR_PACKET, PACKET_TYPES_REVERSE } from './commons.js';
    export const decodePacket = (text) => {
      const type = PACKET_TYPES_REVERSE[text[0]];
      return type ? { type, data: text.slice(1) || undefined } : ERROR_PACKET;
    };`,
  '@socket.io/component-emitter/lib/esm/index.js': `
    export class Emitter {
      on(event, listener) {
        ((this._callbacks ??= {})['$' + event] ??= []).push(listener);
        return this;
      }
      once(event, listener) {
        const on = (...values) => {
          this.off(event, on);
          listener.apply(this, values);
        };
        on.fn = listener;
        return this.on(event, on);
      }
      off(event, listener) {
        if (!event) this._callbacks = {};
        else if (!listener) delete this._callbacks?.['$' + event];
        else {
          const listeners = this.listeners(event);
          const at = listeners.findIndex((each) => each === listener || each.fn === listener);
          if (at >= 0) listeners.splice(at, 1);
        }
        return this;
      }
      emit(event, ...values) {
        for (const each of [...this.listeners(event)]) each.apply(this, values);
        return this;
      }
      removeListener(event, listener) { return this.off(event, listener); }
      removeAllListeners(event) { return this.off(event); }
      emitReserved(...values) { return Emitter.prototype.emit.apply(this, values); }
      listeners(event) { return this._callbacks?.['$' + event] ?? []; }
      hasListeners(event) { return this.listeners(event).length > 0; }
    }`,
  'socket.io-parser/build/esm/is-binary.js': 'export const isBinary = () => false, hasBinary = () => false;',
  'socket.io-parser/build/esm/binary.js':
    'export const deconstructPacket = (packet) => ({ packet, buffers: [] }), reconstructPacket = (packet) => packet;',
};
const lean = {
  name: 'lean',
  setup(builder) {
    builder.onResolve({ filter: /^socket\.io-client$/ }, () => ({
      path: here('../node_modules/socket.io-client/build/esm/manager.js'),
    }));
    builder.onLoad({ filter: /(engine|socket)\.io/ }, ({ path }) => {
      const name = Object.keys(replaced).find((each) => path.replaceAll('\\', '/').endsWith(each));
      return name ? { contents: replaced[name], loader: 'js' } : undefined;
    });
  },
};

const sizes = {
  name: 'sizes',
  setup(builder) {
    builder.onEnd((result) => {
      mkdirSync(here('dist'), { recursive: true });
      // The smaller forms of an earlier build (scripts/lib/fronts.mjs) are not of these files.
      for (const name of readdirSync(here('dist')))
        if (/\.(?:br|gz)$/.test(name)) rmSync(here(`dist/${name}`), { force: true });
      // The style sheet of the server's demo page; no part of the widget.
      copyFileSync(here('src/demo.css'), here('dist/demo.css'));
      for (const file of result.outputFiles ?? []) writeFileSync(file.path, file.contents);
      const gzip = Object.fromEntries(
        (result.outputFiles ?? []).map((file) => [
          file.path.split(/[\\/]/).at(-1),
          gzipSync(file.contents, { level: 9 }).length,
        ]),
      );
      const budgets = [
        ['widget.js', gzip['widget.js'] ?? 0, 2 * kilobyte],
        ['widget.js + panel.js', (gzip['widget.js'] ?? 0) + (gzip['panel.js'] ?? 0), 30 * kilobyte],
        ['chat.js', gzip['chat.js'] ?? 0, 30 * kilobyte],
      ];
      for (const [name, size, most] of budgets) {
        console.log(`${name.padEnd(22)} ${String(size).padStart(6)} of ${most} bytes (gzip)`);
        if (size > most) process.exitCode = 1;
      }
      if (process.exitCode === 1) console.error('Above the size budget.');
    });
  },
};

/** @type {import('esbuild').BuildOptions} */
const options = {
  entryPoints: { widget: here('src/loader.ts'), panel: here('src/panel.ts'), chat: here('src/chat.ts') },
  outdir: here('dist'),
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2021',
  charset: 'utf8',
  legalComments: 'none',
  write: false,
  logLevel: 'warning',
  plugins: [styles, lean, sizes],
};

if (process.argv.includes('--watch')) await (await context(options)).watch();
else await build(options);
