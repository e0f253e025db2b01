/**
 * How much of a round's importance weight w corrects the reward model. All doubly robust estimators are
 * model + s(w) · (reward − model), and differ in s alone:
 * - `full`: w (Dudík, Langford, Li, "Doubly Robust Policy Evaluation and Learning", ICML 2011)
 * - `switch`: w up to `limit`, else 0 (Wang, Agarwal, Dudík, "Optimal and Adaptive Off-policy Evaluation in Contextual Bandits", ICML 2017)
 * - `shrunk`: limit · w / (w² + limit) (Su, Dimakopoulou, Krishnamurthy, Dudík, "Doubly robust off-policy evaluation with shrinkage", ICML 2020, the optimistic
 *   kind)
 */
export type Weighting =
  | { readonly kind: "full" }
  | { readonly kind: "switch"; readonly limit: number }
  | { readonly kind: "shrunk"; readonly limit: number };

/** s(w) of `Weighting`, for w ≥ 0. */
export function usedWeight(weighting: Weighting, weight: number): number {
  switch (weighting.kind) {
    case "full":
      return weight;
    case "switch":
      return weight <= weighting.limit ? weight : 0;
    case "shrunk":
      // In this form a limit of 0 gives 0 and an infinite one the weight, as they should.
      return weight === 0 ? 0 : weight / (1 + (weight * weight) / weighting.limit);
  }
}
