import { serve } from "../program.ts";
import { RecordFile } from "./record-file.ts";

/* Floor: a process of Node that opens LMDB and flushes one record. The question carries when it was spawned. */

serve((question) => {
  const { folder, spawnedAtMs } = question as { readonly folder: string; readonly spawnedAtMs: number };
  new RecordFile(folder).flush(Buffer.alloc(256, 7));
  return Promise.resolve({ startMs: Date.now() - spawnedAtMs });
});
