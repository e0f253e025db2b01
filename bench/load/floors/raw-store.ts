import { serve } from "../program.ts";
import { RecordFile } from "./record-file.ts";

/* Floor: records of as many bytes as the runtime's, a group of events to a value, flushed one after the other; nothing is folded. */

interface Question {
  readonly folder: string;
  readonly bytesAnEvent: number;
  readonly eventsAGroup: number;
  readonly seconds: number;
}

serve((question) => {
  const { folder, bytesAnEvent, eventsAGroup, seconds } = question as Question;
  const file = new RecordFile(folder);
  const record = Buffer.alloc(Math.max(1, Math.round(bytesAnEvent * eventsAGroup)), 7);
  const startMs = performance.now();
  const endMs = startMs + seconds * 1_000;
  let groups = 0;
  while (performance.now() < endMs) {
    file.flush(record);
    groups++;
  }
  return Promise.resolve({ eventsPerSecond: (groups * eventsAGroup * 1_000) / (performance.now() - startMs) });
});
