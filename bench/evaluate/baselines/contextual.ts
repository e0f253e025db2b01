import {
  hashedFeatures,
  hashedMargin,
  initialHashedResponse,
  updateHashedResponse,
} from "../../../actors/learning/response/hashed-logistic.ts";
import { initialResponse, marginOf, updateResponse } from "../../../actors/learning/response/logistic.ts";
import { responseProbability, sampledMargin } from "../../../actors/learning/response/margin.ts";
import type { Datasets } from "../datasets.ts";
import { streamFor } from "../worlds/chance.ts";

/* The response learner on public data: as a contextual bandit on labels, on a logged bandit of texts, and as a plain predictor. */

const PIXELS = 16;
const DIGITS = 10;
/** Pixels are within 0 to 1, so a weight has to reach further than where features are indicators. */
const PIXEL_PRIOR_SD = 3;

/**
 * One pass over the digits in a random order, Thompson sampling on the weights of one model a class; reward 1 for the right class.
 * @param isShuffled the reward is that of a random other row: the control in which nothing can be learned.
 * @returns the mean reward.
 */
export function playDigits(datasets: Datasets, seed: number, isShuffled = false): number {
  const csv = datasets.csv("cbify/digits4x4.csv");
  const columns = Array.from({ length: PIXELS }, (_, pixel) => csv.numbers(`x${pixel}`));
  const labels = csv.numbers("label");
  const random = streamFor(seed, 110);
  const order = shuffled(csv.rows, random);
  const dealt = isShuffled ? shuffled(csv.rows, random) : order;
  let models = Array.from({ length: DIGITS }, () => initialResponse(PIXELS + 1, -1, PIXEL_PRIOR_SD));
  let rewards = 0;
  order.forEach((row, turn) => {
    const features = [1, ...columns.map((column) => column[row] ?? 0)];
    const drawn = models.map((model) => sampledMargin(marginOf(model, features), random));
    const chosen = drawn.indexOf(Math.max(...drawn));
    const isRight = labels[dealt[turn] ?? 0] === chosen;
    if (isRight) rewards++;
    models = models.map((model, k) => (k === chosen ? updateResponse(model, features, isRight) : model));
  });
  return rewards / csv.rows;
}

function shuffled(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, position) => position);
  for (let position = count - 1; position > 0; position--) {
    const other = Math.floor(random() * (position + 1));
    const held = order[position] ?? 0;
    order[position] = order[other] ?? 0;
    order[other] = held;
  }
  return order;
}

export interface LoggedText {
  /** 0 or 1. */
  readonly action: number;
  readonly cost: number;
  readonly chance: number;
  readonly words: readonly string[];
}

/** vw's text format: `action:cost:chance | words`. */
export function parseLoggedTexts(text: string): LoggedText[] {
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [head = "", words = ""] = line.split("|");
      const [action, cost, chance] = head.trim().split(":").map(Number);
      return { action: (action ?? 1) - 1, cost: cost ?? 0, chance: chance ?? 1, words: words.trim().split(/\s+/) };
    });
}

export interface ProgressiveLoss {
  /** Of each row before it was learned from: inverse propensity, and doubly robust by the learner's own predictions. */
  readonly weighted: readonly number[];
  readonly robust: readonly number[];
}

/** One pass over a logged bandit with two actions: what the learner would have chosen, scored off-policy, then learned from. */
export function progressiveLoss(rows: readonly LoggedText[]): ProgressiveLoss {
  let model = initialHashedResponse();
  const weighted: number[] = [];
  const robust: number[] = [];
  for (const { action, cost, chance, words } of rows) {
    const features = hashedFeatures(words);
    const sign = (of: number): 1 | -1 => (of === 0 ? -1 : 1);
    const [first = 0, second = 0] = [0, 1].map(
      (of) => 1 - responseProbability(hashedMargin(model, features, sign(of))),
    );
    const chosen = first <= second ? 0 : 1;
    const predicted = Math.min(first, second);
    const isLogged = chosen === action;
    weighted.push(isLogged ? cost / chance : 0);
    robust.push(predicted + (isLogged ? (cost - predicted) / chance : 0));
    model = updateHashedResponse(model, features, cost === 0, sign(action));
  }
  return { weighted, robust };
}

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

export interface Prediction {
  readonly probability: number;
  readonly responded: boolean;
}

/** One pass in the file's order; predictions of the second half, each before it was learned from. */
export function predictConversions(datasets: Datasets): Prediction[] {
  const csv = datasets.csv("abtest/marketing_ab.csv");
  const ads = csv.numbers("total_ads");
  const hours = csv.numbers("most_ads_hour");
  const days = csv.texts("most_ads_day");
  const groups = csv.texts("test_group");
  const converted = csv.numbers("converted");
  let model = initialResponse(12, -3.5, 1);
  const predictions: Prediction[] = [];
  for (let row = 0; row < csv.rows; row++) {
    const angle = ((hours[row] ?? 0) / 24) * 2 * Math.PI;
    const day = WEEKDAYS.map((name) => (name === days[row] ? 1 : 0));
    const features = [
      1,
      Math.log1p(ads[row] ?? 0),
      groups[row] === "ad" ? 1 : 0,
      Math.sin(angle),
      Math.cos(angle),
      ...day,
    ];
    const responded = converted[row] === 1;
    if (row >= csv.rows / 2)
      predictions.push({ probability: responseProbability(marginOf(model, features)), responded });
    model = updateResponse(model, features, responded);
  }
  return predictions;
}

/** Area under the ROC curve, by ranks (Mann–Whitney); ties count a half. */
export function areaUnderCurve(predictions: readonly Prediction[]): number {
  const sorted = [...predictions].sort((a, b) => a.probability - b.probability);
  let rankSum = 0;
  for (let start = 0; start < sorted.length;) {
    let end = start;
    while (end < sorted.length && sorted[end]?.probability === sorted[start]?.probability) end++;
    const rank = (start + 1 + end) / 2;
    for (let at = start; at < end; at++) if (sorted[at]?.responded === true) rankSum += rank;
    start = end;
  }
  const responded = sorted.filter((each) => each.responded).length;
  return (rankSum - (responded * (responded + 1)) / 2) / (responded * (sorted.length - responded));
}

export function logLoss(predictions: readonly Prediction[]): number {
  const sum = predictions.reduce(
    (all, { probability, responded }) => all - Math.log(responded ? probability : 1 - probability),
    0,
  );
  return sum / predictions.length;
}
