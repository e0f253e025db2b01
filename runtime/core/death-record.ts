import type { Attempt, DeathCause, Suspect } from "./attempt.ts";

/** Suspects one node remembers; the least recent is forgotten. */
const SUSPECTS_MAX = 256;
/** A suspect that killed nobody for so long is none. */
const FORGET_AFTER_MS = 600_000;

/** Counts deaths of threads against what they were running (D11). V1: deaths of others in between do not clear a count. */
export class DeathRecord {
  readonly #deathsMax: number;
  readonly #suspects = new Map<string, { readonly suspect: Suspect; readonly atMs: number }>();

  /** @param deathsMax deaths after which an attempt is not made again. */
  constructor(deathsMax: number) {
    this.#deathsMax = deathsMax;
  }

  /** @param nowMs monotonic. */
  died(attempt: Attempt, cause: DeathCause, nowMs: number): Suspect {
    for (const [name, { atMs }] of this.#suspects) if (atMs <= nowMs - FORGET_AFTER_MS) this.#suspects.delete(name);
    const name = nameOf(attempt);
    const deaths = (this.#suspects.get(name)?.suspect.deaths ?? 0) + 1;
    const suspect = { ...attempt, deaths, cause };
    this.#suspects.delete(name);
    this.#suspects.set(name, { suspect, atMs: nowMs });
    const [oldest] = this.#suspects.keys();
    if (this.#suspects.size > SUSPECTS_MAX && oldest !== undefined) this.#suspects.delete(oldest);
    return suspect;
  }

  /**
   * What the next owner of a partition must not run. Asks are named once: their actor is stopped then, and an operator who lets it run
   * again means it. Mail and timers never come again under the same name, once they were given up.
   */
  deadly(partition: number): Suspect[] {
    const deadly = this.suspects.filter((one) => one.partition === partition && one.deaths >= this.#deathsMax);
    for (const suspect of deadly) if (suspect.of === "ask") this.#suspects.delete(nameOf(suspect));
    return deadly;
  }

  get suspects(): Suspect[] {
    return Array.from(this.#suspects.values(), ({ suspect }) => suspect);
  }
}

function nameOf({ partition, of, sequence, index, kind, key, name }: Attempt): string {
  return [partition, of, sequence, index, kind, key, name].join("\u0000");
}
