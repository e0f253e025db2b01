/**
 * What an experiment keeps of one arm and one metric: plain sums over units, so that shards add up in any order, and a unit whose value
 * changes later (a delayed conversion, a corrected hour) is corrected exactly. The unit is what was randomised, so its
 * value is a total over all it did (Deng et al. 2018): summing impressions as if they were independent would understate the variance.
 */
export interface ArmSums {
  readonly units: number;
  readonly sum: number;
  readonly sumSquares: number;
  /** Of the same units before the experiment, for CUPED; 0 where a metric has none. */
  readonly preSum: number;
  readonly preSumSquares: number;
  /** Sum of value × pre-period value. */
  readonly crossSum: number;
}

export const NO_UNITS: ArmSums = { units: 0, sum: 0, sumSquares: 0, preSum: 0, preSumSquares: 0, crossSum: 0 };

/** The sums with one more unit. @param pre the unit's value before the experiment; 0 when unknown for all units. */
export function withUnit(sums: ArmSums, value: number, pre = 0): ArmSums {
  return {
    units: sums.units + 1,
    sum: sums.sum + value,
    sumSquares: sums.sumSquares + value * value,
    preSum: sums.preSum + pre,
    preSumSquares: sums.preSumSquares + pre * pre,
    crossSum: sums.crossSum + value * pre,
  };
}

/** The sums after a unit that was counted with `before` turns out to be `after`. */
export function withCorrection(sums: ArmSums, before: number, after: number, pre = 0): ArmSums {
  return {
    ...sums,
    sum: sums.sum + after - before,
    sumSquares: sums.sumSquares + after * after - before * before,
    crossSum: sums.crossSum + (after - before) * pre,
  };
}

/** The sums of two disjoint sets of units. */
export function merged(a: ArmSums, b: ArmSums): ArmSums {
  return {
    units: a.units + b.units,
    sum: a.sum + b.sum,
    sumSquares: a.sumSquares + b.sumSquares,
    preSum: a.preSum + b.preSum,
    preSumSquares: a.preSumSquares + b.preSumSquares,
    crossSum: a.crossSum + b.crossSum,
  };
}
