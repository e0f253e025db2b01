import { expect, test } from "vitest";
import { type Outcomes, total } from "../../bench/simulator/outcomes.ts";
import { PolicyFault } from "../../bench/simulator/playback.ts";
import { CADENCE_MINUTES, fixedCadence } from "../../bench/simulator/policies/fixed-cadence.ts";
import { OPEN_MARKET, type Policy } from "../../bench/simulator/policy.ts";
import { runPolicy } from "../../bench/simulator/run.ts";
import { Simulation } from "../../bench/simulator/simulation.ts";
import { bundledWorld } from "../../bench/simulator/world-file.ts";
import { anything, changed, silence, watched } from "../support/simulator-policies.ts";

const DAY_MS = 86_400_000;
const world = await bundledWorld("default");
const flat = await bundledWorld("flat-price");
const campaigns = await bundledWorld("campaigns");
const small = { seed: 11, listeners: 60, days: 40 };
const timer = (everyMinutes: number) => fixedCadence({ everyMinutes });
const adsPerHour = (outcomes: Outcomes): number => total(outcomes.ads) / total(outcomes.musicHours);

test("the same seed gives the same run, another seed another", () => {
  const hash = (seed: number) => runPolicy(campaigns, anything(1, 6), { ...small, seed }).hash;
  expect(hash(11)).toBe(hash(11));
  expect(hash(11)).not.toBe(hash(12));
});

test("whether anybody listens to the feedback changes nothing that happens", () => {
  expect(runPolicy(campaigns, watched(anything(1, 6)).policy, small).hash).toBe(
    runPolicy(campaigns, anything(1, 6), small).hash,
  );
});

test("one listener's run does not depend on how many others there are", () => {
  const few = runPolicy(world, timer(10), { ...small, listeners: 10 });
  const many = runPolicy(world, timer(10), small);
  expect(many.musicHours.slice(0, 10)).toEqual(few.musicHours);
  expect(many.revenueMicros.slice(0, 10)).toEqual(few.revenueMicros);
});

test("two policies meet the same days, tracks and prices where ads have no effect", () => {
  const unmoved = changed(flat, (copy) => {
    copy.population.sensitivityMean = 0;
    copy.openMarket.valueLogSd = 0.5;
  });
  const quiet = watched(silence);
  const busy = watched(timer(5));
  const a = runPolicy(unmoved, quiet.policy, small);
  const b = runPolicy(unmoved, busy.policy, small);
  expect(total(b.ads)).toBeGreaterThan(1_000);
  expect(b.activeDays).toEqual(a.activeDays);
  expect(b.left).toEqual(a.left);
  const prices = ({ slots }: typeof quiet) =>
    new Map(slots.map((slot) => [`${slot.listener}/${slot.day}/${slot.session}/${slot.tracks}`, slot.priceMicros]));
  const [there, here] = [prices(quiet), prices(busy)];
  // Breaks shift the clock, so the few sessions around midnight are counted on another day, or the run's end cuts them.
  const same = [...here].filter(([place, price]) => there.get(place) === price).length;
  expect(same / there.size).toBeGreaterThan(0.98);
});

test("a policy is shown the documented facts and nothing else", () => {
  const { policy, slots, feedback } = watched(anything(3, 6));
  const responsive = changed(campaigns, (copy) =>
    Object.assign(copy.response, { visitShare: 0.1, purchaseShare: 0.1 }),
  );
  runPolicy(responsive, policy, small);
  const keys = new Set(slots.flatMap((slot) => Object.keys(slot)));
  expect([...keys].sort()).toEqual(
    "adsInSession adsToday age day genre listener minuteOfDay nowMs platform priceMicros session sinceBreakMs skipped slot tracks".split(
      " ",
    ),
  );
  const told = Object.fromEntries(feedback.map((each) => [each.kind, Object.keys(each).sort().join(" ")]));
  const conversion = "campaign creative kind listener nowMs position shownAtMs slot";
  expect(told).toEqual({
    impression: "campaign completed creative kind lengthSeconds listener nowMs position priceMicros slot",
    visit: conversion,
    purchase: conversion,
    "session-end": "day kind listener musicMs nowMs skips tracks",
  });
  expect(Object.keys(new Simulation(campaigns, small).setup).sort()).toEqual(
    ["ages", "campaigns", "days", "genres", "listeners", "platforms"].sort(),
  );
});

