import { bidRequestOf } from "./client.ts";
import { encodeTcf, TODAY } from "./consent-strings.ts";

/** Our id in the vendor list, for daemons that these requests are sent to. */
export const TAINT_VENDOR = 755;

const CONSENTED = encodeTcf({ ...TODAY, madeAtMs: Date.UTC(2026, 5, 7, 8, 9) });
const REFUSED = encodeTcf({ ...TODAY, madeAtMs: Date.UTC(2026, 4, 3, 2, 1), purposes: [] });

/** Strings that occur nowhere else: each names where it is put. */
export const TAINTS = {
  "user.id": "taint-user-5f3a9c71",
  "user.buyeruid": "taint-buyer-8be21d04",
  "user.consent, malformed": "CPtaintAPtaintAKAAAENCZCgAAAAAAAAAAAAAAAAAAA.taint71",
  "user.consent, valid": CONSENTED,
  "user.consent, valid, its head": CONSENTED.slice(0, 24),
  "user.consent, refused": REFUSED,
  "user.eids": "taint-eid-44d09be1",
  "user.data": "taint-segment-1b2d",
  "user.yob and gender": "taint-gender-6e01",
  "device.ifa": "7A1D7A1D-0BAD-4CAF-9EED-7A1D00C0FFEE",
  "device.ip": "198.51.100.231",
  "device.ip, its network": "198.51.100.",
  "device.ipv6": "2001:db8:7a1d:beef::c0de",
  "device.ua": "TaintPlayer/7.77 (taint-ua-90d1)",
  "device.geo.zip": "taint-zip-31337",
  "device.geo.city": "taint-city-Quickborn",
  "device.didsha1": "5d41402abc4b2a76b9719d911017c592taint",
  "regs.gpp, malformed": "DBABtaintgpp~1---taint",
  "regs.gpp, opted out": "DBABLA~CAAQAAAAAABA.QA",
  "ext.sid": "taint-session-77aa12ef",
  "content.title": "taint-title-heard-by-one",
  "site.page": "taint-page.example",
  "GET uid": "taint-query-uid-6612",
  header: "taint-forwarded-203.0.113.254",
  cookie: "taint-cookie-0c3f55aa",
  "event userId": "taint-event-user-41c8",
  "event ip": "203.0.113.77",
  "event orderId": "taint-order-99120c",
  "refused bearer": "taint-bearer-27c1d0aa33",
  path: "taint-path-5511ee",
} as const;

export const TAINTED_HEADERS: Readonly<Record<string, string>> = {
  "user-agent": TAINTS["device.ua"],
  "x-forwarded-for": TAINTS.header,
  forwarded: `for=${TAINTS.header}`,
  "x-real-ip": TAINTS["device.ip"],
  cookie: `uid=${TAINTS.cookie}`,
  referer: `http://${TAINTS["site.page"]}/?uid=${TAINTS["user.id"]}`,
  "x-device-user-agent": TAINTS["device.ua"],
};

type Json = Record<string, unknown>;

/** What a request says about the law, by name; only the first two leave us a listener to remember. */
const LAWS: Readonly<Record<string, Json>> = {
  "outside the GDPR": { country: "USA", regs: { gdpr: 0 } },
  "with consent": { country: "DEU", regs: { gdpr: 1 }, consent: CONSENTED },
  "consent refused": { country: "DEU", regs: { gdpr: 1 }, consent: REFUSED },
  "no consent string": { country: "DEU", regs: {} },
  "malformed TCF": { country: "DEU", regs: { gdpr: 1 }, consent: TAINTS["user.consent, malformed"] },
  "malformed GPP": { country: "USA", regs: { gpp: TAINTS["regs.gpp, malformed"], gpp_sid: [7] } },
  "malformed us_privacy": { country: "USA", regs: { us_privacy: TAINTS["user.consent, malformed"] } },
  "opted out": { country: "USA", regs: { gpp: TAINTS["regs.gpp, opted out"], gpp_sid: [7] } },
  "global privacy control": { country: "USA", regs: { ext: { gpc: "1" } } },
  "a child": { country: "USA", regs: { coppa: 1 } },
  "limited tracking": { country: "USA", regs: { gdpr: 0 }, device: { lmt: 1 } },
  "do not track": { country: "USA", regs: { gdpr: 0 }, device: { dnt: 1 } },
  "no country": { regs: {} },
};

