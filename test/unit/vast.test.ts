import { VASTClient } from "@dailymotion/vast-client";
import fc from "fast-check";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { describe, expect, test } from "vitest";
import { emptyVast, ERROR_CODE_MACRO, vastDocument, type VastAd } from "../../protocols/vast/document.ts";
import { clockTime } from "../../protocols/vast/xml.ts";

const AD: VastAd = {
  id: "spring",
  adServingId: "0193-d",
  title: 'Räder & "mehr" <neu>',
  advertiser: "Nordlicht Bikes",
  categories: ["IAB17-3"],
  categoryAuthority: "https://www.iabtechlab.com/categoryauthority",
  creativeId: "spring-30",
  universalAdId: { registry: "ad-id.org", value: "NRD-0001" },
  durationMs: 30_000,
  skipAfterMs: 5_000,
  expirySeconds: 600,
  mediaFiles: [{ url: "https://cdn.example/spring-30.mp3?a=1&b=2", mimeType: "audio/mpeg", bitrateKbps: 128 }],
  companions: [
    {
      url: "https://cdn.example/c.png",
      mimeType: "image/png",
      widthPixels: 300,
      heightPixels: 250,
      altText: "Rad",
      clickThroughUrl: "https://nordlicht.example/c",
      viewUrl: "https://a/e?t=v",
    },
  ],
  impressionUrls: ["https://a.example/e?t=imp", "https://b.example/i?x=1&y=2"],
  errorUrl: `https://a.example/e?t=err&code=${ERROR_CODE_MACRO}`,
  trackingUrls: {
    start: "https://a/e?t=s",
    firstQuartile: "https://a/e?t=q1",
    midpoint: "https://a/e?t=q2",
    thirdQuartile: "https://a/e?t=q3",
    complete: "https://a/e?t=c",
    mute: "https://a/e?t=m",
    skip: "https://a/e?t=k",
  },
  clickThroughUrl: "https://a/e?t=click",
  clickTrackingUrls: ["https://partner.example/click?x=1&y=2"],
};

type Tree = [string, Tree[]];

/** The document as names in order, by a parser that is neither ours nor vast-client's. */
function tree(xml: string): Tree[] {
  const walk = (nodes: Record<string, unknown>[]): Tree[] =>
    nodes.flatMap((node) =>
      Object.entries(node)
        .filter(([name]) => name !== ":@" && !name.startsWith("#") && name !== "?xml")
        .map(([name, content]): Tree => [name, walk(content as Record<string, unknown>[])]),
    );
  return walk(new XMLParser({ preserveOrder: true, ignoreAttributes: false }).parse(xml) as Record<string, unknown>[]);
}

function children(trees: Tree[], ...path: string[]): string[] {
  let at = trees;
  for (const name of path) at = at.find(([found]) => found === name)?.[1] ?? [];
  return at.map(([name]) => name);
}

interface ReadAd {
  readonly id: string;
  readonly sequence: string | null;
  readonly impressionURLTemplates: readonly { readonly url: string }[];
  readonly errorURLTemplates: readonly string[];
  readonly creatives: readonly {
    readonly type: string;
    readonly duration: number;
    readonly skipDelay: number | null;
    readonly mediaFiles: readonly { readonly fileURL: string; readonly mimeType: string; readonly bitrate: number }[];
    readonly trackingEvents: Readonly<Record<string, readonly string[]>>;
    readonly videoClickThroughURLTemplate: { readonly url: string } | null;
    readonly videoClickTrackingURLTemplates: readonly { readonly url: string }[];
    readonly variations?: readonly { readonly staticResources: readonly { readonly url: string }[] }[];
  }[];
}

/** Reads as a player of another house would; a data URL keeps it off the network. */
async function read(xml: string): Promise<readonly ReadAd[]> {
  const url = `data:application/xml;base64,${Buffer.from(xml).toString("base64")}`;
  const response = (await new VASTClient().get(url)) as { readonly ads: readonly ReadAd[] };
  return response.ads;
}

