/** A metric of one unit, drawn; `lift` multiplies what it brings on average by 1 + lift. */
export interface PeekedMetric {
  readonly name: string;
  /** A unit is at 0 or above. */
  readonly draw: (random: () => number, lift: number) => number;
  readonly mean: number;
  readonly variance: number;
  /** Units of each arm, looked at after every one. */
  readonly unitsPerArm: number;
}

const CONVERSION_RATE = 0.05;
/** Purchases an impression: learning.md 2. */
const RARE_RATE = 0.0014;
const LOG_DEVIATION = 2;
const PAYING_SHARE = 0.02;
const SPEND_LOG_DEVIATION = 1.2;

export const PEEKED_METRICS: readonly PeekedMetric[] = [
  rate("conversion 5 %", CONVERSION_RATE, 20_000),
  rate("rare 0.14 %", RARE_RATE, 40_000),
  {
    name: "heavy-tailed (lognormal, log-sd 2)",
    draw: (random, lift) => (1 + lift) * Math.exp(LOG_DEVIATION * normal(random)),
    mean: lognormalMoment(1, LOG_DEVIATION),
    variance: lognormalMoment(2, LOG_DEVIATION) - lognormalMoment(1, LOG_DEVIATION) ** 2,
    unitsPerArm: 20_000,
  },
  {
    name: "spend (2 % pay, lognormal)",
    draw: (random, lift) => (random() < PAYING_SHARE ? (1 + lift) * Math.exp(SPEND_LOG_DEVIATION * normal(random)) : 0),
    mean: PAYING_SHARE * lognormalMoment(1, SPEND_LOG_DEVIATION),
    variance:
      PAYING_SHARE * lognormalMoment(2, SPEND_LOG_DEVIATION) -
      (PAYING_SHARE * lognormalMoment(1, SPEND_LOG_DEVIATION)) ** 2,
    unitsPerArm: 20_000,
  },
];

function rate(name: string, probability: number, unitsPerArm: number): PeekedMetric {
  return {
    name,
    draw: (random, lift) => (random() < probability * (1 + lift) ? 1 : 0),
    mean: probability,
    variance: probability * (1 - probability),
    unitsPerArm,
  };
}

/** E[X^power] of a lognormal X with log-mean 0. */
function lognormalMoment(power: number, deviation: number): number {
  return Math.exp((power * deviation) ** 2 / 2);
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
