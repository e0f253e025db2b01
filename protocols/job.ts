import { z } from "zod";

/**
 * A kind of heavy work, by its name: runs in a thread of its own (architecture.md 1, "Jobs") and sees nothing but its input. It may run
 * more than once, so it changes nothing outside itself; its output is all that comes of it.
 */
export interface JobSpec<Input = unknown, Output = unknown> {
  readonly name: string;
  /** Checked in the job's thread before it runs. */
  readonly input: z.ZodType<Input>;
  /** Checked there when it ended. */
  readonly output: z.ZodType<Output>;
}

export function defineJob<Input, Output>(
  name: string,
  input: z.ZodType<Input>,
  output: z.ZodType<Output>,
): JobSpec<Input, Output> {
  return { name, input, output };
}

/** Encoded bytes of an input or an output, at most: both travel in messages and commit records (D2). */
export const JOB_BYTES_MAX = 1024 * 1024;

/**
 * Why a job has no output. refused: the queue was full · unknown: no such job in this release · input-invalid, output-invalid: against the
 * schema, or too large · threw: it threw · died: its thread ended · out-of-memory: its heap was full · timeout: its time was up, waiting
 * included · cancelled: by whoever wanted it · stopping: the node stops.
 */
export const JOB_FAILURES = [
  "refused",
  "unknown",
  "input-invalid",
  "output-invalid",
  "threw",
  "died",
  "out-of-memory",
  "timeout",
  "cancelled",
  "stopping",
] as const;
export type JobFailure = (typeof JOB_FAILURES)[number];

const Failed = z.strictObject({
  outcome: z.literal("failed"),
  reason: z.enum(JOB_FAILURES),
  /** For people. */
  message: z.string(),
});

/** What became of a job. A failure is an answer like any other: never an exception, never an outage. */
export type JobResult<Output = unknown> =
  { readonly outcome: "done"; readonly output: Output } | z.infer<typeof Failed>;

const resultOf = <Output>(output: z.ZodType<Output>) =>
  z.discriminatedUnion("outcome", [z.strictObject({ outcome: z.literal("done"), output }), Failed]);

export const JobResult = resultOf(z.unknown());

/** The fields of a message that takes a job's result: `Counted: tell(jobReply(countWords))`. */
export const jobReply = <Input, Output>({ output }: JobSpec<Input, Output>) => ({
  /** As `fx.startJob` returned it. */
  jobId: z.string(),
  result: resultOf(output),
});
