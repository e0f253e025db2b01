import { expect, test } from "vitest";
import { createNodeEvents } from "../../runtime/nats/node-events.ts";

function rig(): {
  events: ReturnType<typeof createNodeEvents>;
  sent: { subject: string; payload: Record<string, unknown> }[];
  connection: { connected: boolean };
  clock: { nowMs: number };
} {
  const sent: { subject: string; payload: Record<string, unknown> }[] = [];
  const connection = { connected: true };
  const clock = { nowMs: 1_000_000 };
  const events = createNodeEvents({
    node: "node-1",
    connection,
    emit: (subject, payload) => void sent.push({ subject, payload: payload as Record<string, unknown> }),
    nowMs: () => clock.nowMs,
  });
  return { events, sent, connection, clock };
}

test("an event goes to its own subject with time, node, kind and details", () => {
  const { events, sent } = rig();
  events.publish("partition", "opened", { partition: 3 });
  expect(sent).toEqual([
    {
      subject: "chorus.events.node-1.partition.opened",
      payload: { at: "1970-01-01T00:16:40.000Z", node: "node-1", kind: "partition", event: "opened", partition: 3 },
    },
  ]);
});

test("names cannot add tokens to a subject, and details cannot change who speaks", () => {
  const { events, sent } = rig();
  events.publish("a.b", "c > *\n", { node: "other", kind: "forged" });
  events.publish("", "x".repeat(200), {});
  expect(sent.map(({ subject }) => subject)).toEqual([
    "chorus.events.node-1.a_b.c_____",
    `chorus.events.node-1._.${"x".repeat(64)}`,
  ]);
  expect(sent[0]?.payload).toMatchObject({ node: "node-1", kind: "a.b" });
});

test("more than 1,000 events in a second are dropped, counted, and told of in the next second", () => {
  const { events, sent, clock } = rig();
  for (let index = 0; index < 1_250; index++) events.publish("actor", "failed", { index });
  expect(sent).toHaveLength(1_000);
  expect(events.dropped).toBe(250);
  clock.nowMs += 1_000;
  events.publish("actor", "failed", {});
  expect(sent.slice(1_000).map(({ payload }) => [payload["event"], payload["count"]])).toEqual([
    ["events-dropped", 250],
    ["failed", undefined],
  ]);
});

test("while NATS is away nothing is kept in memory", () => {
  const { events, sent, connection } = rig();
  connection.connected = false;
  events.publish("nats", "gone", {});
  expect(sent).toEqual([]);
  connection.connected = true;
  events.publish("nats", "back", {});
  expect(sent.map(({ payload }) => payload["event"])).toEqual(["events-dropped", "back"]);
});
