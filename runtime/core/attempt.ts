import { Fault } from "../../protocols/errors.ts";

/** How a shard's thread ended: a handler did not return, it ran out of memory, or it ended in any other way. */
export type DeathCause = "hang" | "oom" | "crash";

/** What a shard's thread is running, so that its death can be counted against it (D11). */
export interface Attempt {
  readonly partition: number;
  readonly of: "mail" | "ask" | "timer";
  /** Of the message in the mail stream; when a timer is due; 0 for asks. */
  readonly sequence: number;
  /** Envelope in that message, or how many stashed ones a retry ran before it. */
  readonly index: number;
  /** Of asks and timers: actor, and message or timer. Mail is known by its place. */
  readonly kind: string;
  readonly key: string;
  readonly name: string;
}

/** An attempt that threads died in, and how often. */
export interface Suspect extends Attempt {
  readonly deaths: number;
  /** Of the last death. */
  readonly cause: DeathCause;
}

/** Where a shard writes what it is about to run, readable after its death; one attempt at a time. */
export interface AttemptLog {
  mail(partition: number, sequence: number, index: number): void;
  ask(partition: number, kind: string, key: string, type: string): void;
  /** @param index stashed envelopes that this firing ran before. */
  timer(partition: number, kind: string, key: string, name: string, dueMs: number, index: number): void;
  /** It returned. */
  done(): void;
}

/** For tests of parts whose threads do not die. */
export const NO_ATTEMPT_LOG: AttemptLog = {
  mail: () => undefined,
  ask: () => undefined,
  timer: () => undefined,
  done: () => undefined,
};

const WHAT = {
  hang: ["HANDLER_HUNG", "its handler, or one that it told, did not return in time"],
  oom: ["HANDLER_OUT_OF_MEMORY", "the thread ran out of memory in it"],
  crash: ["HANDLER_CRASHED", "the thread ended in it"],
} as const;

/** Why an envelope is given up; the reason begins with the cause. */
export function deathFault({ cause, deaths }: Suspect): Fault {
  const [code, what] = WHAT[cause];
  return new Fault(code, `${cause}: ${what}, ${deaths} times`);
}

/** What a newly opened partition must not run again: attempts that killed too many threads. Each is named until it was given up. */
export class DeadlyAttempts {
  readonly #deadly: Suspect[];

  constructor(deadly: readonly Suspect[]) {
    this.#deadly = [...deadly];
  }

  /** Actors whose asks are deadly: whoever asks again does not know it. */
  get asked(): readonly Suspect[] {
    return this.#deadly.filter(({ of }) => of === "ask");
  }

  takeMail(sequence: number, index: number): Suspect | undefined {
    if (this.#deadly.length === 0) return undefined;
    return this.#take((one) => one.of === "mail" && one.sequence === sequence && one.index === index);
  }

  takeTimer(kind: string, key: string, name: string, dueMs: number, index: number): Suspect | undefined {
    if (this.#deadly.length === 0) return undefined;
    return this.#take(
      (one) =>
        one.of === "timer" &&
        one.sequence === dueMs &&
        one.index === index &&
        one.kind === kind &&
        one.key === key &&
        one.name === name,
    );
  }

  #take(matches: (suspect: Suspect) => boolean): Suspect | undefined {
    const at = this.#deadly.findIndex(matches);
    return at === -1 ? undefined : this.#deadly.splice(at, 1)[0];
  }
}
