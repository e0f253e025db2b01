import type { NodeRuntime } from "../../../runtime/host/node-runtime.ts";
import { Latencies } from "../latencies.ts";
import type { Figures } from "../statistics.ts";
import { KINDS } from "./bench-actors.ts";

export interface AskLoad {
  /** Bump: changes durable state before it replies (W2) · Peek: changes nothing. */
  readonly type: "Bump" | "Peek";
  readonly inFlight: number;
  /** Different actors, in turn. */
  readonly keys: number;
  readonly seconds: number;
}

const TIMEOUT_MS = 10_000;
const WARM_UP_SHARE = 1 / 3;

/** Keeps so many asks under way, from the node's own thread as a gateway would: closed loop. */
export async function askInTurn(asker: NodeRuntime["asker"], load: AskLoad): Promise<Figures> {
  const { type, inFlight, keys, seconds } = load;
  const latencies = new Latencies();
  const warmUntilMs = performance.now() + seconds * 1_000 * WARM_UP_SHARE;
  const untilMs = warmUntilMs + seconds * 1_000;
  let next = 0;
  let count = 0;
  const askOnAndOn = async (): Promise<void> => {
    for (;;) {
      const sentMs = performance.now();
      if (sentMs >= untilMs) return;
      const key = `k${next++ % keys}`;
      await asker.ask({ kind: KINDS.counter, key }, type, type === "Bump" ? { value: 1 } : {}, TIMEOUT_MS);
      if (sentMs < warmUntilMs) continue;
      latencies.record(performance.now() - sentMs);
      count++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, askOnAndOn));
  return { eventsPerSecond: count / seconds, ...latencies.figures() };
}
