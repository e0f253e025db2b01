import type { QualityAnswer, QualityRequest } from "../../protocols/roles.ts";
import { defineAgent } from "../../runtime/actor/agent.ts";

/** What each kind of caller gets (decisioning.md 1: an app is never a bot because a list of crawlers says so). */
export interface QualityPolicy {
  /** Requests of one key a minute; more are no person's. */
  readonly requestsPerMinuteMax: number;
  /** What an HTTP library gets: stitchers and downloaders call with them too. */
  readonly library: "allow" | "house";
  /** What a caller gets that no list knows. */
  readonly unknown: "allow" | "house";
}

const LIBRARY = { reason: "library", rule: "a player's user agent, not an HTTP library's" } as const;

/** A variant of the role for each policy. */
function qualityBy(variant: string, policy: QualityPolicy) {
  return defineAgent<QualityRequest, QualityAnswer>({
    role: "quality",
    variant,
    version: "1",
    purpose: "safety",
    answer: ({ traffic, recent }) => {
      if (traffic.client === "bot") return { verdict: "no-bid", nbr: 3, reason: "bot", rule: "no known bot" };
      if (traffic.datacenter)
        return { verdict: "no-bid", nbr: 5, reason: "datacenter", rule: "no address of a data centre" };
      if (recent > policy.requestsPerMinuteMax) {
        const rule = `at most ${policy.requestsPerMinuteMax} requests a minute`;
        return { verdict: "no-bid", nbr: 4, reason: "rate", rule };
      }
      if (traffic.client === "library" && policy.library === "house") return { verdict: "house", ...LIBRARY };
      if (traffic.client === "unknown" && policy.unknown === "house")
        return { verdict: "house", reason: "unknown-client", rule: "a user agent of a known player" };
      return { verdict: "allow" };
    },
    whenFailing: () => ({ verdict: "no-bid", nbr: 1, reason: "unavailable", rule: "quality answers" }),
  });
}

/** The agents of the role: `default` refuses bots, data centres and floods; `strict` lets only known players have more than house ads. */
export const qualityAgents = (requestsPerMinuteMax: number) =>
  [
    qualityBy("default", { requestsPerMinuteMax, library: "allow", unknown: "allow" }),
    qualityBy("strict", { requestsPerMinuteMax, library: "house", unknown: "house" }),
  ] as const;