/** A request that says all it can about one person. */
export function taintedRequest(law: string): Json {
  const { country, regs, consent, device } = LAWS[law] ?? {};
  const plain = bidRequestOf(TAINTS["user.id"]);
  const content = { genre: "Rock", title: TAINTS["content.title"], artist: TAINTS["content.title"] };
  return {
    ...plain,
    app: { ...(plain["app"] as object), content, storeurl: TAINTS["site.page"], keywords: TAINTS["content.title"] },
    user: {
      id: TAINTS["user.id"],
      buyeruid: TAINTS["user.buyeruid"],
      gender: TAINTS["user.yob and gender"],
      ...(consent === undefined ? {} : { consent }),
      data: [{ name: TAINTS["user.data"], segment: [{ id: TAINTS["user.data"], value: TAINTS["user.data"] }] }],
      eids: [{ source: "ids.example", uids: [{ id: TAINTS["user.eids"], atype: 1 }] }],
    },
    device: {
      ua: TAINTS["device.ua"],
      ip: TAINTS["device.ip"],
      ipv6: TAINTS["device.ipv6"],
      ifa: TAINTS["device.ifa"],
      didsha1: TAINTS["device.didsha1"],
      geo: { country, zip: TAINTS["device.geo.zip"], city: TAINTS["device.geo.city"], lat: 53.7412, utcoffset: 60 },
      devicetype: 4,
      ...(device as object | undefined),
    },
    regs,
    ext: { sid: TAINTS["ext.sid"] },
  };
}

/** By law, and by what becomes the key. */
export function* taintedRequests(): Generator<Json> {
  for (const law of Object.keys(LAWS)) {
    const whole = taintedRequest(law);
    const { id: _id, ...anonymous } = whole["user"] as Json;
    const { eids: _eids, ...nobody } = anonymous;
    const { ifa: _ifa, ...device } = whole["device"] as Json;
    yield whole;
    yield { ...whole, user: anonymous };
    yield { ...whole, user: anonymous, device };
    yield { ...whole, user: nobody, device };
    yield { ...whole, test: 1 };
  }
}

/** Bodies that are refused: what is wrong may be said to who sent it, and what was sent may not be kept. */
export function* refusedBodies(): Generator<unknown> {
  const whole = taintedRequest("outside the GDPR");
  const text = JSON.stringify(whole);
  for (const test of [0, 1]) {
    yield { ...whole, test, imp: [] };
    yield { ...whole, test, site: {} };
    yield { ...whole, test, user: { ...(whole["user"] as Json), id: { nested: TAINTS["user.id"] } } };
    yield { ...whole, test, device: TAINTS["device.ifa"], ext: [TAINTS["ext.sid"]] };
    yield { ...whole, test, regs: { gdpr: TAINTS["user.consent, malformed"], coppa: TAINTS["user.id"] } };
    yield { ...whole, test, tmax: TAINTS["user.id"], bcat: [{ id: TAINTS["user.id"] }] };
  }
  yield text.slice(0, -1);
  yield `${text}${TAINTS["user.id"]}`;
  yield TAINTS["user.id"];
  yield [TAINTS["user.id"]];
  yield "[".repeat(100) + JSON.stringify(TAINTS["user.id"]) + "]".repeat(100);
  // Above gateway.bodyBytesMax.
  yield { ...whole, padding: TAINTS["user.id"].repeat(60_000) };
}

/** Paths of `GET` with a person in them, most of them refused. */
export function* taintedPaths(): Generator<string> {
  const person = { uid: TAINTS["GET uid"], ifa: TAINTS["device.ifa"], sid: TAINTS["ext.sid"] };
  for (const law of [
    { country: "USA", gdpr: "0" },
    { country: "DEU", gdpr: "1", gdpr_consent: CONSENTED },
    { country: "DEU", gdpr: "1", gdpr_consent: REFUSED },
    { country: "DEU", gdpr: "1", gdpr_consent: TAINTS["user.consent, malformed"] },
    { country: "USA", gpp: TAINTS["regs.gpp, malformed"] },
    { country: "USA", coppa: "1" },
    { country: "USA", lmt: "1" },
    { country: "USA", gdpr: TAINTS["GET uid"] },
    { country: "USA", gdpr: TAINTS["GET uid"], test: "1" },
    { country: TAINTS["device.geo.city"], devicetype: TAINTS["GET uid"], lang: TAINTS["GET uid"], test: "1" },
  ]) {
    yield `/vast?${new URLSearchParams({ ...person, ...law }).toString()}`;
  }
  yield `/vast?uid=${TAINTS["GET uid"]}&uid=${TAINTS["GET uid"]}&gdpr=1&gdpr=${TAINTS["GET uid"]}&test=1`;
  yield `/vast?uid=%E0%A4%A&x=${TAINTS["GET uid"]}`;
  yield `/%E0%A4%A/${TAINTS.path}?uid=${TAINTS["GET uid"]}`;
  yield `/no/such/${TAINTS.path}?uid=${TAINTS["GET uid"]}`;
  for (const path of ["/e", "/n/win", "/n/bill", "/n/loss"]) {
    yield `${path}?t=${TAINTS["GET uid"]}&price=${TAINTS["GET uid"]}&ip=${TAINTS["device.ip"]}`;
  }
}
