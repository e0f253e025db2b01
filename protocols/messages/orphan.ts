import { z } from "zod";
import { ask, protocol } from "../protocol.ts";
import type { Partition } from "../ids.ts";
import { EpochMs } from "../quantities.ts";

/** Writes down, in the partition of their decision, events that join nothing; pinned, key = `orphanKey(partition)`. They never count. */
export const orphan = protocol("orphan", {
  Record: ask(
    {
      /** null: a conversion that names no ad. */
      decisionId: z.string().nullable(),
      /** The ad's place in the answer. */
      slot: z.int().optional(),
      event: z.string(),
      atMs: EpochMs,
      /** orphan: its delivery is unknown or forgotten · invalid: a bot's. */
      status: z.enum(["orphan", "invalid"]),
    },
    z.enum(["recorded", "dropped"]),
  ),
});

export const orphanKey = (partition: Partition): string => `o${partition}`;
