import { z } from "zod";
import { Id, Partition } from "../ids.ts";
import { JobResult } from "../job.ts";
import { protocol, tell } from "../protocol.ts";
import { EpochMs } from "../quantities.ts";

const JobReplyAddress = z.strictObject({
  kind: Id,
  key: Id,
  /** Where the actor lives; null: where its key hashes to. */
  partition: Partition.nullable(),
  /** The message that takes the result. */
  type: z.string(),
});

export const JobStart = z.strictObject({
  name: z.string(),
  input: z.unknown(),
  /** By then the reply is on its way, whatever became of the job. */
  deadlineMs: EpochMs,
  replyTo: JobReplyAddress,
});
export type JobStart = z.infer<typeof JobStart>;

/** One job from its order to its reply, in the partition of the actor that wants it; key = job id. Only Start creates it. */
export const job = protocol("job", {
  Start: tell(JobStart.shape),
  /** From the node's pool. The first counts; a later one finds nobody. */
  Result: tell({ result: JobResult }),
  Cancel: tell({}),
});

/** What the job actor wants of its node's pool. It leaves after the flush and may be lost: the actor says it again (J2). */
export type JobOrder =
  | {
      readonly type: "run";
      readonly jobId: string;
      readonly name: string;
      readonly input: unknown;
      readonly deadlineMs: EpochMs;
      /** Kind and key of the actor that wants it. */
      readonly owner: string;
      /** Said before: the pool may have it already. */
      readonly again: boolean;
    }
  | { readonly type: "cancel"; readonly jobId: string };
