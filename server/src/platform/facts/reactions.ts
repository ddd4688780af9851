import type { DefinedQueue, JobContext, Jobs } from '../jobs/jobs.ts';
import { PermanentError } from '../jobs/types.ts';
import { runWithContext } from '../telemetry/log.ts';
import { isConnectionLoss } from '../telemetry/outage.ts';
import type { Place } from '../data/tenant.ts';
import { readCarried } from '../telemetry/tracing.ts';
import { CommittedFact, UnreadableFactError } from './define.ts';
import type { Catalogue, Subscription } from './define.ts';

/** What runs because of facts, apart from the command that recorded them and from every other reaction. */
export type Reaction<F extends CommittedFact = CommittedFact> = {
  /** of its job queue; never changed, since waiting jobs are known by it */
  name: string;
  /** what it does, in one sentence for the person who runs the installation */
  sentence: string;
  on: Subscription<F>;
  /** jobs at once in each process (default 4) */
  concurrency?: number;
  /** Whether there is anything to do (default: always); asked when the fact is relayed. */
  wants?(fact: F, place: Place): boolean | Promise<boolean>;
  /** Runs once for each fact or, after a failure, again; it must bear that. */
  handle(fact: F, context: JobContext): Promise<void>;
};

/** Keeps the payload's type inside of the reaction, and lets all of them stand in one list. */
export const defineReaction = <F extends CommittedFact>(reaction: Reaction<F>): Reaction => reaction;

export type Reactions = {
  /** The names of those that want it. */
  wanting(fact: CommittedFact, place: Place): Promise<string[]>;
  knows(name: string): boolean;
  hand(fact: CommittedFact, reaction: string): Promise<void>;
  /** Has this process handle them. */
  work(handled: (fact: CommittedFact, reaction: string, error?: string) => Promise<void>): void;
};

/** A queue per reaction: what one cannot do waits, fails and is given up there, and no other knows of it. */
export function createReactions(parts: {
  jobs: Pick<Jobs, 'define'>;
  catalogue: Catalogue;
  reactions: Reaction[];
}): Reactions {
  const { jobs, catalogue } = parts;
  const known = new Map<string, { reaction: Reaction; queue: DefinedQueue<CommittedFact> }>();
  const byType = new Map<string, Reaction[]>();
  for (const reaction of parts.reactions) {
    const { name, sentence, concurrency = 4 } = reaction;
    known.set(name, { reaction, queue: jobs.define({ name, sentence, schema: CommittedFact, concurrency }) });
    for (const type of reaction.on.types) byType.set(type, [...(byType.get(type) ?? []), reaction]);
  }

  return {
    async wanting(fact, place) {
      const listening = byType.get(catalogue.nameOf(fact.type)) ?? [];
      if (listening.length === 0) return [];
      let read: CommittedFact;
      try {
        read = catalogue.read(fact);
      } catch (error) {
        if (!(error instanceof UnreadableFactError)) throw error;
        // Each of them gets it, and gives it up with the reason, where the operator sees it.
        return listening.map(({ name }) => name);
      }
      const asked = await Promise.allSettled(listening.map(async ({ wants }) => (await wants?.(read, place)) ?? true));
      for (const one of asked) if (one.status === 'rejected' && isConnectionLoss(one.reason)) throw one.reason;
      // One that cannot say gets the fact: its own job meets the error, is tried again, and is seen there.
      const isWanted = (one: (typeof asked)[number] | undefined) => one?.status === 'rejected' || one?.value === true;
      return listening.filter((_reaction, index) => isWanted(asked[index])).map(({ name }) => name);
    },
    knows: (name) => known.has(name),
    async hand(fact, name) {
      const found = known.get(name);
      if (!found) throw new Error(`no reaction is called ${name}`);
      // Under the ids of what caused the fact, not of whoever woke the relay.
      const of = readCarried(fact.requestId ?? fact.id);
      await runWithContext(of, () => found.queue.add(fact, { jobId: fact.id }));
    },
    work(handled) {
      for (const { reaction, queue } of known.values())
        queue.process(
          async (fact, context) => {
            await reaction.handle(readOrGiveUp(catalogue, fact), context);
            await handled(fact, reaction.name);
          },
          (fact, error) => handled(fact, reaction.name, error),
        );
    },
  };
}

function readOrGiveUp(catalogue: Catalogue, fact: CommittedFact): CommittedFact {
  try {
    return catalogue.read(fact);
  } catch (error) {
    throw error instanceof UnreadableFactError ? new PermanentError(error.message) : error;
  }
}
