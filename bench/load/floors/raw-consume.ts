import { jetstreamManager } from "@nats-io/jetstream";
import { decodeMail } from "../../../protocols/envelope.ts";
import { asPartition } from "../../../protocols/ids.ts";
import { STREAMS } from "../../../protocols/subjects.ts";
import { natsOptions } from "../../../runtime/host/nats-options.ts";
import { connectNats } from "../../../runtime/nats/connect.ts";
import { consumeMail, type MailConsumer } from "../../../runtime/nats/mail-consumer.ts";
import type { NatsAccess } from "../../../runtime/threads/nats-access.ts";
import { serve } from "../program.ts";

/* Floor: takes the same mail from the same server by the same consumers, decodes and counts it; no state, no commit, no output. */

interface Question {
  readonly nats: NatsAccess;
  readonly partitions: number;
  readonly events: number;
}

serve(async (question) => {
  const { nats, partitions, events } = question as Question;
  const connection = await connectNats(natsOptions(nats, "chorus-bench-consume"));
  const jsm = await jetstreamManager(connection, { checkAPI: false });
  const all = Promise.withResolvers<number>();
  const consumers: MailConsumer[] = [];
  let startMs = 0;
  let startCpu = process.cpuUsage();
  let count = 0;
  for (let number = 0; number < partitions; number++) {
    const partition = asPartition(number);
    const consumer = await consumeMail({
      connection,
      jsm,
      stream: STREAMS.mail,
      partition,
      startSequence: 1,
      onMessage: (sequence, bytes) => {
        if (count === 0) {
          startMs = performance.now();
          startCpu = process.cpuUsage();
        }
        for (const { envelopes } of decodeMail(bytes).runs) count += envelopes.length;
        consumers[number]?.ack(sequence);
        if (count >= events) all.resolve((performance.now() - startMs) / 1_000);
      },
      onStatus: () => undefined,
    });
    consumers[number] = consumer;
  }
  const seconds = await all.promise;
  const { user, system } = process.cpuUsage(startCpu);
  for (const consumer of consumers) await consumer.stop();
  await connection.close();
  return { eventsPerSecond: events / seconds, cpuMicrosPerEvent: (user + system) / events };
});
