import { Fault } from "../../protocols/errors.ts";
import type { JobResult, JobSpec } from "../../protocols/job.ts";
import type { JobStart } from "../../protocols/messages/job.ts";
import type { Messages, Payload, Protocol } from "../../protocols/protocol.ts";
import type { EpochMs } from "../../protocols/quantities.ts";
import type { ActorRef } from "./reference.ts";

const TIMEOUT_MS_MAX = 86_400_000;

/** What whoever started a job is told, as `jobReply` declares it. */
interface JobReply<Output> {
  readonly jobId: string;
  readonly result: JobResult<Output>;
}

/** Tells of a protocol that can take a job's result. */
type Takes<M extends Messages, Output> = {
  [Name in keyof M & string]: M[Name]["form"] extends "tell"
    ? JobReply<Output> extends Payload<M[Name]>
      ? Name
      : never
    : never;
}[keyof M & string];

/** How long a job may take, and who hears of it. */
export interface JobTerms<P extends Protocol, Output> {
  /** From the commit on, waiting for a thread and being run again included: 1 to 86,400,000. */
  readonly timeoutMs: number;
  readonly replyTo: ActorRef<P>;
  /** The message that takes the result. */
  readonly reply: Takes<P["messages"], Output>;
}

/** Terms with their types forgotten. */
export interface AnyJobTerms {
  readonly timeoutMs: number;
  readonly replyTo: ActorRef;
  readonly reply: string;
}

/** What the job actor is told. @throws Fault EFFECT_REFUSED for a time out of bounds. */
export function jobStart(job: JobSpec, input: unknown, terms: AnyJobTerms, nowMs: EpochMs): JobStart {
  const { timeoutMs, replyTo, reply } = terms;
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > TIMEOUT_MS_MAX)
    throw new Fault("EFFECT_REFUSED", `timeoutMs ${timeoutMs} of the job ${job.name} must be 1 to ${TIMEOUT_MS_MAX}`);
  const { protocol, key, partition } = replyTo;
  return {
    name: job.name,
    input,
    deadlineMs: nowMs + timeoutMs,
    replyTo: { kind: protocol.name, key, partition: partition ?? null, type: reply },
  };
}
