import type { OutsideQuestion } from "../../protocols/outside-agent.ts";
import type { OutsideSays } from "./two-turn-ask.ts";

/** An answer to a question that says a little of everything it may. @param draw from [0, 1). */
function opinionOf({ role, candidates = [] }: OutsideQuestion, draw: () => number): object {
  const answer = { v: 1, version: `${Math.floor(draw() * 9)}` };
  const some = candidates.filter(() => draw() < 0.5);
  switch (role) {
    case "quality": {
      const verdict = draw();
      if (verdict < 0.8) return { ...answer, verdict: "allow" };
      if (verdict < 0.9) return { ...answer, verdict: "house", reason: "odd", rule: "now and then" };
      return { ...answer, verdict: "no-bid", nbr: 4, reason: "farm", rule: "seldom" };
    }
    case "reward":
      return { ...answer, nanosPerSecond: draw() * 100_000, why: "drawn" };
    case "frequency":
    case "separation": {
      const vetoes = some.map(({ adSetId, creatives }) => {
        const creativeId = draw() < 0.5 ? creatives[0]?.creativeId : undefined;
        return { adSetId, reason: "drawn", rule: "half", ...(creativeId === undefined ? {} : { creativeId }) };
      });
      return { ...answer, vetoes };
    }
    case "personalisation": {
      const expectations = some.map(({ adSetId, bidNanos }) => {
        const nanos = bidNanos * (draw() - 0.5);
        return { adSetId, pComplete: draw(), pClick: draw(), nanos, why: "drawn" };
      });
      return { ...answer, expectations };
    }
    case "creative": {
      const chances = some.flatMap(({ adSetId, creatives }) =>
        creatives.map(({ creativeId }) => ({ adSetId, creativeId, chance: draw() })),
      );
      return { ...answer, chances };
    }
  }
}

/** The same of an agent that is not always well. @param ill how often it is not, from 0 to 1. */
export function sayingOf(question: OutsideQuestion, draw: () => number, ill: number): OutsideSays {
  if (draw() >= ill) return opinionOf(question, draw);
  const how = draw();
  if (how < 0.4) return "late";
  return how < 0.6 ? "gone" : { v: 1, role: "garbage" };
}
