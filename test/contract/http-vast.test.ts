import { VASTClient } from "@dailymotion/vast-client";
import { XMLParser } from "fast-xml-parser";
import { afterEach, describe, expect, test } from "vitest";
import { readDecisionId } from "../../protocols/decision-id.ts";
import type { DecisionRequest } from "../../protocols/messages/listener.ts";
import { pseudonymKey, pseudonymSecret } from "../../protocols/pseudonym.ts";
import { readToken } from "../../protocols/tracking-token.ts";
import { bidAnswer, bidRequest, type EdgeRig, fault, KEYS, startServing } from "../support/http-edge.ts";

let rig: EdgeRig;

afterEach(() => rig.server.close());

const TAG =
  "/vast?id=r1&uid=raw-listener&sid=s1&country=DEU&gdpr=0&feed=3&genre=Jazz&mimes=audio/mpeg,audio/ogg" +
  "&minduration=5&maxduration=31&utcoffset=60&secure=1&startdelay=-1&bcat=IAB1,IAB2&badv=rival.example";

interface Vast {
  readonly VAST: {
    readonly "@_version": string;
    readonly Ad?: { readonly InLine: { readonly Impression: string } };
    readonly Error?: string;
  };
}

function parse(xml: string): Vast["VAST"] {
  return (new XMLParser({ ignoreAttributes: false }).parse(xml) as Vast).VAST;
}

function asked(): DecisionRequest {
  return rig.asker.asked.at(-1)?.payload as DecisionRequest;
}

describe("GET /vast", () => {
  test("answers an inline document of VAST 4.2 that players may fetch from any page", async () => {
    rig = await startServing();
    const response = await rig.get(TAG);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/xml; charset=utf-8");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(readDecisionId(response.headers.get("x-chorus-decision") ?? "")).not.toBeNull();
    const vast = parse(await response.text());
    expect(vast["@_version"]).toBe("4.2");
    expect(vast.Ad?.InLine.Impression).toMatch("https://ads.example/e?t=");
  });

  test("is understood by a player's library, straight from the tag", async () => {
    rig = await startServing();
    const { ads } = (await new VASTClient().get(`${rig.url}${TAG}`)) as {
      readonly ads: readonly {
        readonly creatives: readonly {
          readonly duration: number;
          readonly mediaFiles: readonly { readonly fileURL: string }[];
          readonly trackingEvents: Readonly<Record<string, readonly string[]>>;
        }[];
      }[];
    };
    const creative = ads[0]?.creatives[0];
    expect(creative?.duration).toBe(30);
    expect(creative?.mediaFiles.map(({ fileURL }) => fileURL)).toEqual(["https://cdn.example/spring-30.mp3"]);
    expect(Object.keys(creative?.trackingEvents ?? {})).toContain("thirdQuartile");
  });

  test("reads its parameters as the fields of a bid request", async () => {
    rig = await startServing();
    await rig.get(TAG, { "user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)" });
    expect(rig.asker.asked[0]?.to.key).toBe(pseudonymKey(pseudonymSecret(Buffer.alloc(32, 3)), "user", "raw-listener"));
    expect(asked()).toMatchObject({
      memory: "listener",
      context: { country: "DEU", feed: 3, genres: ["jazz"], platform: "mobile" },
      slots: [
        {
          mimes: ["audio/mpeg", "audio/ogg"],
          minDurationMs: 5_000,
          maxDurationMs: 31_000,
          secure: true,
          startDelay: -1,
        },
      ],
      blockedCategories: ["IAB1", "IAB2"],
      blockedAdvertiserDomains: ["rival.example"],
    });
    expect(asked().context.hourOfWeek).toBeTypeOf("number");
  });

  test("asks contextually without any parameter, since nothing is known", async () => {
    rig = await startServing();
    expect((await rig.get("/vast")).status).toBe(200);
    expect(asked()).toMatchObject({ memory: "none", capabilities: { id: false } });
    expect(asked().slots[0]?.mimes).toContain("audio/mpeg");
  });

  test("honours consent parameters", async () => {
    rig = await startServing();
    await rig.get("/vast?uid=u&country=USA&us_privacy=1YYN");
    expect(asked().capabilities.id).toBe(false);
    await rig.get("/vast?uid=u&country=USA&us_privacy=1YNN");
    expect(asked().capabilities.id).toBe(true);
    await rig.get("/vast?uid=u&country=DEU&gdpr=1&gdpr_consent=broken");
    expect(asked().capabilities.id).toBe(false);
    await rig.get("/vast?uid=u&country=USA&coppa=1");
    expect(asked().capabilities).toMatchObject({ id: false, childSafe: true });
    await rig.get("/vast?uid=u&country=USA&gpc=1");
    expect(asked().capabilities.id).toBe(false);
    await rig.get("/vast?uid=u&country=USA&gpc=0");
    expect(asked().capabilities.id).toBe(true);
  });

  test.each(["gdpr", "gdpr_consent", "gpp", "gpp_sid", "us_privacy", "coppa", "lmt", "dnt"])(
    "refuses a repeated %s rather than losing what it says",
    async (name) => {
      rig = await startServing();
      const url = `/vast?uid=u&country=USA&${name}=1&${name}=1`;
      expect((await rig.get(url)).status).toBe(400);
      const problem = await (await rig.get(`${url}&test=1`)).text();
      expect(problem).toMatch(new RegExp(`"path":"(regs|user|device)\\.${name.replace("gdpr_", "")}`));
    },
  );

  test("takes a repeated gpc for one, since that signal is never refused", async () => {
    rig = await startServing();
    await rig.get("/vast?uid=u&country=USA&gpc=1&gpc=1");
    expect(asked().capabilities.id).toBe(false);
  });
});

