import { z } from "zod";
import { Id } from "../../protocols/ids.ts";
import { EpochMs } from "../../protocols/quantities.ts";
import type { VersionedState } from "../../runtime/actor/state.ts";

/** The listener's last ads, the latest at the end; one that may still play counts as heard from its decision on (S4). */
export const SeparationPart = z.object({
  recent: z.array(z.object({ decisionId: z.string(), creativeId: Id, advertiserId: Id, atMs: EpochMs })),
});
export type SeparationPart = z.infer<typeof SeparationPart>;

export const separationPart: VersionedState<SeparationPart> = { version: 1, schema: SeparationPart, personal: true };
