import { Latencies } from "../latencies.ts";
import { serve } from "../program.ts";
import { RecordFile } from "./record-file.ts";

/* Floor: a bare `transactionSync` loop, one record after the other; its latency is that of a flush on this disk at this moment. */

interface Question {
  readonly folder: string;
  readonly recordBytes: number;
  readonly seconds: number;
}

serve((question) => {
  const { folder, recordBytes, seconds } = question as Question;
  const file = new RecordFile(folder);
  const record = Buffer.alloc(recordBytes, 7);
  const latencies = new Latencies();
  const startMs = performance.now();
  const endMs = startMs + seconds * 1_000;
  let count = 0;
  let atMs = startMs;
  while (atMs < endMs) {
    file.flush(record);
    const doneMs = performance.now();
    latencies.record(doneMs - atMs);
    atMs = doneMs;
    count += 1;
  }
  return Promise.resolve({ ...latencies.figures(), eventsPerSecond: (count * 1_000) / (atMs - startMs) });
});
