import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { ByteSearch } from "../support/byte-search.ts";
import { AdminClient } from "../support/client-admin.ts";
import { Client, eventUrl } from "../support/client.ts";
import { TestDaemon } from "../support/daemon.ts";
import { describeWithNats } from "../support/nats.ts";
import {
  refusedBodies,
  TAINT_VENDOR,
  TAINTED_HEADERS,
  taintedPaths,
  taintedRequest,
  taintedRequests,
  TAINTS,
} from "../support/tainted-requests.ts";

const SENDER_TOKEN = "a-token-of-16-characters-or-more";
const ROUNDS = 3;
const search = new ByteSearch(TAINTS);

let daemon: TestDaemon;

afterEach(() => daemon.dispose());

/** All that came back: other parties log what we answer. */
class Answers {
  readonly texts: string[] = [];
  readonly statuses = new Map<number, number>();

  /** @param mayQuote whether the answer may say what was wrong with what was sent. */
  async take(response: Response, mayQuote = false): Promise<string> {
    const text = await response.text();
    this.statuses.set(response.status, (this.statuses.get(response.status) ?? 0) + 1);
    if (!mayQuote) this.texts.push(text, JSON.stringify([...response.headers]));
    return text;
  }
}

const beaconsIn = (text: string): string[] =>
  text.replaceAll("&amp;", "&").match(/https?:[^"\]\\<> ]*\/(?:e|n\/\w+)\?t=[^"\]\\<> ]+/g) ?? [];

/** Bids, VAST tags and their beacons and notices, with and without leave to know who listens. */
async function sendRequests(client: Client, answers: Answers, round: number): Promise<void> {
  let count = 0;
  for (const request of taintedRequests()) {
    const isTest = request["test"] === 1;
    const body = { ...request, id: `r-${round}-${(count += 1)}` };
    const bid = await answers.take(await client.post("/openrtb2/2.6/bid", body, TAINTED_HEADERS), isTest);
    const vast = await answers.take(await client.post("/vast", body, TAINTED_HEADERS), isTest);
    for (const url of [...beaconsIn(bid), ...beaconsIn(vast)].slice(0, 5)) {
      const personal = `&ip=${TAINTS["event ip"]}&ua=${encodeURIComponent(TAINTS["device.ua"])}&uid=${TAINTS["user.id"]}`;
      await answers.take(await client.get(url.replace("${AUCTION_PRICE}", "1") + personal, TAINTED_HEADERS));
    }
  }
  for (const path of taintedPaths()) {
    await answers.take(await client.get(path, TAINTED_HEADERS), path.includes("test=1"));
  }
  for (const body of refusedBodies()) {
    for (const path of ["/openrtb2/2.6/bid", "/vast", "/v1/events"]) {
      await answers.take(await client.post(path, body, TAINTED_HEADERS), true);
    }
  }
}

/** Server-side events that name a person, of good tokens and bad, from a sender we know and from one we do not. */
async function sendEvents(client: Client, answers: Answers, token: string): Promise<void> {
  const person = { ip: TAINTS["event ip"], userAgent: TAINTS["device.ua"], userId: TAINTS["event userId"] };
  const events = [
    { type: "impression", token, ...person },
    { type: "conversion", token, orderId: TAINTS["event orderId"], valueMicros: 5, ...person },
    { type: "start", token: TAINTS["event userId"], ...person },
    { type: TAINTS["event userId"], token, ...person },
    { type: "start", token, at: TAINTS["event userId"], ...person },
    { type: 7, token: { of: TAINTS["event userId"] }, ...person },
    TAINTS["event userId"],
  ];
  for (const bearer of [SENDER_TOKEN, TAINTS["refused bearer"]]) {
    const headers = { ...TAINTED_HEADERS, authorization: `Bearer ${bearer}` };
    await answers.take(await client.post("/v1/events", events, headers), true);
    await answers.take(await client.post("/v1/events", { events }, headers), true);
    await answers.take(await client.post("/v1/events", `[${JSON.stringify(events)}`, headers), true);
  }
}