test("slots and feedback come in the order of one clock, and an impression before what follows from it", () => {
  const responsive = changed(world, (copy) => Object.assign(copy.response, { visitShare: 0.5, purchaseShare: 0.2 }));
  const times: number[] = [];
  const shown = new Set<string>();
  let orphans = 0;
  let delayed = 0;
  const policy: Policy = {
    name: "clock",
    decide(slot, demand) {
      times.push(slot.nowMs);
      return timer(10).decide(slot, demand);
    },
    onFeedback(feedback) {
      times.push(feedback.nowMs);
      if (feedback.kind === "session-end") return;
      const ad = `${feedback.slot}/${feedback.position}`;
      if (feedback.kind === "impression") shown.add(ad);
      else if (!shown.has(ad)) orphans++;
      else if (feedback.nowMs - feedback.shownAtMs > DAY_MS) delayed++;
    },
  };
  runPolicy(responsive, policy, small);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(orphans).toBe(0);
  expect(delayed).toBeGreaterThan(50);
});

test("delays follow the table: 35 % within an hour, half within a day, 87 % within a fortnight, all within 30 days", () => {
  const sure = changed(world, (copy) => Object.assign(copy.response, { visitShare: 1, listenerLogSd: 0 }));
  const { policy, feedback } = watched(timer(15));
  runPolicy(sure, policy, { seed: 5, listeners: 300, days: 60 });
  // Only ads a month before the end have had time for all their visits.
  const delays = feedback.flatMap((each) =>
    each.kind === "visit" && each.shownAtMs < 29 * DAY_MS ? [each.nowMs - each.shownAtMs] : [],
  );
  const within = (hours: number) => delays.filter((delay) => delay <= hours * 3_600_000).length / delays.length;
  expect(delays.length).toBeGreaterThan(5_000);
  for (const [hours, share] of [
    [1, 0.35],
    [24, 0.5],
    [336, 0.87],
    [720, 1],
  ] as const)
    expect(Math.abs(within(hours) - share)).toBeLessThan(0.025);
});

test("an active day has about 54 minutes of music, and a third of the listeners come on a day", () => {
  const outcomes = runPolicy(world, timer(11.5), { seed: 2, listeners: 1_500, days: 30 });
  expect(Math.abs(adsPerHour(outcomes) - 3.63)).toBeLessThan(0.25);
  expect(Math.abs((60 * total(outcomes.musicHours)) / total(outcomes.activeDays) - 54)).toBeLessThan(2);
  expect(Math.abs(total(outcomes.activeDays) / (1_500 * 30) - 0.32)).toBeLessThan(0.03);
});

test("sensitivity has the mean that the world says", () => {
  const mean = (value: number) => {
    const scaled = changed(world, (copy) => void (copy.population.sensitivityMean = value));
    // Seen from outside: the excess of leavers under a load, to first order proportional to the mean sensitivity.
    const leavers = (everyMinutes: number) =>
      total(runPolicy(scaled, timer(everyMinutes), { seed: 4, listeners: 400, days: 60, survival: "weighted" }).left);
    return leavers(4) - leavers(30);
  };
  expect(mean(0)).toBe(0);
  expect(mean(2) / mean(1)).toBeGreaterThan(1.9);
  expect(mean(2) / mean(1)).toBeLessThan(2.2);
});

test("leaving by weight and leaving by chance agree", () => {
  const settings = { seed: 9, listeners: 1_500, days: 150 };
  const hasty = changed(world, (copy) => void (copy.churn.hazardPerDay = 0.01));
  const drawn = runPolicy(hasty, timer(60), settings);
  const weighed = runPolicy(hasty, timer(60), { ...settings, survival: "weighted" });
  const n = settings.listeners;
  for (const column of ["left", "subscribed", "activeInLast"] as const) {
    const share = total(weighed[column]) / n;
    expect(Math.abs(total(drawn[column]) / n - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / n));
  }
  expect(new Set(drawn.left)).toEqual(new Set([0, 1]));
  expect(Math.abs(total(drawn.musicHours) / total(weighed.musicHours) - 1)).toBeLessThan(0.05);
});

