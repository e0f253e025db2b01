import { setFlagsFromString } from "node:v8";

/**
 * Old generations of all threads may grow to four times what lived at the last full collection, from 512 MB on; young ones stay at
 * 4 MB a half. With V8's defaults the young half of 32 MB leaves a heap of 35 MB no slack, and a full collection ran every second,
 * whose marking took all cores for 20 to 50 ms; buffers outside the heap count with it, since V8's bound of
 * their own started one every four seconds (ADR 0011). Only threads started later are affected: call it before the first.
 */
export function growHeapsLate(): void {
  setFlagsFromString("--initial-old-space-size=512");
  setFlagsFromString("--heap-growing-percent=300");
  setFlagsFromString("--max-semi-space-size=4");
  setFlagsFromString("--external-memory-accounted-in-global-limit");
}
