import { z } from "zod";
import { asPartition, Id, type Partition } from "../ids.ts";
import { ask, protocol, tell } from "../protocol.ts";
import { LocalDate, Micros, Nanos } from "../quantities.ts";
import { DeliveryCounts } from "./budget.ts";

/** Accounts of all campaigns in one partition; pinned, key = `walletKey(partition)` (D16). */
export const wallet = protocol("wallet", {
  /** Total granted to this account so far; a lower or equal total is a repeat. Revives the account unless a recall of a higher number came. */
  Grant: tell({ campaign: Id, day: LocalDate, grantedMicros: Micros, number: z.int() }),
  /** Give back what is free and take no new reservation from this account; safe to repeat. `number` rises with each recall. */
  Recall: tell({ campaign: Id, day: LocalDate, number: z.int() }),
  /**
   * The day is long over and settled: forget this account and those of earlier days; nothing of them takes money any more. What comes
   * to count later, or is not in `counts`, which the budget has booked (absent: nothing), it hears as `LaterCounts`.
   */
  Close: tell({ campaign: Id, day: LocalDate, counts: DeliveryCounts.optional() }),
  Accounts: ask(
    {},
    z.array(
      z.strictObject({ campaign: Id, day: LocalDate, freeNanos: Nanos, reservedNanos: Nanos, spentNanos: Nanos }),
    ),
  ),
});

export const walletKey = (partition: Partition): string => `w${partition}`;

/** The partition whose wallet has this key. */
export const walletPartition = (key: string): Partition => asPartition(Number(key.slice(1)));
