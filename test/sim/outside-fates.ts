import type { TransientOutcome } from "../../runtime/core/shard-messages.ts";
import type { OutsideArrival } from "../support/node-world.ts";
import { answerTo } from "./advised.ts";

/** How long a well agent outside takes, at most. */
const WELL_MS = 8;
/** How long one hangs that hangs. */
const HANG_MS = 3_000;

/**
 * Agents outside in the simulation: they answer well, or late, twice, garbage, not at all, or hang for a while, by chance.
 * Owns which of them hang; the chances are the seed's.
 */
export class OutsideFates {
  readonly #random: () => number;
  readonly #hangsUntilMs = new Map<string, number>();

  constructor(random: () => number) {
    this.#random = random;
  }

  /** From now on this agent answers nothing, until the faults stop. */
  hang(subject: string): void {
    this.#hangsUntilMs.set(subject, Infinity);
  }

  /**
   * What arrives in answer to a question. @param ill how often something is wrong, from 0 to 1.
   * @param waitMs after which nobody takes note of an answer.
   */
  of(subject: string, question: Uint8Array, waitMs: number, ill: number, nowMs: number): readonly OutsideArrival[] {
    const well: TransientOutcome = { type: "answered", bytes: answerTo(question), contentType: null };
    const inTime = (outcome: TransientOutcome): OutsideArrival => ({ afterMs: this.#random() * WELL_MS, outcome });
    if (ill === 0) return [inTime(well)];
    if (nowMs < (this.#hangsUntilMs.get(subject) ?? 0)) return [];
    if (this.#random() >= ill) return [inTime(well)];
    const draw = this.#random();
    if (draw < 0.05) this.#hangsUntilMs.set(subject, nowMs + HANG_MS);
    if (draw < 0.2) return []; // lost
    if (draw < 0.5) return [{ afterMs: this.#random() * waitMs, outcome: well }];
    if (draw < 0.7) return [inTime(well), { afterMs: this.#random() * waitMs, outcome: well }];
    if (draw < 0.85) return [inTime({ ...well, bytes: Uint8Array.of(0xc1, 1, 2) })];
    return [inTime({ type: "failed", reason: "nobody listens" })];
  }
}
