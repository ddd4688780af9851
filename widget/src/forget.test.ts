import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseHTML } from 'linkedom';
import { panelKey, type Identity, type MountPanel } from './handoff.ts';
import { createMemory, endedKey } from './memory.ts';
import { createSession } from './session.ts';

/** Keeps its values as properties, as a browser's does. */
class Kept {
  getItem(key: string): string | null {
    return Object.hasOwn(this, key) ? String(Reflect.get(this, key)) : null;
  }
  setItem(key: string, value: string): void {
    changes.push(key);
    Reflect.set(this, key, value);
  }
  removeItem(key: string): void {
    changes.push(key);
    Reflect.deleteProperty(this, key);
  }
}
let changes: string[] = [];

type Asked = { url: string; method: string; token: string | undefined };
type Page = {
  Parley: Record<'open' | 'reset' | 'destroy', () => void> & {
    push(...commands: unknown[][]): void;
    identify(given: unknown): void;
  };
};

const names = [
  ...(['document', 'localStorage', 'location', 'fetch', 'window', 'navigator'] as const),
  ...(['HTMLButtonElement', 'MutationObserver', 'addEventListener', 'Parley', panelKey] as const),
];

describe('whoever leaves a browser', () => {
  const before = new Map<string, PropertyDescriptor | undefined>();
  let kept: Kept;
  let asked: Asked[];
  let answer: () => Promise<{ status: number }>;
  let page: Page;
  let told: [string, unknown?][];
  let document: Document;

  const put = (name: string, value: unknown): void => {
    if (!before.has(name)) before.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  };
  const keys = (): string[] => Object.keys(kept);
  let loads = 0;
  const load = async (): Promise<void> => {
    loads += 1;
    await import(`./loader.ts?${loads}`);
    page = globalThis as unknown as Page;
  };
  /** The panel is a module of its own address; here one that brings nothing, since the panel is there. */
  const panelArrives = async (): Promise<void> => {
    for (let turns = 0; told.length === 0 && turns < 100_000; turns += 1) await new Promise(setImmediate);
  };

  beforeEach(() => {
    const dom = parseHTML(
      '<!doctype html><html><head></head><body><script data-inbox="abc" src="https://desk.example/widget.js"></script></body></html>',
    );
    document = dom.document;
    kept = new Kept();
    [changes, asked, told] = [[], [], []];
    answer = async () => ({ status: 200 });
    for (const name of names) put(name, undefined);
    put('document', document);
    put('HTMLButtonElement', dom.HTMLButtonElement);
    put('MutationObserver', dom.MutationObserver);
    put('addEventListener', () => undefined);
    put('window', globalThis);
    put('navigator', { language: 'en', languages: ['en'], onLine: true });
    put('location', new URL('https://shop.example/'));
    put('localStorage', kept);
    put('fetch', (url: string, init: RequestInit = {}) => {
      const { authorization } = (init.headers ?? {}) as Record<string, string>;
      asked.push({ url, method: init.method ?? 'GET', token: authorization });
      return url.endsWith('/forget') ? answer() : Promise.resolve({ status: 404 });
    });
    const mount: MountPanel = (_launcher, identity) => {
      told.push(['mount', identity]);
      const note = (name: string) => (given?: unknown) => void told.push([name, given]);
      return {
        ...{ open: note('open'), close: note('close'), toggle: note('toggle') },
        ...{ identify: note('identify'), reset: note('reset'), destroy: note('destroy') },
      };
    };
    put(panelKey, mount);
  });
  afterEach(() => {
    for (const [name, value] of before) {
      if (value) Object.defineProperty(globalThis, name, value);
      else Reflect.deleteProperty(globalThis, name);
    }
    before.clear();
  });

  const remember = (id?: string): void => {
    for (const name of ['visitor', 'conversation', 'outbox', 'text', 'read', 'config'])
      kept.setItem(`parley:abc:${name}`, `${name} of the first`);
    if (id) kept.setItem('parley:abc:id', JSON.stringify(id));
    kept.setItem('parley:other:visitor', 'not ours');
    kept.setItem('cart', 'of the page');
    changes = [];
  };
  const forgets = () => asked.filter(({ url }) => url.endsWith('/forget'));

  it('is forgotten before the panel was ever fetched, on this computer and on the server', async () => {
    remember();
    await load();
    page.Parley.reset();
    assert.deepEqual(keys().sort(), ['cart', 'parley:other:visitor']);
    assert.deepEqual(forgets(), [
      {
        url: 'https://desk.example/api/v1/widget/abc/forget',
        method: 'POST',
        token: 'Visitor visitor of the first',
      },
    ]);
    assert.equal(changes.at(-1), endedKey('abc'), 'other tabs hear of it once all is gone');
    assert.deepEqual(told, [], 'nothing else was fetched for it');
  });

  it('is forgotten also by an order the page gave before the script was there', async () => {
    remember();
    put('Parley', [['reset']]);
    await load();
    assert.deepEqual(keys().sort(), ['cart', 'parley:other:visitor']);
    assert.equal(forgets().length, 1);
  });

  it('is not mistaken for the next one, and goes on when it is the same', async () => {
    remember('ann');
    await load();
    for (const given of [{ id: 'ann', name: 'Ann' }, { name: 'Ann' }, undefined, null, 'Ann', { id: '' }])
      page.Parley.identify(given);
    assert.equal(kept.getItem('parley:abc:conversation'), 'conversation of the first');
    assert.deepEqual(forgets(), []);
    page.Parley.identify({ id: 'bo', name: 'Bo' });
    assert.deepEqual(keys().sort(), ['cart', 'parley:abc:id', 'parley:other:visitor']);
    assert.equal(kept.getItem('parley:abc:id'), '"bo"');
    assert.equal(forgets().length, 1);
    page.Parley.identify({ id: 'bo' });
    page.Parley.identify({ id: 7 });
    page.Parley.identify({ id: 7 });
    assert.equal(kept.getItem('parley:abc:id'), '7');
    // Whatever a page calls an id tells people apart.
    const asks = forgets().length;
    for (const id of [0, { of: 'ann' }, { of: 'bo' }]) {
      kept.setItem('parley:abc:visitor', 'of the one before');
      page.Parley.identify({ id });
    }
    assert.equal(forgets().length, asks + 3);
  });

  it('is forgotten whatever else the page said first', async () => {
    remember();
    put('Parley', [null, ['__proto__'], ['constructor', 1], ['no such command'], 7, ['reset']]);
    await load();
    assert.deepEqual(keys().sort(), ['cart', 'parley:other:visitor']);
  });

  it('takes what the page said of them along', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-panel-'));
    mkdirSync(join(folder, 'widget'));
    writeFileSync(join(folder, 'widget/panel.js'), '');
    document.querySelector('script')?.setAttribute('src', pathToFileURL(join(folder, 'widget.js')).href);
    await load();
    page.Parley.identify({ id: 'ann', name: 'Ann' });
    page.Parley.open();
    page.Parley.reset();
    await panelArrives();
    rmSync(folder, { recursive: true });
    assert.deepEqual(told[0], ['mount', {}], 'a panel that arrives later hears nothing of the first');
    page.Parley.identify({ id: 'bo' });
    await new Promise(setImmediate);
    page.Parley.identify({ id: 'cy' });
    await new Promise(setImmediate);
    const shown: Identity = { id: 'cy' };
    assert.deepEqual(told.slice(-2), [
      ['reset', shown],
      ['identify', shown],
    ]);
  });

  it('is ended on the server as soon as it can be reached', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    remember();
    const answers = [
      () => Promise.reject(new Error('no network')),
      async () => ({ status: 503 }),
      async () => ({ status: 200 }),
    ];
    answer = () => (answers.shift() as () => Promise<{ status: number }>)();
    await load();
    page.Parley.reset();
    for (const times of [1, 2, 3, 3]) {
      assert.equal(forgets().length, times);
      await new Promise(setImmediate);
      t.mock.timers.tick(10_000);
    }
    assert.equal(kept.getItem('parley:abc:visitor'), null);
  });

  it('leaves nothing where storage is forbidden', () => {
    const memory = createMemory('abc', () => {
      throw new Error('forbidden');
    });
    memory.set('visitor', 'token');
    memory.clear();
    assert.equal(memory.get('visitor'), null);
  });

  it('is gone from a tab that has read what another tab takes away', () => {
    const [here, there] = [0, 1].map(() => createMemory('abc', () => kept as unknown as Storage));
    here?.set('visitor', 'token');
    assert.equal(here?.get('visitor'), 'token');
    there?.clear();
    assert.equal(here?.get('visitor'), null);
  });

  it('leaves no message and no draft in the session', () => {
    const memory = createMemory('abc', () => kept as unknown as Storage);
    const session = createSession({
      ...{ base: 'http://127.0.0.1:9/', inbox: 'abc', memory, language: 'en' },
      changed: () => undefined,
      arrived: () => undefined,
    });
    session.send('my card is 4711', []);
    assert.equal(session.entries().length, 1);
    memory.clear();
    session.again();
    assert.deepEqual(session.entries(), []);
    assert.equal(session.situation().link, 'idle');
    assert.equal(session.hasConversation(), false);

    session.send('again', []);
    memory.clear();
    session.leave();
    assert.deepEqual(session.entries(), []);
    assert.equal(session.situation().link, 'idle');
  });

  it('a page that starts the chat twice has it once, and has it again after its body was replaced', async () => {
    await load();
    await load();
    assert.equal(document.querySelectorAll('parley-widget').length, 1);
    const [host] = document.querySelectorAll('parley-widget');
    host?.remove();
    await load();
    assert.equal(document.querySelector('parley-widget'), host);
    page.Parley.destroy();
    assert.equal(document.querySelector('parley-widget'), null);
    assert.ok(Array.isArray(globalThis['Parley' as never]), 'orders wait for a new start');
    await load();
    assert.equal(document.querySelectorAll('parley-widget').length, 1);
  });
});
