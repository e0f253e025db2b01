import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { coarseFacts, hourOfWeek } from "../../actors/privacy/coarse-facts.ts";
import { privacySignals } from "../../actors/privacy/gate.ts";
import { listenerIdentity } from "../../actors/privacy/listener-identity.ts";
import type { BidRequest } from "../../protocols/openrtb/bid-request.ts";
import { parseBidRequest } from "../../protocols/openrtb/request.ts";
import { ALL, CHILD, NONE } from "../support/capabilities.ts";

function requestOf(fields: object): BidRequest {
  const result = parseBidRequest({ id: "r", imp: [{ id: "1" }], ...fields });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.request;
}

describe("who the listener is", () => {
  const whole = requestOf({
    user: { id: "u", eids: [{ source: "s.example", uids: [{ id: "e" }] }], ext: { sessionid: "s2" } },
    device: { ifa: "0f1e-2d" },
    ext: { sid: "s1" },
  });

  test("user, advertising id, extended id, session, request: in this order", () => {
    const without = (...keys: ("user" | "ifa" | "eid" | "session")[]): BidRequest => ({
      ...whole,
      user: {
        ...whole.user,
        id: keys.includes("user") ? "" : "u",
        extendedIds: keys.includes("eid") ? [] : whole.user.extendedIds,
      },
      device: { ...whole.device, ifa: keys.includes("ifa") ? "00000000-0000-0000-0000-000000000000" : "0f1e-2d" },
      sessionId: keys.includes("session") ? undefined : "s1",
    });
    expect(listenerIdentity(without(), ALL, "o")).toEqual({ source: "user", value: "u" });
    expect(listenerIdentity(without("user"), ALL, "o")).toEqual({ source: "ifa", value: "0f1e-2d" });
    expect(listenerIdentity(without("user", "ifa"), ALL, "o")).toEqual({ source: "eid", value: "s.example|e" });
    expect(listenerIdentity(without("user", "ifa", "eid"), ALL, "o")).toEqual({ source: "session", value: "s1" });
    expect(listenerIdentity(without("user", "ifa", "eid", "session"), ALL, "o")).toEqual({
      source: "request",
      value: "o",
    });
  });

  test("without leave it is the session at most", () => {
    expect(listenerIdentity(whole, NONE, "o")).toEqual({ source: "session", value: "s1" });
    expect(listenerIdentity(whole, CHILD, "o").source).toBe("session");
  });
});

describe("coarse facts", () => {
  const request = requestOf({
    site: {
      content: { genre: "Indie Rock, Pop", genres: ["1210"], language: "de-DE", title: "taint", artist: "taint" },
    },
    device: {
      ua: "taint",
      ip: "198.51.100.7",
      ifa: "taint",
      devicetype: 4,
      language: "en",
      geo: { country: "deu", region: "be", city: "taint", lat: 52.5, lon: 13.4, utcoffset: 60 },
    },
    user: { id: "taint", consent: "taint", eids: [{ source: "taint", uids: [{ id: "taint" }] }] },
    ext: { sid: "taint" },
  });

  test("are all that is left of the request", () => {
    // 2026-11-24 is a Tuesday; 22:30 UTC is 23:30 there.
    const facts = coarseFacts(request, 3, ALL, Date.UTC(2026, 10, 24, 22, 30));
    expect(facts).toEqual({
      country: "DEU",
      region: "BE",
      deviceType: 4,
      platform: "mobile",
      language: "de",
      feed: 3,
      genres: ["1210", "indie rock", "pop"],
      utcOffsetMinutes: 60,
      hourOfWeek: 47,
    });
    expect(JSON.stringify(facts)).not.toMatch(/taint|198/);
  });

  test("end at the country where the gate says so", () => {
    expect(coarseFacts(request, undefined, NONE, 0)).toMatchObject({ country: "DEU", region: undefined });
  });

  test.each([
    [{ device: { devicetype: 2 }, site: {} }, "web"],
    [{ device: { devicetype: 2 }, app: {} }, "desktop"],
    [{ device: { devicetype: 3 } }, "smart"],
    [{ device: { os: "iOS" } }, "mobile"],
    [{ device: { ua: "Mozilla/5.0 (Linux; Android 14) Mobile" }, site: {} }, "mobile"],
    [{ device: { ua: "Mozilla/5.0 (Windows NT 10.0)" }, site: {} }, "web"],
    [{ device: { ua: "Sonos/83.1 (ZPS33)" }, app: {} }, "smart"],
    [{}, undefined],
  ])("%j is of the platform %s", (fields, platform) => {
    expect(coarseFacts(requestOf(fields), undefined, ALL, 0).platform).toBe(platform);
  });

  test("the hour of the week agrees with the calendar on any clock", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: -720, max: 840 }), (nowMs, offsetMinutes) => {
        const local = new Date(nowMs + offsetMinutes * 60_000);
        expect(hourOfWeek(nowMs, offsetMinutes)).toBe(((local.getUTCDay() + 6) % 7) * 24 + local.getUTCHours());
      }),
    );
  });

  test("an offset that no clock has is not believed", () => {
    expect(
      coarseFacts(requestOf({ device: { geo: { utcoffset: 5_000 } } }), undefined, ALL, 0).hourOfWeek,
    ).toBeUndefined();
  });

  test("the signals of a request add the browser's header", () => {
    expect(privacySignals(request, true)).toMatchObject({
      globalPrivacyControl: true,
      consent: "taint",
      country: "deu",
    });
  });
});
