import type { ArmSums } from "./arm-sums.ts";

/**
 * From when on a confidence sequence may be looked at. It holds in the limit only: with a handful of events the variance is a guess. Bar
 * L8 measures that with these minima false alarms stay below alpha on conversions of 5 % and 0.14 % and on heavy tails.
 */
export const SEQUENCE_START = { unitsPerArm: 100, nonZeroUnits: 10 } as const;

/** @param nonZeroUnits units of both arms whose value is not 0. */
export function sequenceMayStart(control: ArmSums, treatment: ArmSums, nonZeroUnits: number): boolean {
  const fewest = Math.min(control.units, treatment.units);
  return fewest >= SEQUENCE_START.unitsPerArm && nonZeroUnits >= SEQUENCE_START.nonZeroUnits;
}
