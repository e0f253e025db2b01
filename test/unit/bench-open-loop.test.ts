import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { Generator } from "../../bench/load/generator.ts";
import { type Answer, type Connection, readAnswer } from "../../bench/load/http-connection.ts";
import { type LoadClock, OpenLoop } from "../../bench/load/open-loop.ts";
import { requestCount } from "../../bench/load/load-plan.ts";

/** Time and its timers, moved by hand. */
class VirtualClock implements LoadClock {
  #nowMs = 0;
  #timers: { atMs: number; then: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(durationMs: number, then: () => void): void {
    this.#timers.push({ atMs: this.#nowMs + Math.max(durationMs, 0), then });
  }

  runUntil(endMs: number): void {
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > endMs) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = next.atMs;
      next.then();
    }
    this.#nowMs = endMs;
  }
}

const OK: Answer = { status: 200, noBidReason: null, body: "" };

/** A server that answers after `serviceMs`, except that it answers nothing between `stallFromMs` and `stallToMs`. */
function stalling(clock: VirtualClock, serviceMs: number, stallFromMs: number, stallToMs: number): Connection {
  return {
    send: (_request, onAnswer) => {
      const doneMs = clock.nowMs() + serviceMs;
      const answerMs = doneMs >= stallFromMs && doneMs < stallToMs ? stallToMs : doneMs;
      clock.after(answerMs - clock.nowMs(), () => onAnswer(OK));
    },
    close: () => undefined,
  };
}

function start(clock: VirtualClock, connections: readonly Connection[], count: number, ratePerSecond: number) {
  const sent: number[] = [];
  const requestAt = (index: number): Uint8Array => {
    sent.push(index);
    return new Uint8Array();
  };
  const answers: Answer[] = [];
  const onAnswer = (answer: Answer): void => void answers.push(answer);
  const result = OpenLoop.run({ clock, connections, count, ratePerSecond, requestAt, onAnswer });
  return { result, sent, answers };
}

test("a stall counts for every request that was due during it, not only for the one that was under way", async () => {
  const clock = new VirtualClock();
  // 1,000 requests a second for 2 s; the server stands still from 0.5 s to 1.5 s.
  const { result } = start(clock, [stalling(clock, 0.1, 500, 1_500)], 2_000, 1_000);
  clock.runUntil(10_000);
  const { p50Ms, p90Ms, p99Ms, maxMs, answered, offered } = await result;
  expect({ answered, offered }).toEqual({ answered: 2_000, offered: 2_000 });
  expect(maxMs).toBeGreaterThan(990);
  expect(p99Ms).toBeGreaterThan(950);
  expect(p90Ms).toBeGreaterThan(700);
  // A closed loop would have seen one slow request in 1,000, and a median of 0.1 ms.
  expect(p50Ms).toBeGreaterThan(40);
});

test("without a stall, latency is what the server takes", async () => {
  const clock = new VirtualClock();
  const { result } = start(clock, [stalling(clock, 0.25, 0, 0)], 1_000, 1_000);
  clock.runUntil(10_000);
  const { p50Ms, maxMs, sendLagP99Ms, achievedPerSecond } = await result;
  expect(p50Ms).toBeCloseTo(0.25, 2);
  expect(maxMs).toBeCloseTo(0.25, 2);
  expect(sendLagP99Ms).toBeLessThan(0.01);
  expect(achievedPerSecond).toBe(1_000);
});

test("what is never answered counts with the time it waited", async () => {
  const clock = new VirtualClock();
  const { result } = start(clock, [stalling(clock, 1, 0, Infinity)], 100, 100);
  clock.runUntil(10_000);
  const { answered, lost, p50Ms, maxMs } = await result;
  expect({ answered, lost }).toEqual({ answered: 0, lost: 100 });
  expect(p50Ms).toBeGreaterThan(5_400);
  expect(maxMs).toBeGreaterThan(5_990);
});

test("a server slower than the pace is seen as one that answers less than is offered", async () => {
  const clock = new VirtualClock();
  const { result } = start(clock, [stalling(clock, 2, 0, 0)], 1_000, 1_000);
  clock.runUntil(10_000);
  const { achievedPerSecond, p99Ms } = await result;
  expect(achievedPerSecond).toBeCloseTo(500, -1);
  expect(p99Ms).toBeGreaterThan(900);
});

test("a lost connection loses its request only, and the run ends when none is left", async () => {
  const clock = new VirtualClock();
  const dying: Connection = { send: (_request, onAnswer) => onAnswer(null), close: () => undefined };
  const one = start(clock, [dying, stalling(clock, 0.1, 0, 0)], 10, 1_000);
  clock.runUntil(20);
  await expect(one.result).resolves.toMatchObject({ answered: 9, lost: 1 });
  expect(one.sent).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const none = start(new VirtualClock(), [dying], 10, 1_000);
  await expect(none.result).resolves.toMatchObject({ answered: 0, lost: 10 });
});

test("answers are read across packets, with their no-bid reason", () => {
  const whole = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n";
  expect(readAnswer(Buffer.from(whole), true)).toBe("incomplete");
  expect(readAnswer(Buffer.from("HTTP/1.1 20"), true)).toBe("incomplete");
  expect(readAnswer(Buffer.from(`${whole}hello`), true)).toEqual({ status: 200, noBidReason: null, body: "hello" });
  const noBid = "HTTP/1.1 204 No Content\r\nx-chorus-nbr: 508\r\nconnection: keep-alive\r\n\r\n";
  expect(readAnswer(Buffer.from(noBid), false)).toEqual({ status: 204, noBidReason: "508", body: "" });
  expect(readAnswer(Buffer.from("HTTP/1.1 200 OK\r\n\r\n"), false)).toBe("malformed");
});

test("a plan stays on this machine and within its bounds", () => {
  const bids = { kind: "bids", listeners: 1, first: 0, collect: false } as const;
  const plan = { url: "http://127.0.0.1:1", requests: bids, ratePerSecond: 10, seconds: 1, connections: 1 };
  expect(requestCount(plan)).toBe(10);
  expect(() => requestCount({ ...plan, url: "http://192.0.2.1:80" })).toThrow(RangeError);
  expect(() => requestCount({ ...plan, seconds: 1_000_000 })).toThrow(RangeError);
  expect(() => requestCount({ ...plan, connections: 0 })).toThrow(RangeError);
  expect(() => requestCount({ ...plan, requests: { kind: "beacons", paths: ["/e"] } })).toThrow(RangeError);
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

test("over real connections, bids are counted by status and their beacons collected", async () => {
  const users = new Set<unknown>();
  const vast =
    "<Impression><![CDATA[http://127.0.0.1:8080/e?t=one]]></Impression>" +
    '<Tracking event="start"><![CDATA[http://127.0.0.1:8080/e?t=two]]></Tracking>';
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { user } = JSON.parse(Buffer.concat(chunks).toString()) as { user: { id: string } };
      users.add(user.id);
      if (user.id === "bench-listener-3") response.writeHead(204, { "x-chorus-nbr": "508" }).end();
      else response.end(JSON.stringify({ adm: vast }));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const result = await new Generator().generate({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: { kind: "bids", listeners: 4, first: 2, collect: true },
    ratePerSecond: 400,
    seconds: 0.02,
    connections: 2,
  });
  expect(result).toMatchObject({ offered: 8, answered: 8, lost: 0, statuses: { "200": 6, "204/508": 2 } });
  expect(users.size).toBe(4);
  expect(result.beacons.filter((path) => path === "/e?t=one")).toHaveLength(6);
  expect(result.beacons.filter((path) => path === "/e?t=two")).toHaveLength(6);
});
