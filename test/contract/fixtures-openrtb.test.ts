import { expect, test } from "vitest";
import { parseBidRequest } from "../../protocols/openrtb/request.ts";
import { servable } from "../../protocols/openrtb/servable.ts";
import { describeFixtures, type FixtureFolder } from "../support/fixtures.ts";

interface Scenario {
  readonly mockBidRequest?: unknown;
}

interface Tally {
  parsed: number;
  servable: number;
  refused: Record<string, readonly string[]>;
}

/** The request of a scenario; undefined for files that hold none, or are broken JSON on purpose. */
function mockBidRequest(text: string): unknown {
  try {
    return (JSON.parse(text) as Scenario).mockBidRequest;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Parses every request of a folder; the tally is printed, so that a change of verdicts is seen. */
function parseAll(folder: FixtureFolder, category: string): Tally {
  const tally: Tally = { parsed: 0, servable: 0, refused: {} };
  for (const name of folder.names) {
    const request = mockBidRequest(folder.text(name));
    if (request === undefined) continue;
    const result = parseBidRequest(request);
    if (!result.ok) tally.refused[name] = result.errors.map(({ path, rule }) => `${path} ${rule}`);
    else {
      tally.parsed += 1;
      if (servable(result.request).ok) tally.servable += 1;
    }
  }
  console.info(
    `${category}: ${tally.parsed} parsed, ${tally.servable} servable, ${Object.keys(tally.refused).length} refused`,
  );
  return tally;
}

describeFixtures("openrtb-audio-exchanges", (folder) => {
  test("every audio request parses", () => {
    expect(parseAll(folder, "openrtb-audio-exchanges").refused).toEqual({});
  });
});

describeFixtures("openrtb-mixed-exchanges", (folder) => {
  test("every mixed request parses, or has a fault that decisioning.md 3 names", () => {
    expect(parseAll(folder, "openrtb-mixed-exchanges").refused).toEqual({
      "silverpush__supplemental__status-500-resp.json": ["app must not stand beside site"],
    });
  });
});

describeFixtures("openrtb-request-validation", (folder) => {
  test("what breaks OpenRTB itself, in a field that is read, is refused", () => {
    expect(parseAll(folder, "openrtb-request-validation").refused).toEqual({
      "invalid-whole__audio-maxbitrate-negative.json": ["imp[0].audio.maxbitrate must not be negative"],
      "invalid-whole__audio-minbitrate-negative.json": ["imp[0].audio.minbitrate must not be negative"],
      "invalid-whole__empty-object.json": ["id is required", "imp must be a non-empty array"],
      "invalid-whole__null.json": [" must be a JSON object"],
      "invalid-whole__regs-ext-malformed.json": ["regs.ext must be an object"],
      "invalid-whole__tmax-negative.json": ["tmax must not be negative", "imp must be a non-empty array"],
      "invalid-whole__user-ext-consent-int.json": ["user.ext.consent must be a string"],
      "invalid-whole__user-gdpr-consent-invalid.json": ["user.ext.consent must be a string"],
    });
  });
});

describeFixtures("openrtb-requests-rtbkit", (folder) => {
  test("requests of OpenRTB 2.0 to 2.2 parse, and one of 1.0 lacks the ids", () => {
    const refused = folder.names.flatMap((name) => {
      const result = parseBidRequest(folder.json(name));
      return result.ok ? [] : [[name, ...result.errors.map(({ path, rule }) => `${path} ${rule}`)]];
    });
    expect(refused).toEqual([["openrtb1_req.json", "imp[0].id is required"]]);
  });
});