describe("companions", () => {
  const banner = { url: "https://cdn.example/a.png", mimeType: "image/png", widthPixels: 300, heightPixels: 250 };

  test("are asked for by size, and shown with their own view and click", async () => {
    rig = await startServing();
    rig.asker.on("listener.Decide", ({ to }) => {
      const answer = bidAnswer(to, rig.clock.nowMs(), "1");
      const companions = [{ ...banner, clickUrl: "https://a.example/c", altText: "Rad" }];
      const bids = answer.bids.map((bid) => ({
        ...bid,
        creative: { ...bid.creative, skipAfterMs: 7_000, companions },
      }));
      return { ...answer, bids };
    });
    const text = await (await rig.get("/vast?companionad=300x250,728x90")).text();
    expect(asked().slots[0]?.companions).toEqual([
      { widthPixels: 300, heightPixels: 250 },
      { widthPixels: 728, heightPixels: 90 },
    ]);
    expect(text).toContain('<Linear skipoffset="00:00:07.000">');
    expect(text).toContain('<Tracking event="progress" offset="00:00:05.000">');
    const companion = /<Companion .*<\/Companion>/.exec(text)?.[0] ?? "";
    expect(companion).toContain('width="300" height="250"');
    const [click = "", view = ""] = [...companion.matchAll(/https:\/\/ads\.example(\/e\?[^\]]+)/g)].map(
      ([, path]) => path,
    );
    const clicked = await rig.get(click);
    expect([clicked.status, clicked.headers.get("location")]).toEqual([302, "https://a.example/c"]);
    expect((await rig.get(view)).status).toBe(204);
    expect(rig.asker.asked.at(-1)?.payload).toMatchObject({ event: "creativeView" });
  });

  test("are not asked for where the player shows no pictures, or names no sizes", async () => {
    rig = await startServing();
    const imp = (audio: object): Record<string, unknown> => ({
      imp: [{ id: "slot", audio: { mimes: ["audio/mpeg"], ...audio } }],
    });
    await rig.post("/vast", bidRequest(imp({ companionad: [{ w: 300, h: 250 }], companiontype: [2, 3] })));
    expect(asked().slots[0]).not.toHaveProperty("companions");
    await rig.post("/vast", bidRequest(imp({ companionad: [{ format: [{ w: 300, h: 250 }] }], companiontype: [1] })));
    expect(asked().slots[0]?.companions).toEqual([{ widthPixels: 300, heightPixels: 250 }]);
    const refused = await rig.get("/vast?companionad=big&test=1");
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("companionad[0]")]);
  });

  test("an error is counted by the code that the player put into its macro", async () => {
    rig = await startServing();
    const text = await (await rig.get("/vast")).text();
    const [, path = ""] = /<Error><!\[CDATA\[https:\/\/ads\.example(\/e\?[^\]]+\[ERRORCODE\])/.exec(text) ?? [];
    await rig.get(path.replace("[ERRORCODE]", "405"));
    await rig.get(path);
    expect(rig.observed.slice(-2).map(({ outcome }) => outcome)).toEqual(["error-405", "accepted"]);
  });
});

