import { decode, encode } from "../../../protocols/codec.ts";
import type { DecisionRequest } from "../../../protocols/messages/listener.ts";
import { request } from "../../../test/support/campaigns.ts";
import { Latencies } from "../latencies.ts";
import { serve } from "../program.ts";
import { DecisionPartition } from "./decision-partition.ts";

/*
 * Decisions one after the other in one thread, of listeners who were there before: what the kernel and the listener's actor cost, without
 * HTTP, ports, store and bus. Beside it the floor: what packing the same question and answer costs by itself.
 */

interface Question {
  readonly campaigns: number;
  readonly capPerDay: number;
  readonly listeners: number;
  readonly seconds: number;
}

const COUNTRIES = ["USA", "CAN", "MEX", "BRA", "AUS"];
const GENRES = ["rock", "pop", "jazz", "classical", "news", "hip-hop", "country"];
const LISTENERS_MAX = 2_000;
/** Decisions between two steps of the partition's clock. */
const STEP_EVERY = 250;
/** Between two requests of one listener: nobody hears ads without end. */
const LISTENING_MS = 600_000;

serve((question) => Promise.resolve(decisions(question as Question)));

function decisions({ campaigns, capPerDay, listeners, seconds }: Question): unknown {
  const partition = new DecisionPartition(campaigns, capPerDay);
  const warm = Math.min(listeners, LISTENERS_MAX);
  let decided = 0;
  let bids = 0;
  const decide = (): void => {
    const number = decided++ % warm;
    const decision = partition.decide(`listener-${number}`, requestOf(number, partition.nowMs));
    if (decision.bids.length > 0) bids++;
  };
  const pass = (): void => partition.pass((LISTENING_MS * STEP_EVERY) / warm);
  while (decided < 2 * warm) {
    decide();
    if (decided % STEP_EVERY === 0) pass();
  }
  decided = bids = 0;
  const latencies = new Latencies();
  let cpuMicros = 0;
  // Time that passes between decisions is not theirs: a step ends reservations, which is delivery's work.
  for (const untilMs = performance.now() + seconds * 1_000; performance.now() < untilMs; pass()) {
    const cpu = process.threadCpuUsage();
    for (let step = 0, atMs = performance.now(); step < STEP_EVERY; step++) {
      decide();
      const doneMs = performance.now();
      latencies.record(doneMs - atMs);
      atMs = doneMs;
    }
    const { user, system } = process.threadCpuUsage(cpu);
    cpuMicros += user + system;
  }
  const cpuMicrosPerEvent = cpuMicros / decided;
  const figures = { eventsPerSecond: 1_000_000 / cpuMicrosPerEvent, ...latencies.figures() };
  return {
    chorus: { ...figures, cpuMicrosPerEvent, bidShare: bids / decided },
    codec: codec(partition, seconds / 3),
  };
}

function requestOf(number: number, nowMs: number): DecisionRequest {
  const country = COUNTRIES[Math.floor(number / GENRES.length) % COUNTRIES.length] ?? "";
  return request({
    receivedAtMs: nowMs,
    context: { country, genres: [GENRES[number % GENRES.length] ?? ""], deviceType: 4, platform: "mobile" },
    slot: { maxDurationMs: 30_000, secure: true },
  });
}

/** Floor: msgpack of a question and an answer, there and back. */
function codec(partition: DecisionPartition, seconds: number): unknown {
  const question = requestOf(0, partition.nowMs);
  const answer = partition.decide("listener-0", question);
  const startMs = performance.now();
  const cpu = process.cpuUsage();
  let count = 0;
  for (; performance.now() < startMs + seconds * 1_000; count++) {
    decode(encode(question));
    decode(encode(answer));
  }
  const { user, system } = process.cpuUsage(cpu);
  return {
    eventsPerSecond: (count * 1_000) / (performance.now() - startMs),
    cpuMicrosPerEvent: (user + system) / count,
  };
}
