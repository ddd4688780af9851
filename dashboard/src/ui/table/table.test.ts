import { meApi } from '@parley/contract';
import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query';
import { flushPromises, mount } from '@vue/test-utils';
import { TooltipProvider } from 'reka-ui';
import { beforeEach, describe, expect, it } from 'vitest';
import { h, ref } from 'vue';
import { createMemoryHistory, createRouter } from 'vue-router';
import { keyOf } from '../../api/cache.ts';
import { i18n } from '../../i18n/index.ts';
import DataTable from './DataTable.vue';
import { type BulkAction, type Column, filterRows, sortRows } from './useTable.ts';

type Person = { id: string; name: string; age: number | null; team: string };
const people: Person[] = [
  { id: '1', name: 'Änne', age: 41, team: 'Sales' },
  { id: '2', name: 'bert 10', age: null, team: 'Support' },
  { id: '3', name: 'Bert 9', age: 7, team: 'Support' },
];
const columns: Column<Person>[] = [
  { id: 'name', label: 'Name', value: ({ name }) => name, fixed: true },
  { id: 'age', label: 'Age', value: ({ age }) => age },
  { id: 'team', label: 'Team', value: ({ team }) => team, hidden: true },
];
const t = i18n.global.t;

beforeEach(() => localStorage.clear());

describe('rows', () => {
  const names = (rows: Person[]) => rows.map(({ id }) => id).join('');
  it('are sorted as people count and spell, what is missing last both ways', () => {
    expect(names(sortRows(people, columns, 'name'))).toBe('132');
    expect(names(sortRows(people, columns, '-name'))).toBe('231');
    expect(names(sortRows(people, columns, 'age'))).toBe('312');
    expect(names(sortRows(people, columns, '-age'))).toBe('132');
    expect(names(sortRows(people, columns, 'nothing'))).toBe('123');
  });
  it('are found by every word, in any column', () => {
    expect(names(filterRows(people, columns, ' SUPPORT bert '))).toBe('23');
    expect(names(filterRows(people, columns, 'bert sales'))).toBe('');
  });
});

async function show(
  data: Person[] | { items: Person[]; total: number },
  more: { bulk?: BulkAction<Person>[]; limit?: number; person?: string; at?: string } = {},
) {
  const client = new QueryClient();
  client.setQueryData(keyOf(meApi.get), { user: { id: more.person ?? 'ada' }, permissions: [] });
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/', component: { render: () => null } }],
  });
  await router.push(more.at ?? '/');
  const kept = ref(data);
  const query = { data: kept, error: ref(null), isPending: ref(false), refetch: () => undefined };
  const view = mount(
    () =>
      h(TooltipProvider, () =>
        h(DataTable<Person>, {
          name: 'people',
          label: 'People',
          query,
          columns,
          rowKey: ({ id }) => id,
          rowName: ({ name }) => name,
          mayChoose: ({ id }) => id !== '1',
          empty: { title: 'Nobody yet' },
          ...(more.bulk ? { bulk: more.bulk } : {}),
          ...(more.limit ? { limit: more.limit } : {}),
        }),
      ),
    { global: { plugins: [i18n, router, [VueQueryPlugin, { queryClient: client }]] }, attachTo: document.body },
  );
  await flushPromises();
  const cells = () => view.findAll('tbody tr').map((row) => row.find('td:not(:has(input))').text());
  const button = (word: string) => view.findAll('button').find((found) => found.text().includes(word));
  return { view, router, kept, cells, button };
}

describe('a table', () => {
  it('keeps its sort and search in the address, and says so', async () => {
    const { view, router, cells, button } = await show(people);
    await button('Age')?.trigger('click');
    await flushPromises();
    expect(router.currentRoute.value.query['sort']).toBe('age');
    expect(cells()).toEqual(['Bert 9', 'Änne', 'bert 10']);
    expect(view.findAll('th').map((head) => head.attributes('aria-sort'))).toContain('ascending');
    await view.get('input[type=search]').setValue('bert');
    await flushPromises();
    expect(cells()).toEqual(['Bert 9', 'bert 10']);
    await view.get('input[type=search]').setValue('nobody');
    await flushPromises();
    expect(view.text()).toContain(t('table.noneMatch'));
    await button(t('table.clear'))?.trigger('click');
    await flushPromises();
    expect(cells()).toHaveLength(3);
    view.unmount();
  });

  it('acts on the chosen, of them on those it fits, and never on what may not be chosen', async () => {
    const ran: string[][] = [];
    const run = (rows: Person[]) => ran.push(rows.map(({ id }) => id));
    const { view, kept, button } = await show(people, {
      bulk: [
        { id: 'remove', label: 'Remove', run },
        { id: 'wake', label: 'Wake', fits: ({ age }) => age !== null, run },
      ],
    });
    await view.get('thead input').trigger('change');
    expect(view.text()).toContain(t('table.selected', { n: 2 }, 2));
    await button('Wake')?.trigger('click');
    await flushPromises();
    expect(view.text()).not.toContain(t('table.selected', { n: 2 }, 2));
    await view.get('thead input').trigger('change');
    kept.value = people.slice(0, 2);
    await flushPromises();
    expect(view.text()).toContain(t('table.selected', { n: 1 }, 1));
    await button('Remove')?.trigger('click');
    await flushPromises();
    expect(ran).toEqual([['3'], ['2']]);
    view.unmount();
  });

  it('shows page by page, and the last one when the asked one is no more', async () => {
    const { view, cells, router } = await show(people, { limit: 2, at: '/?page=9' });
    expect(cells()).toEqual(['Bert 9']);
    await view.get(`button[aria-label="${t('common.previous')}"]`).trigger('click');
    await flushPromises();
    expect(cells()).toHaveLength(2);
    expect(router.currentRoute.value.query['page']).toBeUndefined();
    view.unmount();
  });

  it('does not pretend to sort or search what the server pages', async () => {
    const { view, cells, button } = await show({ items: people.slice(0, 2), total: 70 }, { limit: 2 });
    expect(cells()).toHaveLength(2);
    expect(view.find('input[type=search]').exists()).toBe(false);
    expect(button('Age')).toBeUndefined();
    expect(view.text()).toContain('70');
    view.unmount();
  });

  it('keeps the columns somebody chose, for them alone', async () => {
    localStorage.setItem('parley.table.ada.people', JSON.stringify({ team: true, age: false, name: false }));
    const mine = await show(people);
    expect(mine.view.findAll('th').map((head) => head.text())).toEqual(['Name', 'Team']);
    mine.view.unmount();
    const theirs = await show(people, { person: 'bob' });
    expect(theirs.view.findAll('th').map((head) => head.text())).toEqual(['Name', 'Age']);
    theirs.view.unmount();
  });

  it('says what an empty one is for', async () => {
    const { view } = await show([]);
    expect(view.text()).toContain('Nobody yet');
    view.unmount();
  });
});
