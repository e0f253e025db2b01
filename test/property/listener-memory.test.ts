import fc from "fast-check";
import { expect, test } from "vitest";
import { decide } from "../../actors/decision/kernel.ts";
import { frequencyAgent } from "../../actors/frequency/agent.ts";
import type { FrequencyPart } from "../../actors/frequency/part.ts";
import { SEPARATION, separationAgent } from "../../actors/separation/agent.ts";
import type { SeparationPart } from "../../actors/separation/part.ts";
import type { CommittedDecision } from "../../protocols/roles.ts";
import { ask, indexOf, NOON_MS, request, rolesOf } from "../support/campaigns.ts";

const MINUTE_MS = 60_000;

type Step =
  | { readonly kind: "decide"; readonly afterMs: number }
  | { readonly kind: "billed" | "released"; readonly pick: number; readonly afterMs: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("decide" as const), afterMs: fc.integer({ min: 0, max: 40 * MINUTE_MS }) }),
    fc.record({
      kind: fc.constantFrom("billed" as const, "released" as const),
      pick: fc.nat(10),
      afterMs: fc.integer({ min: 0, max: 15 * MINUTE_MS }),
    }),
  ),
  { maxLength: 120, size: "max" },
);

const EXPIRY_MS = 20 * MINUTE_MS;

interface Open extends CommittedDecision {
  readonly creativeId: string;
}

/** Plays steps against the two reducers as the listener does; open bids end at their expiry, as delivery ends them. */
function play(
  script: readonly Step[],
  next: (
    parts: { frequency: FrequencyPart | undefined; separation: SeparationPart | undefined },
    nowMs: number,
  ) => { readonly adSet: CommittedDecision["adSet"]; readonly creative: CommittedDecision["creative"] } | undefined,
  check: (
    heard: readonly { readonly campaignId: string; readonly atMs: number }[],
    open: readonly Open[],
    nowMs: number,
  ) => void,
): void {
  let frequency: FrequencyPart | undefined;
  let separation: SeparationPart | undefined;
  let open: Open[] = [];
  const heard: { campaignId: string; atMs: number }[] = [];
  let nowMs = NOON_MS;
  const end = (bid: Open, event: "billed" | "released", atMs: number): void => {
    const told = {
      decisionId: bid.decisionId,
      campaignId: bid.adSet.campaignId,
      creativeId: bid.creativeId,
      event,
      atMs,
    };
    open = open.filter((each) => each !== bid);
    frequency = frequencyAgent.onEvent?.(frequency, told, atMs);
    separation = separationAgent.onEvent?.(separation, told, atMs);
    if (event === "billed") heard.push({ campaignId: bid.adSet.campaignId, atMs });
  };
  script.forEach((step, at) => {
    nowMs += step.afterMs;
    for (const bid of open.filter(({ expiresAtMs }) => expiresAtMs < nowMs)) end(bid, "released", bid.expiresAtMs);
    if (step.kind === "decide") {
      const won = next({ frequency, separation }, nowMs);
      if (won === undefined) return;
      const bid = {
        ...won,
        decisionId: `d${at}`,
        atMs: nowMs,
        expiresAtMs: nowMs + EXPIRY_MS,
        creativeId: won.creative.id,
        context: { genres: [] },
        profile: true,
      };
      frequency = frequencyAgent.onCommitted?.(frequency, bid, nowMs);
      separation = separationAgent.onCommitted?.(separation, bid, nowMs);
      open = [...open, bid];
    } else {
      const bid = open[step.pick % Math.max(1, open.length)];
      if (bid !== undefined) end(bid, step.kind, nowMs);
    }
    check(heard, open, nowMs);
  });
}

test("F1, F2: heard + pending never exceeds a rolling cap, and every free place is given", () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5 }), fc.constantFrom("30m", "1h", "3h"), (script, limit, window) => {
      const windowMs = window === "30m" ? 30 * MINUTE_MS : Number(window[0]) * 60 * MINUTE_MS;
      const index = indexOf({ id: "a", campaign: { frequencyCaps: [{ limit, window, kind: "rolling" }] } });
      const [adSet] = index.adSets;
      const [creative] = index.creatives;
      if (adSet === undefined || creative === undefined) throw new Error("no ad set");
      let heardNow: readonly { readonly atMs: number }[] = [];
      let openNow = 0;
      play(
        script,
        ({ frequency }, nowMs) => {
          const question = { proposals: [{ adSet, creatives: [creative] }], sessionStartedMs: 0 };
          const isFree = ask(frequencyAgent, question, frequency, nowMs).answer.vetoes.length === 0;
          const expired = openNow; // open bids that ended meanwhile are only fewer
          const within = heardNow.filter(({ atMs }) => atMs > nowMs - windowMs).length;
          if (within + expired < limit) expect(isFree).toBe(true);
          return isFree ? { adSet, creative } : undefined;
        },
        (heard, open, nowMs) => {
          heardNow = heard;
          openNow = open.length;
          for (const { atMs } of [...heard, { atMs: nowMs }]) {
            const inWindow = heard.filter((each) => each.atMs <= atMs && each.atMs > atMs - windowMs).length;
            expect(inWindow + (atMs === nowMs ? open.length : 0)).toBeLessThanOrEqual(limit);
          }
        },
      );
    }),
    { numRuns: 500 },
  );
});

test("S4: whoever answers, the ad decided last and not lost is never decided again within the gap", () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 4 }), (script, campaigns) => {
      const specs = Array.from({ length: campaigns }, (_, at) => ({ id: `c${at}`, creatives: 2 }));
      const catalog = indexOf(...specs);
      let last: { readonly creativeId: string; readonly atMs: number } | undefined;
      play(
        script,
        ({ separation }, nowMs) => {
          const asked = request();
          const inputs = {
            nowMs,
            request: asked,
            sessionStartedMs: NOON_MS,
            recent: 1,
            upliftMax: 0,
            refusedCampaigns: [],
          };
          const { winner } = decide(inputs, { catalog }, rolesOf({ nowMs, separation }), `${nowMs}`);
          const newest = separation?.recent.at(-1);
          last = newest === undefined ? undefined : { creativeId: newest.creativeId, atMs: newest.atMs };
          if (winner === null) return undefined;
          if (last !== undefined && nowMs - last.atMs < SEPARATION.creativeGapMs)
            expect(winner.creative.id).not.toBe(last.creativeId);
          return winner;
        },
        () => undefined,
      );
    }),
    { numRuns: 300 },
  );
});
