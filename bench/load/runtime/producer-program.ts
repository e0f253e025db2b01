import { setTimeout as wait } from "node:timers/promises";
import { asPartition } from "../../../protocols/ids.ts";
import { mailSubject } from "../../../protocols/subjects.ts";
import { natsOptions } from "../../../runtime/host/nats-options.ts";
import { connectNats } from "../../../runtime/nats/connect.ts";
import { createPublisher, type Publisher } from "../../../runtime/nats/publisher.ts";
import type { NatsAccess } from "../../../runtime/threads/nats-access.ts";
import { serve } from "../program.ts";
import { type EventMix, EventStream, type MailBatch } from "./event-stream.ts";

/* Publishes W1's events as mail: as fast as it can (which is the floor `raw-publish`), or at an even rate behind something else. */

export interface Publication {
  readonly nats: NatsAccess;
  readonly partitions: number;
  readonly mix: EventMix;
  /** More events of the stream that this program began with. */
  readonly events: number;
  /** Null: as fast as it goes. */
  readonly ratePerSecond: number | null;
}

export interface Published {
  readonly events: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Outputs that all events of this program cause. */
  readonly outputs: number;
}

const EVENTS_A_STEP = 10_000;
/** A paced stream is published in steps of so many milliseconds. */
const STEP_MS = 50;

let stream: EventStream | null = null;
let publisher: Publisher | null = null;
/** One message in flight for each subject (D3). */
const lanes = new Map<number, Promise<void>>();

serve(async (question) => {
  const { nats, partitions, mix, events, ratePerSecond } = question as Publication;
  stream ??= new EventStream(mix, partitions);
  publisher ??= createPublisher(await connectNats(natsOptions(nats, "chorus-bench-producer")));
  const startMs = performance.now();
  const step = ratePerSecond === null ? EVENTS_A_STEP : Math.ceil((ratePerSecond * STEP_MS) / 1_000);
  let bytes = 0;
  for (let done = 0; done < events; done += step) {
    for (const batch of stream.take(Math.min(step, events - done))) bytes += await send(publisher, batch);
    if (ratePerSecond === null) continue;
    const dueMs = startMs + ((done + step) * 1_000) / ratePerSecond;
    await wait(Math.max(0, dueMs - performance.now()));
  }
  for (const batch of stream.rest()) bytes += await send(publisher, batch);
  await Promise.all(lanes.values());
  return { events, bytes, seconds: (performance.now() - startMs) / 1_000, outputs: stream.outputs } satisfies Published;
});

/** Waits until the one before it is stored. */
async function send(to: Publisher, { partition, bytes }: MailBatch): Promise<number> {
  await lanes.get(partition);
  const subject = mailSubject(asPartition(partition));
  lanes.set(
    partition,
    to.publish(subject, bytes, {}).then(({ outcome }) => {
      if (outcome !== "stored") throw new Error(`mail of partition ${partition} was not stored: ${outcome}`);
    }),
  );
  return bytes.byteLength;
}