describe("the VAST document", () => {
  test("stands in the element order of the 4.2 schema", () => {
    const parsed = tree(vastDocument([AD]));
    expect(children(parsed, "VAST", "Ad", "InLine")).toEqual([
      "AdSystem",
      "Error",
      "Impression",
      "Impression",
      "AdServingId",
      "AdTitle",
      "Advertiser",
      "Category",
      "Creatives",
      "Expires",
    ]);
    const creative = ["VAST", "Ad", "InLine", "Creatives", "Creative"];
    expect(children(parsed, ...creative)).toEqual(["CompanionAds", "Linear", "UniversalAdId"]);
    expect(children(parsed, ...creative, "Linear")).toEqual([
      "TrackingEvents",
      "Duration",
      "MediaFiles",
      "VideoClicks",
    ]);
    expect(children(parsed, ...creative, "Linear", "VideoClicks")).toEqual(["ClickTracking", "ClickThrough"]);
    expect(children(parsed, ...creative, "CompanionAds", "Companion")).toEqual([
      "StaticResource",
      "AltText",
      "CompanionClickThrough",
      "TrackingEvents",
    ]);
  });

  test("says audio, and has the attributes that the schema requires", () => {
    const xml = vastDocument([AD]);
    expect(xml).toContain('<Ad id="spring" adType="audio">');
    expect(xml).toContain('<MediaFile delivery="progressive" type="audio/mpeg" width="0" height="0" bitrate="128">');
    expect(xml).toContain('<Linear skipoffset="00:00:05.000">');
    expect(xml).toContain('<UniversalAdId idRegistry="ad-id.org">NRD-0001</UniversalAdId>');
    expect(xml).toContain("<AdTitle>Räder &amp; &quot;mehr&quot; &lt;neu&gt;</AdTitle>");
  });

  test("gives a player of another house every URL as it was", async () => {
    const [ad] = await read(vastDocument([AD]));
    const linear = ad?.creatives.find(({ type }) => type === "linear");
    const companion = ad?.creatives.find(({ type }) => type === "companion");
    expect(ad?.impressionURLTemplates.map(({ url }) => url)).toEqual(AD.impressionUrls);
    expect(ad?.errorURLTemplates).toEqual([AD.errorUrl]);
    expect(linear).toMatchObject({ duration: 30, skipDelay: 5 });
    expect(linear?.mediaFiles[0]).toMatchObject({
      fileURL: AD.mediaFiles[0]?.url,
      mimeType: "audio/mpeg",
      bitrate: 128,
    });
    expect(linear?.videoClickThroughURLTemplate?.url).toBe(AD.clickThroughUrl);
    expect(linear?.videoClickTrackingURLTemplates.map(({ url }) => url)).toEqual(AD.clickTrackingUrls);
    for (const [event, url] of Object.entries(AD.trackingUrls)) expect(linear?.trackingEvents[event]).toEqual([url]);
    expect(companion?.variations?.[0]?.staticResources[0]?.url).toBe(AD.companions[0]?.url);
  });

  test("of a pod holds its ads in sequence, as a player finds them", async () => {
    const pod = ["a", "b", "c"].map((id, at) => ({ ...AD, id, sequence: at + 1 }));
    const ads = await read(vastDocument(pod));
    expect(ads.map(({ id, sequence }) => [id, sequence])).toEqual([
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
    ]);
    expect(vastDocument([AD])).not.toContain('<Ad id="' + AD.id + '" sequence');
  });

  test("has no clicks, companions or skip where none are given", () => {
    const { clickThroughUrl: _click, skipAfterMs: _skip, ...rest } = AD;
    const xml = vastDocument([{ ...rest, companions: [], clickTrackingUrls: [], categories: [] }]);
    for (const name of ["VideoClicks", "CompanionAds", "skipoffset", "Category"]) expect(xml).not.toContain(name);
  });

  test("is well-formed, and keeps URLs, whatever advertisers write", async () => {
    const text = fc.string({ unit: "binary", maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(text, fc.webUrl({ withQueryParameters: true, withFragments: true }), async (title, url) => {
        const xml = vastDocument([{ ...AD, title, advertiser: title, clickThroughUrl: `${url}]]>&<` }]);
        expect(XMLValidator.validate(xml)).toBe(true);
        const [ad] = await read(xml);
        expect(ad?.creatives.find(({ type }) => type === "linear")?.videoClickThroughURLTemplate?.url).toBe(
          `${url}]]>&<`,
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe("no ad", () => {
  test("is an empty document, with an error URL where one is wanted", async () => {
    expect(children(tree(emptyVast()), "VAST")).toEqual([]);
    expect(children(tree(emptyVast("https://a/e?t=1&c=[ERRORCODE]")), "VAST")).toEqual(["Error"]);
    expect(emptyVast("https://a/e?t=1&c=2")).toContain("<![CDATA[https://a/e?t=1&c=2]]>");
    expect(await read(emptyVast())).toEqual([]);
  });
});

test("clock times have hours, minutes, seconds and milliseconds", () => {
  expect([0, 999, 30_000, 61_500, 3_600_000 * 25 + 1].map(clockTime)).toEqual([
    "00:00:00.000",
    "00:00:00.999",
    "00:00:30.000",
    "00:01:01.500",
    "25:00:00.001",
  ]);
});
