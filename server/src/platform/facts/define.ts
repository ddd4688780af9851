import { z } from 'zod';
import type { ZodObject } from 'zod';

/** Only `make` has it: no other object passes for a fact. */
const isTyped: unique symbol = Symbol('a typed fact');

/** Something that became true. Past tense, noun first: `message.received`. Made by `make` of its noun's facts only. */
export type Fact = {
  workspaceId: string;
  type: string;
  subjectId: string;
  payload: Record<string, unknown>;
  readonly [isTyped]: true;
};

/** A fact as it was committed. `id` is the same at every retry: a reaction that acts outside uses it to act once. */
export const CommittedFact = z.object({
  id: z.uuid(),
  workspaceId: z.uuid(),
  type: z.string(),
  subjectId: z.uuid(),
  payload: z.record(z.string(), z.unknown()),
  requestId: z.string().nullable(),
});
export type CommittedFact = z.infer<typeof CommittedFact>;

export type FactDefinition<P extends ZodObject = ZodObject> = {
  payload: P;
  /** Names under which earlier versions wrote it; it is read under its present one. */
  formerly?: string[];
  /** Makes today's payload of one an earlier version wrote, as far as today's does not fit. */
  upgrade?: (old: Record<string, unknown>) => unknown;
};
export type FactDefinitions = Record<string, ZodObject | FactDefinition>;

type PayloadOf<D extends ZodObject | FactDefinition> = D extends ZodObject
  ? z.output<D>
  : D extends FactDefinition<infer P>
    ? z.output<P>
    : never;
type NameIn<D extends FactDefinitions> = keyof D & string;
/** A committed fact of one of these names, with its payload's type. */
export type FactIn<D extends FactDefinitions, K extends NameIn<D> = NameIn<D>> = {
  [N in K]: Omit<CommittedFact, 'type' | 'payload'> & { type: N; payload: PayloadOf<D[N]> };
}[K];

/** What a reaction listens to, with the type of what it gets. */
export type Subscription<F> = { types: readonly string[]; readonly of?: F };

/**
 * The facts of one noun: name → Zod payload.
 *
 * @example const botFacts = defineFacts({ 'bot.created': z.object({ name: z.string() }) })
 */
export function defineFacts<const D extends FactDefinitions>(definitions: D) {
  return {
    definitions,
    /** @throws ZodError when the payload does not fit, which is a mistake of ours */
    make<K extends NameIn<D>>(
      type: K,
      fact: { workspaceId: string; subjectId: string } & ({} extends PayloadOf<D[K]>
        ? { payload?: PayloadOf<D[K]> }
        : { payload: PayloadOf<D[K]> }),
    ): Fact {
      const { workspaceId, subjectId, payload = {} } = fact;
      const parsed: Record<string, unknown> = whole(definitions[type]).payload.parse(payload);
      return { workspaceId, subjectId, type, payload: parsed, [isTyped]: true };
    },
    on: <K extends NameIn<D>>(...types: K[]): Subscription<FactIn<D, K>> => ({ types }),
  };
}

export const whole = (definition: ZodObject | FactDefinition | undefined): FactDefinition => {
  if (!definition) throw new Error('no such fact is defined');
  return definition instanceof z.ZodObject ? { payload: definition } : definition;
};

/** A fact that cannot be read will not be readable at the next try either. */
export class UnreadableFactError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnreadableFactError';
  }
}

export type Catalogue = {
  /** Every name. */
  types(): string[];
  /** The present name of a fact, which an earlier version may have written under another. */
  nameOf(type: string): string;
  /** The fact under its present name, with its present payload. @throws UnreadableFactError */
  read(fact: CommittedFact): CommittedFact;
};

/** All nouns' facts together. @throws when a name is defined twice */
export function createCatalogue(nouns: { definitions: FactDefinitions }[]): Catalogue {
  const byName = new Map<string, FactDefinition>();
  const present = new Map<string, string>();
  for (const { definitions } of nouns)
    for (const [name, definition] of Object.entries(definitions)) {
      if (byName.has(name)) throw new Error(`the fact ${name} is defined twice`);
      byName.set(name, whole(definition));
    }
  for (const [name, { formerly = [] }] of byName) for (const old of formerly) present.set(old, name);
  const nameOf = (type: string): string => present.get(type) ?? type;

  return {
    types: () => [...byName.keys()],
    nameOf,
    read(fact) {
      const type = nameOf(fact.type);
      const definition = byName.get(type);
      if (!definition) throw new UnreadableFactError(`no fact is called ${fact.type}`);
      const { payload, upgrade } = definition;
      const today = payload.safeParse(fact.payload);
      const read = today.success || !upgrade ? today : payload.safeParse(upgrade(fact.payload));
      if (!read.success)
        throw new UnreadableFactError(`the payload of ${fact.type} does not fit: ${z.prettifyError(read.error)}`);
      return { ...fact, type, payload: read.data };
    },
  };
}
