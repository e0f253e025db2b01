import { z } from "zod";
import { Id } from "../../protocols/ids.ts";
import { EpochMs } from "../../protocols/quantities.ts";
import type { VersionedState } from "../../runtime/actor/state.ts";

/** The listener's last ads, the latest at the end; one that may still play counts as heard from its decision on (S4). */
export const SeparationPart = z.object({
  recent: z.array(
    z.object({
      decisionId: z.string(),
      creativeId: Id,
      advertiserId: Id,
      /** What may compete: categories of the IAB's taxonomy 1.0. */
      categories: z.array(z.string()),
      atMs: EpochMs,
    }),
  ),
});
export type SeparationPart = z.infer<typeof SeparationPart>;

export const separationPart: VersionedState<SeparationPart> = {
  version: 2,
  schema: SeparationPart,
  personal: true,
  upgrade: {
    1: (older) => ({ recent: (older as { recent: object[] }).recent.map((ad) => ({ ...ad, categories: [] })) }),
  },
};