test("a media type is named as the player spells it", async () => {
  rig = await startServing();
  const imp = (mimes: string[]): Record<string, unknown> => ({ imp: [{ id: "slot", audio: { mimes } }] });
  const typeFor = async (mimes: string[]): Promise<string | undefined> => {
    const text = await (await rig.post("/vast", bidRequest(imp(mimes)))).text();
    return /<MediaFile [^>]*type="([^"]+)"/.exec(text)?.[1];
  };
  expect(await typeFor(["audio/mp3"])).toBe("audio/mp3");
  expect(await typeFor(["audio/mp3", "audio/mpeg"])).toBe("audio/mpeg");
});

test("POST /vast takes a bid request", async () => {
  rig = await startServing();
  const response = await rig.post("/vast", bidRequest());
  expect(parse(await response.text()).Ad).toBeDefined();
  expect(asked().slots[0]?.impId).toBe("slot");
});

describe("no ad", () => {
  test.each([
    ["no campaign", () => ({ bids: [], nbr: 501 }), "501"],
    [
      "overload",
      () => {
        throw fault("OVERLOADED");
      },
      "508",
    ],
  ])("is an empty document with an error URL of ours: %s", async (_case, answer, nbr) => {
    rig = await startServing();
    rig.asker.on("listener.Decide", ({ to }) => ({ ...bidAnswer(to, rig.clock.nowMs()), ...answer() }));
    const response = await rig.get(TAG);
    expect(response.status).toBe(200);
    expect(response.headers.get("x-chorus-nbr")).toBe(nbr);
    const vast = parse(await response.text());
    expect(vast.Ad).toBeUndefined();
    const token = new URL(vast.Error ?? "").searchParams.get("t") ?? "";
    expect(readToken(KEYS, token, rig.clock.nowMs())).toMatchObject({ ok: true, fields: { event: "error" } });
    rig.asker.on("delivery.Event", () => undefined);
    expect((await rig.get(`/e?t=${token}`)).status).toBe(204);
  });
});

test("a malformed tag gets an empty document, and its tester all that is wrong", async () => {
  rig = await startServing();
  const response = await rig.get("/vast?minduration=five");
  expect(response.status).toBe(400);
  expect(parse(await response.text()).Ad).toBeUndefined();
  const told = await rig.get("/vast?minduration=five&maxduration=-1&test=1");
  expect(told.status).toBe(400);
  expect(await told.json()).toMatchObject({
    errors: [
      { path: "imp[0].audio.minduration", value: "five", rule: "must be a number" },
      { path: "imp[0].audio.maxduration", value: -1, rule: "must not be negative" },
    ],
  });
});

test("a page may ask whether it may post", async () => {
  rig = await startServing();
  const response = await fetch(`${rig.url}/vast`, { method: "OPTIONS" });
  expect(response.status).toBe(204);
  expect(response.headers.get("access-control-allow-methods")).toBe("GET, POST");
});
