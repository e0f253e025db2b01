import type { Micros } from "../quantities.ts";
import type { AudioImp } from "./servable.ts";
import type { Deal, FloorRules } from "./bid-request.ts";

export interface Floor {
  readonly cpmMicros: Micros;
  readonly currency: string;
}

/**
 * The floor for an ad of some duration (OpenRTB 2.6 section 7.11): with a deal the deal's rules only, else the audio's, else the
 * imp's. Within one place duration floors come before the price per second, and that before the plain floor.
 */
export function floorFor(imp: AudioImp, deal: Deal | undefined, durationMs: number): Floor {
  if (deal !== undefined) {
    return { cpmMicros: ruledFloor(deal, durationMs) ?? deal.floorCpmMicros, currency: deal.floorCurrency };
  }
  return { cpmMicros: ruledFloor(imp.audio, durationMs) ?? imp.floorCpmMicros, currency: imp.floorCurrency };
}

function ruledFloor(rules: FloorRules, durationMs: number): Micros | undefined {
  const seconds = durationMs / 1000;
  for (const floor of rules.durationFloors) {
    if (seconds >= floor.minSeconds && seconds <= floor.maxSeconds) return floor.floorCpmMicros;
  }
  return rules.minCpmMicrosPerSecond === undefined ? undefined : Math.ceil(rules.minCpmMicrosPerSecond * seconds);
}
