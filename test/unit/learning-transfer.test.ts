import { expect, test } from "vitest";
import {
  effectVariances,
  initialTransfer,
  type PlatformEvidence,
  type TransferState,
  transferredPriors,
  updateTransfer,
} from "../../actors/learning/transfer/platform-effects.ts";
import { temperedThompson } from "../../bench/evaluate/baselines/creative.ts";
import { playCampaign } from "../../bench/evaluate/worlds/creative-world.ts";
import { creativeName, drawPlatformCampaign } from "../../bench/evaluate/worlds/platform-world.ts";

function learned(correlation: number, campaigns = 30): TransferState {
  let state = initialTransfer();
  for (let seed = 0; seed < campaigns; seed++)
    state = updateTransfer(state, `c${seed}`, campaignAt(seed, correlation).evidence);
  return state;
}

const campaignAt = (seed: number, correlation: number) =>
  drawPlatformCampaign({
    seed: 500 + seed,
    correlation,
    responseRate: 0.02,
    effectLogSd: 0.4,
    impressionsBefore: 3_000,
  });

const cell = (creativeId: string, platform: PlatformEvidence["platform"], conversions: number): PlatformEvidence => ({
  creativeId,
  platform,
  expected: 100,
  conversions,
});

test.each([0.95, 0.5, 0])("how alike platforms are is found from the campaigns: correlation %d", (correlation) => {
  expect(Math.abs(effectVariances(learned(correlation)).correlation - correlation)).toBeLessThan(0.15);
});

test("unrelated platforms leave little but the campaign's mean (T1)", () => {
  const evidence = [cell("a", "mobile", 180), cell("b", "mobile", 60), cell("c", "mobile", 60)];
  const related = transferredPriors(learned(0.95), evidence, "smart").get("a")?.mean ?? 0;
  const unrelated = transferredPriors(learned(0), evidence, "smart").get("a")?.mean ?? 0;
  expect(related).toBeGreaterThan(1.5);
  expect(Math.abs(unrelated - 1)).toBeLessThan(0.15);
});

test("a campaign's news replaces what it said before, and campaigns are bounded (T3)", () => {
  const evidence = campaignAt(1, 0.8).evidence;
  const once = updateTransfer(initialTransfer(), "c", evidence);
  expect(updateTransfer(once, "c", evidence)).toEqual(once);
  let state = initialTransfer();
  for (let seed = 0; seed < 50; seed++) state = updateTransfer(state, `c${seed}`, evidence);
  expect(state.campaigns).toHaveLength(32);
  expect(state.campaigns.at(-1)?.id).toBe("c49");
});

test("the platform's own evidence is no prior for itself", () => {
  const evidence = [cell("a", "smart", 200), cell("b", "smart", 50)];
  expect(transferredPriors(learned(0.95), evidence, "smart").size).toBe(0);
});

// Asked by learning.md and not reached (see the learner's header). Expected to fail, so that whoever mends it is told.
test.fails("known gap: a wrong prior is overrun within 5,000 impressions", () => {
  // The old platforms swear by the worst creative.
  const rates = [0.012, 0.02, 0.03].map((rate) => new Array<number>(8).fill(rate));
  const evidence = (["mobile", "desktop", "web"] as const).flatMap((platform) => [
    cell(creativeName(0), platform, 160),
    cell(creativeName(1), platform, 100),
    cell(creativeName(2), platform, 60),
  ]);
  const priors = Object.fromEntries(transferredPriors(learned(0.95), evidence, "smart"));
  let [last, possible] = [0, 0];
  for (let seed = 0; seed < 20; seed++) {
    const options = { seed: 700 + seed, responseRate: 0.02, effectLogSd: 0.4, genreLogSd: 0.01, rates };
    const world = { ...options, impressions: 7_000, impressionsPerDay: 500 };
    const [before, after] = playCampaign(world, (count) => temperedThompson(count, seed, priors), [5_000, 7_000]);
    last += (after?.gained ?? 0) - (before?.gained ?? 0);
    possible += (after?.possible ?? 0) - (before?.possible ?? 0);
  }
  // By then it earns what a prior that says nothing would: most of the gap.
  expect(last / possible).toBeGreaterThan(0.5);
});
