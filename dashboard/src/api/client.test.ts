import { botsApi, conversationsApi, membersApi, sourcesApi } from '@parley/contract';
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query';
import { flushPromises, mount } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { defineComponent } from 'vue';
import { useToasts } from '../composables/useToasts.ts';
import { editCache, keyOf } from './cache.ts';
import { call, callAll } from './client.ts';
import { keepLogin } from './session.ts';
import { useAction } from './useAction.ts';

const id = (number: number) => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`;
const member = (number: number, role = 'agent') => ({
  id: id(number),
  userId: id(1000 + number),
  name: `Person ${number}`,
  email: `person${number}@example.com`,
  role,
  presence: 'offline',
  joinedAt: '2026-01-01T00:00:00Z',
});

type Sent = { method: string; url: URL; body: unknown };
let sent: Sent[] = [];
/** A server at the wire. */
function serve(answer: (call: Sent) => unknown, status = 200): void {
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const known = {
      method: init.method ?? 'GET',
      url: new URL(url, 'http://parley.test'),
      body: typeof init.body === 'string' ? JSON.parse(init.body) : init.body,
    };
    sent.push(known);
    return new Response(JSON.stringify(answer(known)), { status });
  });
}
const refusal = { success: false, error: { code: 'conflict', message: 'The last owner stays.' } };

beforeEach(() => {
  sent = [];
  keepLogin({ accessToken: 'good', refreshToken: 'r', workspaceId: id(3) });
});

describe('a call', () => {
  it('fills the path, leaves out what is empty, and sends what is declared', async () => {
    serve(() => ({ success: true, data: [], meta: { nextCursor: null } }));
    await call(conversationsApi.list, { query: { status: 'bot,waiting', q: '', cursor: null } });
    expect(sent[0]?.url.href).toMatch(/\/api\/v1\/conversations\?status=bot%2Cwaiting$/);
    serve(() => ({ success: true, data: { done: true } }));
    await call(botsApi.remove, { params: { id: 'a/../b' } });
    expect(sent[1]).toMatchObject({ method: 'DELETE', body: null });
    expect(sent[1]?.url.pathname).toBe('/api/v1/bots/a%2F..%2Fb');
  });

  it('refuses an answer that is not as declared, without showing it', async () => {
    serve(() => ({ success: true, data: { ...member(1), role: 'emperor' } }));
    const asked = call(membersApi.update, { params: { id: id(1) }, body: { role: 'owner' } });
    await expect(asked).rejects.toMatchObject({ code: 'unexpected_answer', status: 200 });
  });

  it('drops what is not declared', async () => {
    serve(() => ({ success: true, data: { ...member(1), passwordHash: 'x' } }));
    const answer = await call(membersApi.update, { params: { id: id(1) }, body: { role: 'agent' } });
    expect(answer).toEqual(member(1));
  });
});

describe('a whole list', () => {
  const everybody = Array.from({ length: 250 }, (_, number) => member(number));
  const pageOf = ({ url }: Sent) => {
    const [page, limit] = [Number(url.searchParams.get('page') ?? 1), Number(url.searchParams.get('limit'))];
    return { page, limit, items: everybody.slice((page - 1) * limit, page * limit) };
  };

  it('is read to its end, not to its first hundred', async () => {
    serve((asked) => {
      const { items, ...meta } = pageOf(asked);
      return { success: true, data: items, meta: { ...meta, total: everybody.length } };
    });
    expect(await callAll(membersApi.list, {})).toEqual(everybody);
    expect(sent).toHaveLength(3);
  });

  it('ends when the server tells a total that never comes', async () => {
    serve((asked) => ({
      success: true,
      data: asked.url.searchParams.get('page') ? [] : everybody.slice(0, 100),
      meta: { page: 1, limit: 100, total: 1_000_000 },
    }));
    expect(await callAll(membersApi.list, {})).toHaveLength(100);
  });
});

describe('what is kept', () => {
  it('changes in every shape of a list, and comes back', () => {
    const client = new QueryClient();
    const [one, two] = [member(1), member(2)];
    const shapes: [readonly unknown[], unknown][] = [
      [
        ['/members', {}, {}, 'all'],
        [one, two],
      ],
      [keyOf(membersApi.list, { query: { page: 1 } }), { items: [one, two], total: 2 }],
      [['/members', {}, {}, 'pages'], { pages: [{ items: [one] }, { items: [two] }], pageParams: [] }],
    ];
    for (const [key, data] of shapes) client.setQueryData(key, data);
    client.setQueryData(keyOf(sourcesApi.get), 'another');
    const edit = editCache(client);
    edit.changeItems(membersApi.list, {}, (item) => (item.id === one.id ? null : { ...item, name: 'Changed' }));
    for (const [key] of shapes) {
      expect(JSON.stringify(client.getQueryData(key))).toContain('Changed');
      expect(JSON.stringify(client.getQueryData(key))).not.toContain('Person');
    }
    edit.undo();
    for (const [key, data] of shapes) expect(client.getQueryData(key)).toEqual(data);
  });
});

describe('an action', () => {
  const key = ['/members', {}, {}, 'all'];
  function start(failed?: () => string) {
    const client = new QueryClient();
    client.setQueryData(key, [member(1)]);
    const Screen = defineComponent({
      setup: () => ({
        action: useAction(membersApi.update, {
          optimistic: (cache, { params, body }) =>
            cache.changeItems(membersApi.list, {}, (item) =>
              item.id === params.id ? { ...item, role: body.role } : item,
            ),
          ...(failed ? { failed } : {}),
        }),
      }),
      render: () => null,
    });
    const view = mount(Screen, { global: { plugins: [[VueQueryPlugin, { queryClient: client }]] } });
    const role = () => client.getQueryData<{ role: string }[]>(key)?.[0]?.role;
    return { run: () => view.vm.action.run({ params: { id: id(1) }, body: { role: 'admin' } }), role };
  }

  it('shows at once, and takes it back when the server refuses', async () => {
    serve(() => refusal, 409);
    const { run, role } = start(() => 'The role stays.');
    const running = run();
    await flushPromises();
    expect(await running).toBeUndefined();
    expect(role()).toBe('agent');
    const { toasts } = useToasts();
    expect(toasts.value.at(-1)?.text).toBe('The role stays. The last owner stays.');
  });

  it('is thrown to whoever says nothing about failing', async () => {
    serve(() => refusal, 409);
    const { run, role } = start();
    await expect(run()).rejects.toMatchObject({ status: 409 });
    expect(role()).toBe('agent');
  });

  it('keeps what the server took', async () => {
    serve(() => ({ success: true, data: member(1, 'admin') }));
    const { run, role } = start();
    const running = run();
    await Promise.resolve();
    expect(role()).toBe('admin');
    expect(await running).toMatchObject({ role: 'admin' });
    expect(role()).toBe('admin');
  });
});
