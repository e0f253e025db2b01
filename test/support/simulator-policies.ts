import { hashNumbers } from "../../protocols/hash.ts";
import {
  type Decision,
  type Feedback,
  OPEN_MARKET,
  type PlannedAd,
  type Policy,
  type Slot,
} from "../../bench/simulator/policy.ts";
import type { World } from "../../bench/simulator/world-file.ts";

/** Never an ad. */
export const silence: Policy = { name: "silence", decide: () => [] };

/** Any decision that can be carried out, by a hash of the slot: pods, both lengths, campaigns and creatives. */
export function anything(salt: number, campaigns: number): Policy {
  return {
    name: `anything ${salt}`,
    decide(slot, demand): Decision {
      const dice = hashNumbers(salt, slot.listener, slot.nowMs);
      const ads: PlannedAd[] = [];
      for (let tried = 0; tried < dice % 4; tried++) {
        const campaign = (hashNumbers(dice, tried) % (campaigns + 1)) + OPEN_MARKET;
        const creatives = demand.creatives(campaign);
        const lengthSeconds = (dice >>> 8) % 2 === 0 ? 15 : 30;
        if (demand.priceMicros(campaign, ads.length, lengthSeconds) > 0)
          ads.push({ campaign, creative: creatives[(dice >>> 12) % creatives.length]!, lengthSeconds });
      }
      return ads;
    },
  };
}

/** Watches what passes through the door; slots are copied. */
export function watched(policy: Policy): { policy: Policy; slots: Slot[]; feedback: Feedback[] } {
  const slots: Slot[] = [];
  const feedback: Feedback[] = [];
  const watcher: Policy = {
    name: policy.name,
    decide(slot, demand) {
      slots.push({ ...slot });
      return policy.decide(slot, demand);
    },
    onFeedback: (each) => void feedback.push(each),
  };
  return { policy: watcher, slots, feedback };
}

/** A world with some of its values changed by `change`; the original stays. */
export function changed(world: World, change: (copy: World) => void): World {
  const copy = structuredClone(world);
  change(copy);
  return copy;
}
