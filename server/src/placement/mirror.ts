import type { Asking } from '../platform/data/placing.ts';

// Foreign tables: memberships, users, workspaces. A database of a workspace’s own has its people beside it.

/**
 * What a database of a workspace's own needs of the shared one: the workspace, and the people who are or were its members,
 * without their passwords. References in its tables lead there, and so do the names in its lists.
 */
export async function readPeople(shared: Asking, workspaceId: string): Promise<string> {
  const { rows } = await shared.query(
    `select json_build_object(
       'workspaces', (select json_agg(w) from (select * from workspaces where id = $1) w),
       'users', (select json_agg(u order by u.id) from (
         select id, email, name, created_at, disabled_at from users
         where id in (select user_id from memberships where workspace_id = $1)) u),
       'memberships', (select json_agg(m order by m.removed_at nulls last, m.id) from (
         select * from memberships where workspace_id = $1) m))::text as people`,
    [workspaceId],
  );
  return String(rows[0]?.people ?? '{}');
}

/** Writes them into the database of the workspace's own, in one statement: all of it, or nothing. */
export async function writePeople(own: Asking, people: string): Promise<void> {
  await own.query(
    `with w as (
       insert into workspaces select * from json_populate_recordset(null::workspaces, $1::json -> 'workspaces')
       on conflict (id) do update set name = excluded.name, plan = excluded.plan, accent = excluded.accent,
         settings = excluded.settings, deleted_at = excluded.deleted_at),
     u as (
       insert into users (id, email, name, created_at, disabled_at)
       select id, email, name, created_at, disabled_at from json_populate_recordset(null::users, $1::json -> 'users')
       on conflict (id) do update set email = excluded.email, name = excluded.name, disabled_at = excluded.disabled_at)
     insert into memberships select * from json_populate_recordset(null::memberships, $1::json -> 'memberships')
     on conflict (id) do update set role = excluded.role, presence = excluded.presence, removed_at = excluded.removed_at`,
    [people],
  );
}

/** Writes its inboxes into the shared directory, where their tokens are looked up. */
async function noteInboxes(own: Asking, shared: Asking, workspaceId: string): Promise<void> {
  const { rows } = await own.query('select id, token from inboxes', []);
  await shared.query(
    `insert into placed_inboxes (id, workspace, token)
     select r.id, $1, r.token from json_to_recordset($2::json) as r(id uuid, token text)
     on conflict (id) do update set token = excluded.token where placed_inboxes.token <> excluded.token`,
    [workspaceId, JSON.stringify(rows)],
  );
}

/** Keeps both in line; what did not change since this process last wrote it is not written again. */
export function createMirror(shared: Asking): (workspaceId: string, own: Asking) => Promise<void> {
  const written = new Map<string, string>();
  return async function mirror(workspaceId, own) {
    const people = await readPeople(shared, workspaceId);
    if (written.get(workspaceId) !== people) {
      await writePeople(own, people);
      written.set(workspaceId, people);
    }
    await noteInboxes(own, shared, workspaceId);
  };
}