/** What no HTTP client would send: the parser's own errors quote it. */
async function sendGarbage(http: string): Promise<void> {
  const { hostname, port } = new URL(http);
  for (const bytes of [
    `GET /vast?uid=${TAINTS["GET uid"]} HTTP/9.9\r\n\r\n`,
    `${TAINTS["user.id"]}\r\n\r\n`,
    `GET /vast HTTP/1.1\r\nhost: a\r\n${TAINTS.header}\r\n\r\n`,
    `GET /vast HTTP/1.1\r\nhost: a\r\nx-uid: ${TAINTS["user.id"].repeat(2_000)}\r\n\r\n`,
    `POST /vast HTTP/1.1\r\nhost: a\r\ncontent-length: ${TAINTS["user.id"]}\r\n\r\n`,
    `POST /vast HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz${TAINTS["user.id"]}\r\n`,
  ]) {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.end(bytes);
    await textOf(socket).catch(() => "reset");
  }
}

/**
 * What an operator does with the raw id of somebody who asks what is known about them.
 * @returns what was said, which may hold no taint, and the pseudonyms by where the id stood.
 */
async function operate(admin: AdminClient): Promise<{ said: string[]; keys: Record<string, string> }> {
  const said: string[] = [];
  const keys: Record<string, string> = {};
  const ids = { user: TAINTS["user.id"], ifa: TAINTS["device.ifa"], session: TAINTS["ext.sid"] };
  for (const [source, id] of Object.entries({ ...ids, eid: `ids.example|${TAINTS["user.eids"]}` })) {
    const { key } = await admin.json<{ key: string }>(`/v1/pseudonym?id=${encodeURIComponent(id)}&source=${source}`);
    keys[source] = key;
  }
  // State that concerns a listener is sealed on disk, where no search sees into it: here it is in the clear.
  for (const key of Object.values(keys))
    said.push(JSON.stringify(await admin.json(`/v1/inspect/actor/listener/${key}`)));
  const decisions = await admin.json<{ decisionId: string }[]>("/v1/decisions?limit=1000");
  expect(decisions.length).toBeGreaterThan(100);
  for (const { decisionId } of decisions.slice(0, 200)) {
    said.push(JSON.stringify(await admin.explain(decisionId)));
    said.push(await (await admin.fetch(`/v1/inspect/actor/delivery/${decisionId}`)).text());
  }
  for (const words of ["node", "actors", "partitions", "dead-letters", "timers"]) {
    said.push(await (await admin.fetch(`/v1/inspect/${words}`)).text());
  }
  said.push(await (await admin.fetch("/metrics")).text());
  // A raw id where a key or another id belongs: an easy slip, and the last, because to look at an actor may wake it under that name.
  for (const path of [
    `/v1/inspect/actor/listener/${TAINTS["user.id"]}`,
    `/v1/decisions/${TAINTS["user.id"]}`,
    `/v1/decisions?campaign=${TAINTS["user.id"]}`,
    `/v1/decisions?since=${TAINTS["user.id"]}`,
    `/v1/campaigns/${TAINTS["user.id"]}/delivery`,
    `/v1/pseudonym?uid=${TAINTS["user.id"]}`,
  ]) {
    await (await admin.fetch(path)).text();
  }
  const restart = { kind: "listener", key: TAINTS["user.id"] };
  await (await admin.fetch("/v1/control/restart", { method: "POST", body: JSON.stringify(restart) })).text();
  return { said, keys };
}

