import { Worker } from "node:worker_threads";
import { serve } from "../program.ts";
import { type CannedAnswer, listenBare } from "./http-server.ts";

/* Floor: bare HTTP with a bare flush before each answer, in a thread of its own that flushes whatever waits at once. */

interface Question extends CannedAnswer {
  readonly folder: string;
  readonly recordBytes: number;
}

serve((question) => {
  const { folder, recordBytes, status, body } = question as Question;
  const store = new Worker(new URL("./flush-thread.ts", import.meta.url), { workerData: { folder, recordBytes } });
  const waiting: (() => void)[] = [];
  store.on("message", (flushed: number) => {
    for (const then of waiting.splice(0, flushed)) then();
  });
  return listenBare({ status, body }, (then) => {
    waiting.push(then);
    store.postMessage(null);
  });
});
