import type { z } from 'zod';

/** A wrong setting: one line that names the variable and what it takes. Never quotes the value, which may be a secret. */
export class ConfigError extends Error {
  readonly variable: string;

  constructor(variable: string, takes: string) {
    super(`${variable} ${takes}`);
    this.name = 'ConfigError';
    this.variable = variable;
  }
}

/** What belongs together in `.env.example` and docs/operations.md, in the order in which it stands there. */
export const groups = {
  listen: 'Where it listens',
  start: 'The first start',
  process: 'What this process does',
  limits: 'Limits',
  outside: 'What workspaces may have called',
  mail: 'Mail of Parley itself',
  services: 'Outside parts, each on its own; unset means embedded',
  secrets: 'Secrets',
  models: 'Models; without a key the built-in model answers',
  channels: 'Channels; their addresses change only for a proxy, a test or a server of your own',
  watching: 'Watching it run',
} as const;

/** One variable of the environment. */
export type Variable<Schema extends z.ZodType = z.ZodType> = {
  /** Takes the text of the environment. Its description reads on after the variable's name and is the error: "takes a port". */
  schema: Schema;
  group: keyof typeof groups;
  /** What it is for, in one or two sentences for whoever runs Parley. */
  description: string;
  /** Taken when nothing is set, as it would be set. */
  default?: string;
  /** What happens when nothing is set, where no value can be named. */
  unset?: string;
  example?: string;
  /** It holds a secret. */
  secret?: true;
  /** Where more is said: a link as docs/operations.md has it. */
  more?: string;
};
export type Variables = Record<string, Variable>;

type ValueOf<V extends Variable> = V extends { default: string }
  ? z.output<V['schema']>
  : z.output<V['schema']> | undefined;
export type ValuesOf<V extends Variables> = { [Name in keyof V]: ValueOf<V[Name]> };

/** Variables that belong together, and what is made of them. It is the key under which `settingsOf` has the value. */
export type Settings<Value = unknown> = { variables: Variables; read(values: Record<string, unknown>): Value };
export type SettingsOf = <Value>(settings: Settings<Value>) => Value;

/**
 * Declares settings where they are used: in `settings.ts` of a platform area, of a channel, or of a feature, which names them in its
 * feature.ts. `read` makes of the parsed values what is handed out, and throws ConfigError when they do not fit each other.
 */
export function defineSettings<const V extends Variables>(variables: V): Settings<ValuesOf<V>>;
export function defineSettings<const V extends Variables, Value>(
  variables: V,
  read: (values: ValuesOf<V>) => Value,
): Settings<Value>;
export function defineSettings(
  variables: Variables,
  read: (values: Record<string, unknown>) => unknown = (values) => values,
): Settings {
  return { variables, read };
}

type Environment = Record<string, string | undefined>;

function parse(name: string, { schema, default: usual }: Variable, env: Environment): unknown {
  // Empty means unset.
  const text = env[name]?.trim() || usual;
  if (text === undefined) return undefined;
  const result = schema.safeParse(text);
  if (result.success) return result.data;
  throw new ConfigError(name, schema.description ?? 'takes another value');
}

/**
 * Parses all variables, once.
 *
 * @returns `unknown`: variables of the environment that begin as ours do and are none of them
 * @throws ConfigError for the first wrong one
 */
export function readSettings(
  env: Environment,
  declared: readonly Settings[],
): { settingsOf: SettingsOf; unknown: string[] } {
  const values = new Map<string, unknown>();
  for (const { variables } of declared)
    for (const [name, variable] of Object.entries(variables)) {
      if (values.has(name)) throw new Error(`${name} is declared twice`);
      values.set(name, parse(name, variable, env));
    }
  const made = new Map<Settings, unknown>();
  for (const settings of declared) {
    const own = Object.keys(settings.variables).map((name) => [name, values.get(name)]);
    made.set(settings, settings.read(Object.fromEntries(own)));
  }
  return {
    settingsOf<Value>(settings: Settings<Value>): Value {
      if (!made.has(settings))
        throw new Error(`${Object.keys(settings.variables).join(', ')}: not in the settings of any feature.ts`);
      // What its own `read` returned.
      return made.get(settings) as Value;
    },
    unknown: Object.keys(env).filter((name) => name.startsWith('PARLEY_') && !values.has(name)),
  };
}
