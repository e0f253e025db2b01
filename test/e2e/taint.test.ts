import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { AdminClient } from "../support/client-admin.ts";
import { bidRequestOf, Client, eventUrl } from "../support/client.ts";
import { TestDaemon } from "../support/daemon.ts";
import { describeWithNats } from "../support/nats.ts";

/** Strings that occur nowhere else: each names where it was put. */
const TAINTS = {
  "user.id": "taint-user-5f3a9c71",
  "user.buyeruid": "taint-buyer-8be21d04",
  "user.consent": "CPtaintAPtaintAKAAAENCZCgAAAAAAAAAAAAAAAAAAA.taint71",
  "user.eids": "taint-eid-44d09be1",
  "device.ifa": "7A1D7A1D-0BAD-4CAF-9EED-7A1D00C0FFEE",
  "device.ip": "198.51.100.231",
  "device.ipv6": "2001:db8:7a1d:beef::c0de",
  "device.ua": "TaintPlayer/7.77 (taint-ua-90d1)",
  "device.geo.zip": "taint-zip-31337",
  "regs.gpp": "DBABtaintgpp~1---taint",
  "ext.sid": "taint-session-77aa12ef",
  "content.title": "taint-title-heard-by-one",
  "GET uid": "taint-query-uid-6612",
  "beacon header": "taint-forwarded-203.0.113.254",
} as const;

let daemon: TestDaemon;

afterEach(() => daemon.dispose());

/** A request that says all it can about one person. @param basis whether the law lets us remember them. */
function tainted(basis: boolean): Record<string, unknown> {
  const plain = bidRequestOf(TAINTS["user.id"]);
  return {
    ...plain,
    app: { ...(plain["app"] as object), content: { genre: "Rock", title: TAINTS["content.title"] } },
    user: {
      id: TAINTS["user.id"],
      buyeruid: TAINTS["user.buyeruid"],
      consent: TAINTS["user.consent"],
      eids: [{ source: "ids.example", uids: [{ id: TAINTS["user.eids"], atype: 1 }] }],
    },
    device: {
      ua: TAINTS["device.ua"],
      ip: TAINTS["device.ip"],
      ipv6: TAINTS["device.ipv6"],
      ifa: TAINTS["device.ifa"],
      geo: { country: basis ? "USA" : "DEU", zip: TAINTS["device.geo.zip"], utcoffset: 60 },
      devicetype: 4,
    },
    regs: basis ? { gdpr: 0, gpp: TAINTS["regs.gpp"] } : { gdpr: 1, gpp: TAINTS["regs.gpp"] },
    ext: { sid: TAINTS["ext.sid"] },
  };
}

/** Variants by which different parts become the key. */
function* requests(): Generator<Record<string, unknown>> {
  for (const basis of [true, false]) {
    const all = tainted(basis);
    const { id: _id, ...anonymous } = all["user"] as Record<string, unknown>;
    const { ifa: _ifa, ...device } = all["device"] as Record<string, unknown>;
    yield all;
    yield { ...all, user: anonymous };
    yield { ...all, user: anonymous, device };
    yield { ...all, user: {}, device };
    yield { ...all, test: 1 };
    yield { ...all, regs: { coppa: 1 } };
    // Refused: what was wrong may be said, what was sent may not be kept.
    yield { ...all, imp: [] };
    yield { ...all, test: 1, user: { ...anonymous, id: { nested: TAINTS["user.id"] } } };
    yield { ...all, site: {} };
  }
}

function* filesOf(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) yield join(entry.parentPath, entry.name);
}

/** Where a text stands in files, whatever its case. */
function filesWith(folder: string, text: string): string[] {
  const wanted = Buffer.from(text.toLowerCase());
  return [...filesOf(folder)].filter((file) =>
    Buffer.from(readFileSync(file, "latin1").toLowerCase(), "latin1").includes(wanted),
  );
}

describeWithNats("what a request says about a person", () => {
  test("reaches neither disk, stream, log nor metric, with a legal basis or without", async () => {
    daemon = await TestDaemon.start({ fixedPorts: true, logLevel: "trace" });
    const client = new Client(daemon.node.http);
    const headers = { "x-forwarded-for": TAINTS["beacon header"], "user-agent": TAINTS["device.ua"] };
    const played = await client.ask(TAINTS["user.id"], tainted(true));
    if (played.received === undefined) throw new Error("no bid to play");
    await client.get(eventUrl(played.received, "impression"), headers);
    for (let round = 0; round < 5; round++) {
      for (const request of requests()) {
        const response = await client.post(
          "/openrtb2/2.6/bid",
          { ...request, id: `taint-${round}-${Math.random()}` },
          headers,
        );
        const vast = await client.post("/vast", request, headers);
        const urls =
          [await response.text(), await vast.text()].join("").match(/http:[^"\]\\]*\/e\?t=[A-Za-z0-9_-]+/g) ?? [];
        for (const url of urls.slice(0, 6)) await (await client.get(url, headers)).arrayBuffer();
      }
      const query = new URLSearchParams({
        uid: TAINTS["GET uid"],
        ifa: TAINTS["device.ifa"],
        sid: TAINTS["ext.sid"],
        gdpr_consent: TAINTS["user.consent"],
        country: "USA",
        gdpr: "0",
      });
      await (await client.get(`/vast?${query.toString()}`, headers)).text();
      await (await client.get(`/no/such/${TAINTS["user.id"]}?uid=${TAINTS["GET uid"]}`, headers)).text();
      await (await client.get(`/e?t=${TAINTS["user.id"]}`, headers)).text();
    }
    const admin = new AdminClient(daemon.node);
    const explained = JSON.stringify(await admin.explain(played.received.decisionId));
    const metrics = await (await admin.fetch("/metrics")).text();
    // Killed once, so that records that were not folded and streams that were not shipped are on disk too.
    const copies: string[] = [];
    await daemon.kill9();
    for (const [place, taint] of Object.entries(TAINTS))
      copies.push(...filesWith(daemon.data, taint).map((file) => `${place} in ${file}, killed`));
    await daemon.restart();
    await (await client.post("/openrtb2/2.6/bid", tainted(true), headers)).text();
    expect(await daemon.sigterm()).toMatchObject({ code: 0 });
    for (const [place, taint] of Object.entries(TAINTS)) {
      copies.push(...filesWith(daemon.data, taint).map((file) => `${place} in ${file}, stopped`));
      const said = { log: daemon.output, explanation: explained, metrics };
      for (const [where, text] of Object.entries(said))
        if (text.toLowerCase().includes(taint.toLowerCase())) copies.push(`${place} in ${where}`);
    }
    expect(copies).toEqual([]);
    // The search finds what is there: a campaign's id is in the store and in the streams.
    const { campaignId } = played.received;
    expect(filesWith(join(daemon.data, "store"), campaignId)).not.toEqual([]);
    expect(filesWith(join(daemon.data, "nats"), campaignId)).not.toEqual([]);
  });
});
