import { LAYER_BUCKETS, layerBucket, type LayerKey } from "../../../protocols/layer-bucket.ts";

/** The buckets of one arm: `from` included, `to` not. */
export interface ArmRange {
  readonly arm: string;
  readonly from: number;
  readonly to: number;
}

export interface Assignment {
  readonly arm: string;
  /** The chance that a unit gets this arm: what a decision record holds. */
  readonly probability: number;
}

/** A wish for an arm of so many buckets. */
export interface ArmShare {
  readonly arm: string;
  /** 1 = 0.01 % of the layer's units. */
  readonly buckets: number;
}

/**
 * The arm of a unit in a layer, or null when the experiments of the layer leave its bucket alone. The same unit gets the same
 * answer on every node, without a lookup.
 * @param key of the layer (`layerKey`).
 */
export function assign(key: LayerKey, unit: string, arms: readonly ArmRange[]): Assignment | null {
  const bucket = layerBucket(key, unit);
  const found = arms.find(({ from, to }) => bucket >= from && bucket < to);
  return found === undefined ? null : { arm: found.arm, probability: (found.to - found.from) / LAYER_BUCKETS };
}

/**
 * Lays out one control and its treatments so that a ramp moves nobody between arms: treatments grow from the bottom, each in
 * its own slot, the control from the top. A unit that had an arm keeps it at every larger step.
 * @throws RangeError naming the arm and the rule when a share does not fit.
 */
export function rampedArms(control: ArmShare, treatments: readonly ArmShare[]): ArmRange[] {
  checkShare(control, LAYER_BUCKETS);
  const slot = treatments.length === 1 ? LAYER_BUCKETS : Math.floor(LAYER_BUCKETS / (treatments.length + 1));
  const ranges = treatments.map((treatment, place): ArmRange => {
    checkShare(treatment, slot);
    return { arm: treatment.arm, from: place * slot, to: place * slot + treatment.buckets };
  });
  const from = LAYER_BUCKETS - control.buckets;
  const reaching = ranges.find(({ to }) => to > from);
  if (reaching !== undefined)
    throw new RangeError(
      `arm ${reaching.arm} ends at bucket ${reaching.to}, ${control.arm} begins at ${from}: must not overlap`,
    );
  return [{ arm: control.arm, from, to: LAYER_BUCKETS }, ...ranges];
}

function checkShare({ arm, buckets }: ArmShare, most: number): void {
  if (!Number.isInteger(buckets) || buckets < 0 || buckets > most)
    throw new RangeError(`arm ${arm}: ${buckets} buckets; must be a whole number from 0 to ${most}`);
}
