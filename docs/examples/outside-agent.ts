/** Plays `personalisation` as `short-ads`: listeners are expected to like short ads. Arguments: NATS URL, nkey seed file. */
import { readFile } from "node:fs/promises";
import { connect, nkeyAuthenticator } from "@nats-io/transport-node";

interface Question {
  candidates: { adSetId: string; bidNanos: number; creatives: { creativeId: string; durationMs: number }[] }[];
}

const [servers = "nats://127.0.0.1:4222", seedFile = "agent.nk"] = process.argv.slice(2);
const seed = new TextEncoder().encode((await readFile(seedFile, "utf8")).trim());
const connection = await connect({ servers, authenticator: nkeyAuthenticator(seed) });
const questions = connection.subscribe("chorus.agent.personalisation.short-ads");
await connection.flush();
console.log("listening");

for await (const message of questions) {
  const expectations = message.json<Question>().candidates.flatMap(({ adSetId, bidNanos, creatives }) =>
    creatives.map(({ creativeId, durationMs }) => {
      const pComplete = durationMs <= 15_000 ? 0.9 : 0.6;
      return { adSetId, creativeId, pComplete, pClick: 0.01, nanos: bidNanos * (pComplete - 0.75), why: "short ads" };
    }),
  );
  message.respond(JSON.stringify({ v: 1, version: "1", expectations }));
}
