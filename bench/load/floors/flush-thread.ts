import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { RecordFile } from "./record-file.ts";

/*
 * The store of the floor: takes all records that wait, flushes them as one value, and says how many are durable: group commit as the
 * node's store thread does it (D7), without groups, partitions, epochs or folding.
 */
const { folder, recordBytes } = workerData as { folder: string; recordBytes: number };
const file = new RecordFile(folder);
const port = parentPort;
if (port === null) throw new Error("a worker thread only");
const record = Buffer.alloc(recordBytes, 7);

port.on("message", () => {
  let waiting = 1;
  while (receiveMessageOnPort(port) !== undefined) waiting += 1;
  file.flush(Buffer.concat(Array.from({ length: waiting }, () => record)));
  port.postMessage(waiting);
});
