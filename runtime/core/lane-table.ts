import { encodeMail } from "../../protocols/envelope.ts";
import type { Partition } from "../../protocols/ids.ts";
import { Lane, type LaneRun, type LaneTally } from "./lane.ts";
import type { Clock } from "./ports.ts";
import type { ShardAction } from "./shard-messages.ts";

/** The lanes of one thread, one for each partition it has told something (D3). */
export class LaneTable {
  readonly #clock: Clock;
  readonly #paceMs: number;
  readonly #lanes = new Map<Partition, Lane>();
  readonly #tally: LaneTally = { bytes: 0 };

  constructor(clock: Clock, paceMs: number) {
    this.#clock = clock;
    this.#paceMs = paceMs;
  }

  to(receiver: Partition): Lane {
    let lane = this.#lanes.get(receiver);
    if (lane === undefined) {
      lane = new Lane(receiver, this.#clock, this.#paceMs, this.#tally);
      this.#lanes.set(receiver, lane);
    }
    return lane;
  }

  /** Of what is queued or in flight in all lanes. */
  get bytes(): number {
    return this.#tally.bytes;
  }

  /** The messages that are due now. */
  poll(): ShardAction[] {
    const actions: ShardAction[] = [];
    for (const lane of this.#lanes.values()) {
      const runs = lane.poll();
      if (runs === null) continue;
      const count = runs.reduce((sum, run) => sum + run.envelopes.length, 0);
      actions.push({ type: "publish-mail", receiver: lane.receiver, bytes: encodeMail({ runs }), count });
    }
    return actions;
  }

  /** The answer for a lane's message. @returns the runs that are stored now. */
  published(receiver: Partition, stored: boolean): readonly LaneRun[] {
    return this.#lanes.get(receiver)?.published(stored) ?? [];
  }

  dropSender(sender: Partition): void {
    for (const lane of this.#lanes.values()) lane.dropSender(sender);
  }

  /** When `poll` may have something to do, on the monotonic clock. */
  wakeAtMs(): number {
    let wakeAtMs = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes.values()) wakeAtMs = Math.min(wakeAtMs, lane.wakeAtMs());
    return wakeAtMs;
  }
}