describeWithNats("what a request says about a person", () => {
  test(
    "reaches neither disk, stream, log, metric nor answer, with a legal basis or without",
    { timeout: 120_000 },
    async () => {
      daemon = await TestDaemon.start({
        fixedPorts: true,
        logLevel: "trace",
        environment: {
          CHORUS_EVENTS_SENDERS: JSON.stringify({ stitcher: SENDER_TOKEN }),
          CHORUS_PRIVACY_GVL_VENDOR_ID: String(TAINT_VENDOR),
        },
      });
      const client = new Client(daemon.node.http);
      const admin = new AdminClient(daemon.node);
      const answers = new Answers();
      const played = await client.ask(TAINTS["user.id"], taintedRequest("with consent"));
      if (played.received === undefined) throw new Error("no bid to play");
      for (let round = 0; round < ROUNDS; round += 1) await sendRequests(client, answers, round);
      const token = new URL(eventUrl(played.received, "impression")).searchParams.get("t") ?? "";
      await sendEvents(client, answers, token);
      await sendGarbage(daemon.node.http);
      const { said, keys } = await operate(admin);
      for (const one of said)
        if (search.inText(one).length)
          console.log("DBG", one.slice(Math.max(0, one.indexOf("taint-user") - 600), one.indexOf("taint-user") + 300));
      // All kinds of answers were met, or the search would prove little.
      expect([...answers.statuses.keys()].sort()).toEqual(expect.arrayContaining([200, 202, 204, 400, 401, 404, 413]));
      expect(said.join("")).toContain('"memory":"listener"');

      // Killed once, so that records that were not folded and streams that were not shipped are on disk too.
      await daemon.kill9();
      const copies = search.inFolder(daemon.folder).map((found) => `${found}, killed`);
      await daemon.restart();
      await answers.take(await client.post("/openrtb2/2.6/bid", taintedRequest("with consent"), TAINTED_HEADERS));
      expect(await daemon.sigterm()).toMatchObject({ code: 0 });
      copies.push(...search.inFolder(daemon.folder).map((found) => `${found}, stopped`));
      for (const [where, text] of Object.entries({
        log: daemon.output,
        admin: said.join("\n"),
        answers: answers.texts.join("\n"),
      })) {
        copies.push(...search.inText(text).map((found) => `${found} in the ${where}`));
      }
      expect(copies).toEqual([]);
      // Who listened stands in the partitions' own log, by pseudonym; not in what is kept to explain, to audit and to watch.
      const pseudonyms = new ByteSearch(keys);
      const streams = join(daemon.data, "nats/jetstream/CHORUS/streams");
      expect(pseudonyms.inFolder(join(streams, "CHORUS_LOG"))).not.toEqual([]);
      expect(pseudonyms.inFolder(join(streams, "CHORUS_DECISIONS"))).toEqual([]);
      expect(pseudonyms.inFolder(join(streams, "CHORUS_AUDIT"))).toEqual([]);
      expect(pseudonyms.inText(daemon.output)).toEqual([]);
    },
  );

  test("would be found, were it there: in the store, in a stream, in a log line, in any encoding", async () => {
    daemon = await TestDaemon.start({ logLevel: "trace" });
    const client = new Client(daemon.node.http);
    const admin = new AdminClient(daemon.node);
    // A campaign's name is what operators may write as they like: it stands for a leak into every place that a name reaches.
    const planted = `planted-${TAINTS["user.id"]}`;
    const { campaignId, decisionId } = (await client.ask("somebody")).received ?? { campaignId: "", decisionId: "" };
    await admin.json(`/v1/campaigns/${campaignId}`, { method: "PATCH", body: JSON.stringify({ name: planted }) });
    expect(search.inText(JSON.stringify(await admin.json(`/v1/campaigns/${campaignId}`)))).toEqual(["user.id as text"]);
    expect(await daemon.sigterm()).toMatchObject({ code: 0 });
    const found = search.inFolder(daemon.data);
    expect(found.some((find) => find.startsWith("user.id as text in store"))).toBe(true);
    expect(found.some((find) => find.startsWith("user.id as text in nats"))).toBe(true);
    // Decisions are told by plain ids in log and streams, so what concerns one listener's decision would be seen there as well.
    const decided = new ByteSearch({ decision: decisionId });
    expect(decided.inFolder(join(daemon.data, "nats"))).not.toEqual([]);
    const folder = join(daemon.data, "planted");
    await mkdir(folder);
    for (const [name, text] of Object.entries(TAINTS)) {
      const file = join(folder, "file");
      await writeFile(file, `{"of":"${Buffer.from(`some one ${text} or other`).toString("base64")}"}`);
      expect(search.inFolder(folder)).toContain(`${name} as base64 in file`);
      await writeFile(file, Buffer.from(text).toString("hex"));
      expect(search.inFolder(folder)).toContain(`${name} as hex in file`);
    }
  });

  test("is allowed to nobody under the GDPR while there is no vendor id, and the start says so", async () => {
    daemon = await TestDaemon.start();
    expect(daemon.output).toContain("privacy.gvlVendorId is not set");
    const client = new Client(daemon.node.http);
    const { decisionId } = await client.ask(TAINTS["user.id"], taintedRequest("with consent"));
    const explained = await new AdminClient(daemon.node).explain(decisionId ?? "");
    expect(explained).toMatchObject({ capabilities: { id: false, caps: false, learn: false } });
  });
});
