/*
 * The words of the composer: places, the ads that may fill them, and what came of it. Numbers only, so that it is tested without a catalog.
 */

/** One ad that may be placed: one creative of one ad set. */
export interface SlateAd {
  /** Its ad set: ads of one line contend together. */
  readonly line: number;
  /** Its place in `campaigns`. */
  readonly campaign: number;
  readonly durationMs: number;
  /** What may come once in an answer (S2): creative, media URLs, universal id. */
  readonly marks: readonly string[];
}

/** An ad as it would be sold at one place. */
export interface SlateOption {
  readonly ad: number;
  /** 0 is the highest. */
  readonly tier: number;
  /** What it is worth; above 0. */
  readonly nanos: number;
  /** What it costs its campaign. */
  readonly priceNanos: number;
}

export interface SlatePlace {
  /** Its place in `impDurationsMs`. */
  readonly imp: number;
  readonly pod: number;
  /** Places of one kind in a row, the first apart, are interchangeable: they have the same options. */
  readonly kind: number;
  /** By tier, then by worth from high to low. */
  readonly options: readonly SlateOption[];
}

export interface SlateProblem {
  /** In the order in which they are heard. */
  readonly places: readonly SlatePlace[];
  readonly ads: readonly SlateAd[];
  /** How long the ads of an imp may be together; infinite where nothing bounds them. */
  readonly impDurationsMs: readonly number[];
  readonly campaigns: readonly { readonly freeNanos: number; readonly adsMax: number }[];
  /**
   * For how many ads after `earlier` the ad `later` is kept out: 0 not at all, 1 right after it, Infinity for all, and then the other
   * way round too. Asked of ads only that were placed first, so it may be dear.
   */
  readonly keepsOut: (earlier: number, later: number, samePod: boolean) => number;
  /** Lines that may not take the first place. */
  readonly excluded: ReadonlySet<number>;
  /** Slates worth less are not looked for; whole numbers. */
  readonly atLeast?: readonly number[] | undefined;
  readonly nodesMax: number;
}

export interface Slate {
  /** For each place, or null where it stays empty. */
  readonly picks: readonly (SlateOption | null)[];
  /** By tier. */
  readonly worth: readonly number[];
  readonly nodes: number;
  /** False when the nodes ran out: then this is the best that was found. */
  readonly exact: boolean;
}

/** Tiers of campaigns, from sponsorship to house. */
export const TIERS = 5;

/** Positive when `one` is worth more than `other`: by the first tier in which they differ. */
export function compareWorth(one: readonly number[], other: readonly number[]): number {
  for (let tier = 0; tier < TIERS; tier++) {
    const difference = (one[tier] ?? 0) - (other[tier] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
