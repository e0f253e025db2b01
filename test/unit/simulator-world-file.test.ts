import { expect, test } from "vitest";
import { bundledWorld, parseWorld, readWorld, WorldRefused } from "../../bench/simulator/world-file.ts";
import { changed } from "../support/simulator-policies.ts";

const world = await bundledWorld("default");
const campaigns = await bundledWorld("campaigns");

function refused(value: unknown): WorldRefused {
  try {
    parseWorld(value, "test");
  } catch (error) {
    if (error instanceof WorldRefused) return error;
    throw error;
  }
  throw new Error("the world was taken");
}

test.each(["default", "flat-price", "campaigns"] as const)("the bundled world %s is a world", async (name) => {
  expect((await bundledWorld(name)).format).toBe("chorus-world/1");
});

test("in the flat world every slot is worth the same, and nothing else differs from the default", async () => {
  const flat = await bundledWorld("flat-price");
  const worth = [...flat.population.genres, ...flat.sessions.dayparts].map((each) => each.priceFactor);
  expect(new Set(worth)).toEqual(new Set([1]));
  expect(flat.openMarket).toEqual({ ...world.openMarket, valueLogSd: 0, repetitionExponent: 0 });
  const { population, sessions, openMarket, name } = world;
  expect({ ...flat, population, sessions, openMarket, name }).toEqual(world);
});

test("everything wrong with a world is said at once, each by field, value and rule", () => {
  const wrong = changed(world, (copy) => {
    copy.fatigue.memoryDays = -1;
    copy.population.ages[0]!.share = 0.5;
    Object.assign(copy.response, { extra: 1 });
    delete (copy.tracks as Partial<typeof copy.tracks>).minutesMean;
    copy.response.delays.reverse();
  });
  const { findings, message } = refused(wrong);
  expect(findings.map((each) => [each.field, each.value])).toEqual(
    expect.arrayContaining([
      ["fatigue.memoryDays", "-1"],
      ["population.ages", expect.stringContaining("0.5")],
      ["response.extra", "1"],
      ["tracks.minutesMean", "(missing)"],
      ["response.delays", expect.any(String)],
    ]),
  );
  for (const { field, value, rule } of findings) expect(message).toContain(`${field} = ${value}: ${rule}`);
  expect(findings.find((each) => each.field === "response.extra")?.rule).toBe("no such field");
  expect(findings.find((each) => each.field === "population.ages")?.rule).toBe("shares sum to 1");
});

test("no value has a default: a world without any one of its parts is refused by that part's name", () => {
  for (const part of Object.keys(world)) {
    const { [part]: _gone, ...rest } = world as Record<string, unknown>;
    expect(refused(rest).findings.map((each) => each.field)).toEqual([part]);
  }
});

test("a campaign names platforms and genres that there are, and ends after its start", () => {
  const wrong = changed(campaigns, (copy) => {
    copy.campaigns[1]!.platforms = ["mobile", "toaster"];
    copy.campaigns[2]!.genres = ["polka"];
    copy.campaigns[2]!.endDay = copy.campaigns[2]!.startDay;
  });
  expect(refused(wrong).findings.map((each) => `${each.field} = ${each.value}`)).toEqual([
    'campaigns.1.platforms.1 = "toaster"',
    'campaigns.2.genres.0 = "polka"',
    "campaigns.2.endDay = 30",
  ]);
});

test.each([["text"], [null], [[]], [42]])("%j is no world", (value) => {
  expect(refused(value).findings[0]?.field).toBe("(file)");
});

test("a file that is not there is refused by its name", async () => {
  await expect(readWorld("no-such-world.json")).rejects.toThrow(/no-such-world\.json is no world/);
});