test("a 15 s ad weighs half to the power .7, a pod of two 2.1", () => {
  const effective = (policy: Policy) => {
    const outcomes = runPolicy(world, policy, small);
    return total(outcomes.effectiveAds) / total(outcomes.ads);
  };
  const short: Policy = {
    name: "short",
    decide: (slot) => (slot.priceMicros > 0 ? [{ campaign: OPEN_MARKET, creative: 0, lengthSeconds: 15 }] : []),
  };
  expect(effective(short)).toBeCloseTo(0.5 ** 0.7, 10);
  const filled = changed(world, (copy) => void (copy.openMarket.fillShare = 1));
  const pods = runPolicy(filled, fixedCadence({ everyMinutes: 20, podAds: [2] }), small);
  expect(total(pods.effectiveAds) / total(pods.pods)).toBeCloseTo(2.1, 10);
  expect(total(pods.oneAdBreaks)).toBe(0);
});

test("the timer keeps its distance, alternates its pods, and with a threshold sells for no less", () => {
  const breaks = (policy: Policy) => {
    const seen = watched(policy);
    runPolicy(world, seen.policy, small);
    return seen.feedback.flatMap((each) => (each.kind === "impression" ? [each] : []));
  };
  const least = 12_000;
  expect(
    Math.min(...breaks(fixedCadence({ everyMinutes: 10, leastPriceMicros: least })).map((ad) => ad.priceMicros)),
  ).toBeGreaterThanOrEqual(least);
  const second = breaks(fixedCadence({ everyMinutes: 10, podAds: [1, 2] })).filter((ad) => ad.position === 1).length;
  const first = breaks(fixedCadence({ everyMinutes: 10, podAds: [1, 2] })).length - second;
  expect(second / first).toBeGreaterThan(0.2);
  expect(second / first).toBeLessThan(0.5);
  const loads = CADENCE_MINUTES.filter((_, at) => at % 9 === 0).map((minutes) =>
    adsPerHour(runPolicy(world, timer(minutes), small)),
  );
  expect(loads).toEqual(loads.toSorted((a, b) => b - a));
  expect(loads[0]).toBeGreaterThan(8);
});

test("while tracking stops nothing of it arrives, and listeners go on as if it did", () => {
  const out = changed(world, (copy) => void (copy.tracking.outages = [{ fromDay: 10, days: 2 }]));
  const [with_, without] = [watched(timer(10)), watched(timer(10))];
  const hash = runPolicy(out, with_.policy, small).hash;
  expect(hash).toBe(runPolicy(world, without.policy, small).hash);
  const days = (feedback: typeof with_.feedback) =>
    new Set(feedback.filter((each) => each.kind === "impression").map((each) => Math.floor(each.nowMs / DAY_MS)));
  expect([...days(without.feedback)].filter((day) => !days(with_.feedback).has(day))).toEqual([10, 11]);
});

test("lost tracking takes an impression and what follows from it", () => {
  const lossy = changed(world, (copy) => {
    copy.tracking.lossShare = 0.3;
    copy.response.visitShare = 1;
  });
  const { policy, feedback } = watched(timer(10));
  const outcomes = runPolicy(lossy, policy, { ...small, listeners: 200 });
  const shown = feedback.filter((each) => each.kind === "impression");
  expect(Math.abs(shown.length / total(outcomes.ads) - 0.7)).toBeLessThan(0.03);
  const seen = new Set(shown.map((each) => each.slot));
  expect(feedback.filter((each) => each.kind === "visit" && !seen.has(each.slot))).toEqual([]);
});

test("listeners of a platform come from its launch on", () => {
  const launched = changed(world, (copy) => void (copy.population.platforms[3]!.launchDay = 15));
  const { policy, slots } = watched(silence);
  runPolicy(launched, policy, { ...small, listeners: 300 });
  expect(Math.min(...slots.filter((slot) => slot.platform === 3).map((slot) => slot.day))).toBe(15);
  expect(Math.min(...slots.filter((slot) => slot.platform !== 3).map((slot) => slot.day))).toBe(0);
});

test("bots listen long, buy nothing and count in no figure of listeners", () => {
  const botsOnly = changed(world, (copy) => void (copy.bots.share = 1));
  const seen = watched(timer(10));
  const outcomes = runPolicy(botsOnly, seen.policy, { ...small, listeners: 20 });
  expect(outcomes.botAds).toBeGreaterThan(1_000);
  expect([total(outcomes.ads), total(outcomes.musicHours), total(outcomes.revenueMicros), outcomes.purchases]).toEqual([
    0, 0, 0, 0,
  ]);
});

