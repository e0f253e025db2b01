import { randomStream } from "../../runtime/core/random-stream.ts";
import type { ShardSettings } from "../../runtime/core/shard-settings.ts";

/** Chances of each fault, for one step or one request. */
export interface Faults {
  readonly crash: number;
  readonly crashShard: number;
  readonly diskFails: number;
  readonly requestLost: number;
  readonly answerLost: number;
  readonly requestLate: number;
  readonly outage: number;
  readonly redelivery: number;
  readonly clockBack: number;
  readonly refusal: number;
  /** An agent outside does something else than answer well and in time. */
  readonly outside: number;
  /** No faults: markers and purges, as the stream keeper brings them about. */
  readonly keeping: number;
}

export const NO_FAULTS: Faults = {
  crash: 0,
  crashShard: 0,
  diskFails: 0,
  requestLost: 0,
  answerLost: 0,
  requestLate: 0,
  outage: 0,
  redelivery: 0,
  clockBack: 0,
  refusal: 0,
  outside: 0,
  keeping: 0,
};

/** Each seed has its own mixture: a fault that is always there hides those that need the others' absence. */
export function faultsOf(seed: number): Faults {
  const random = randomStream(seed ^ 0x5eed);
  const share = (most: number): number => (random() < 0.4 ? 0 : most * random());
  return {
    crash: share(0.006),
    crashShard: share(0.004),
    diskFails: share(0.003),
    requestLost: share(0.06),
    answerLost: share(0.08),
    requestLate: share(0.08),
    outage: share(0.001),
    redelivery: share(0.02),
    clockBack: share(0.004),
    refusal: share(0.015),
    keeping: share(0.03),
    outside: share(1),
  };
}

const SETTINGS: ShardSettings = {
  logPaceMs: 10,
  outputPaceMs: 20,
  rowPaceMs: 20,
  logBytesMax: 4_096,
  replicated: false,
  groupMs: 2,
  groupEnvelopesMax: 16,
  recordBytesMax: 16_384,
  groupsInFlightMax: 3,
  asksMax: 64,
  outsideRequestsMax: 6,
  outsideBytesMax: 4_096,
  passivateAfterMs: 50,
  residentBytesMax: 64 * 1_024,
  unshippedBytesMax: 1_024 * 1_024,
  streamIdentity: "CHORUS_P@1",
};

/** Each seed has its own bounds, so that groups are cut in different places. */
export function settingsOf(seed: number): ShardSettings {
  const random = randomStream(seed ^ 0xb0b);
  const pick = (from: readonly number[]): number => from[Math.floor(random() * from.length)] ?? 0;
  return {
    ...SETTINGS,
    groupEnvelopesMax: pick([1, 16, 200]),
    groupsInFlightMax: pick([1, 2, 3, 6]),
    recordBytesMax: pick([2_000, 16_384, 400_000]),
    logBytesMax: pick([100, 4_096]),
    outputPaceMs: pick([1, 20, 50]),
    rowPaceMs: pick([1, 20, 50]),
    residentBytesMax: pick([1, 64 * 1_024]),
  };
}
