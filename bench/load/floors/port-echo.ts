import { MessageChannel, Worker } from "node:worker_threads";
import { Latencies } from "../latencies.ts";
import { serve } from "../program.ts";

/* Floor: a raw MessagePort round trip between two threads, one at a time. */

serve(async (question) => {
  const { seconds } = question as { readonly seconds: number };
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL("./port-echo-thread.ts", import.meta.url), {
    workerData: port2,
    transferList: [port2],
  });
  const latencies = new Latencies();
  const warmUntilMs = performance.now() + (seconds * 1_000) / 3;
  const untilMs = warmUntilMs + seconds * 1_000;
  let count = 0;
  let sentMs = 0;
  await new Promise<void>((resolve) => {
    port1.on("message", () => {
      const nowMs = performance.now();
      if (nowMs > warmUntilMs) {
        latencies.record(nowMs - sentMs);
        count++;
      }
      if (nowMs > untilMs) return resolve();
      sentMs = performance.now();
      port1.postMessage(count);
    });
    sentMs = performance.now();
    port1.postMessage(count);
  });
  port1.close();
  await worker.terminate();
  return { ...latencies.figures(), eventsPerSecond: count / seconds };
});