test("campaigns bid inside their targeting and days; what they spend is counted by day", () => {
  const car = 2;
  const young = 1;
  const bids: { day: number; platform: number; genre: number }[] = [];
  const policy: Policy = {
    name: "car",
    decide(slot, demand) {
      if (demand.priceMicros(young, 0, 30) > 0) bids.push({ ...slot });
      return demand.priceMicros(car, 0, 30) > 0 && slot.adsInSession === 0
        ? [{ campaign: car, creative: 7, lengthSeconds: 30 }]
        : [];
    },
  };
  const outcomes = runPolicy(campaigns, policy, small);
  expect(new Set(bids.map((bid) => bid.platform))).toEqual(new Set([0]));
  expect(new Set(bids.map((bid) => bid.genre))).toEqual(new Set([0, 1, 5]));
  const spent = outcomes.spentMicros.slice(car * small.days, (car + 1) * small.days);
  expect(spent.slice(0, 30).every((micros) => micros === 0)).toBe(true);
  expect(spent.slice(30).every((micros) => micros > 0)).toBe(true);
  expect(total(spent)).toBe(total(outcomes.revenueMicros));
});

test("a budget is for each thousand listeners, and dumped money is there for its day", () => {
  const dumped = changed(campaigns, (copy) => {
    copy.campaigns[0]!.budgetChanges = [
      { day: 5, budgetMicrosPerDayPer1000: 80_000_000 },
      { day: 6, budgetMicrosPerDayPer1000: 8_000_000 },
    ];
  });
  const { demand } = new Simulation(dumped, { ...small, listeners: 500 });
  expect([4, 5, 6].map((day) => demand.budgetMicros(0, day))).toEqual([4_000_000, 40_000_000, 4_000_000]);
  expect([29, 30, 89, 90].map((day) => demand.budgetMicros(2, day))).toEqual([0, 5_000_000, 5_000_000, 0]);
});

test("creatives are replaced one after the other and never come back", () => {
  const churning = changed(campaigns, (copy) => void (copy.campaigns[0]!.creativeLifetimeDays = 12));
  const live = new Map<number, readonly number[]>();
  const policy: Policy = {
    name: "creatives",
    decide(slot, demand) {
      live.set(slot.day, demand.creatives(0));
      return [];
    },
  };
  runPolicy(churning, policy, small);
  const days = [...live.values()];
  for (const [at, ids] of days.entries()) {
    expect(new Set(ids).size).toBe(6);
    const fresh = ids.filter((id) => !(days[at - 1] ?? ids).includes(id));
    expect(fresh.length).toBeLessThanOrEqual(1);
    for (const id of fresh) expect(days.slice(0, at).flat()).not.toContain(id);
  }
  expect(new Set(days.flat()).size).toBeGreaterThan(20);
});

test.each([
  ["a fifth ad", /ads = 5: at most 4/, Array(5).fill({ campaign: OPEN_MARKET, creative: 0, lengthSeconds: 30 })],
  ["another length", /lengthSeconds = 20: 15 or 30/, [{ campaign: OPEN_MARKET, creative: 0, lengthSeconds: 20 }]],
  ["no such campaign", /campaign = 6: -1 \(open market\) to 5/, [{ campaign: 6, creative: 0, lengthSeconds: 30 }]],
  ["no such creative", /creative = 1: one of 0/, [{ campaign: OPEN_MARKET, creative: 1, lengthSeconds: 30 }]],
])("a decision with %s is refused, and the slot stays open for another", (_what, message, ads) => {
  const simulation = new Simulation(campaigns, small);
  let slot = simulation.next();
  while (slot !== null && slot.priceMicros === 0) {
    simulation.answer([]);
    slot = simulation.next();
  }
  expect(() => simulation.answer(ads)).toThrow(message);
  expect(() => simulation.next()).toThrow(/answered before/);
  simulation.answer([{ campaign: OPEN_MARKET, creative: 0, lengthSeconds: 30 }]);
  expect(total(simulation.outcomes.ads)).toBe(1);
});

test("an ad that nobody bids for is refused", () => {
  const unsold = changed(world, (copy) => void (copy.openMarket.fillShare = 0));
  const always: Policy = { name: "always", decide: () => [{ campaign: OPEN_MARKET, creative: 0, lengthSeconds: 30 }] };
  expect(() => runPolicy(unsold, always, small)).toThrow(PolicyFault);
  expect(() => runPolicy(unsold, always, small)).toThrow(/somebody bids/);
});
