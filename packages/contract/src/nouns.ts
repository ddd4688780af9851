/** Who may: everybody who works here, admins and owners, or owners of the first workspace, who run the installation. */
type Who = 'agent' | 'admin' | 'operator';
type Noun = {
  read: Who;
  /** undefined: nothing of it is changed by hand */
  write?: Who;
  /**
   * false: no API key may have it. Keys neither see nor make keys or webhooks, so that one that was stolen leaves nothing behind
   * when it is revoked; and they stay inside their workspace.
   */
  keys?: false;
};

/** What permissions are about: a line gives a noun its permissions `noun:read` and `noun:write`. */
export const nouns = {
  workspace: { read: 'agent', write: 'admin' },
  members: { read: 'agent', write: 'admin' },
  knowledge: { read: 'agent', write: 'admin' },
  bots: { read: 'agent', write: 'admin' },
  inboxes: { read: 'agent', write: 'admin' },
  contacts: { read: 'agent', write: 'agent' },
  conversations: { read: 'agent', write: 'agent' },
  handoffs: { read: 'agent', write: 'agent' },
  operations: { read: 'admin' },
  queues: { read: 'operator', write: 'operator', keys: false },
  mail: { read: 'operator', write: 'operator', keys: false },
  'api-keys': { read: 'admin', write: 'admin', keys: false },
  webhooks: { read: 'admin', write: 'admin', keys: false },
} as const satisfies Record<string, Noun>;

type Nouns = typeof nouns;
type VerbOf<N extends keyof Nouns> = Nouns[N] extends { write: Who } ? 'read' | 'write' : 'read';
/** `noun:verb`. The server decides; the dashboard only hides what would be refused. */
type Permission = { [N in keyof Nouns]: `${N}:${VerbOf<N>}` }[keyof Nouns];
/** What a key may be allowed. */
type ApiKeyScope = {
  [N in keyof Nouns]: Nouns[N] extends { keys: false } ? never : `${N}:${VerbOf<N>}`;
}[keyof Nouns];

const all = Object.entries<Noun>(nouns).flatMap(([name, { read, write, keys }]) => [
  { permission: `${name}:read` as Permission, who: read, keys: keys !== false },
  ...(write ? [{ permission: `${name}:write` as Permission, who: write, keys: keys !== false }] : []),
]);

export const allPermissions = all.map(({ permission }) => permission);
export const allScopes = all.filter(({ keys }) => keys).map(({ permission }) => permission as ApiKeyScope);

/** The permissions of those who may this much. */
export const permissionsFor = (who: Who): Permission[] =>
  all.filter((one) => one.who === who).map(({ permission }) => permission);
