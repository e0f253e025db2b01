import { clip } from "../numerics/bounds.ts";

/*
 * Listener-level randomised prices of fatigue, after the cells of Pandora's trial (Goli, Huang, Reiley, Riabov, arXiv 2412.05516, section 3):
 * who is in a dear cell hears fewer ads, by chance and for half a year, which is what makes the slope of hours on ads an effect.
 */

export interface PriceCell {
  readonly name: "holdback" | "low" | "usual" | "high";
  /** Factor on the segment's shadow price; null: the operator's control rule decides instead. */
  readonly factor: number | null;
  /** Share of listeners. */
  readonly chance: number;
}

/** A tenth of listeners stays on the control rule; the others are spread .15/.7/.15. */
const HOLDBACK = 0.1;
export const PRICE_CELLS: readonly PriceCell[] = [
  { name: "holdback", factor: null, chance: HOLDBACK },
  { name: "low", factor: 0.4, chance: (1 - HOLDBACK) * 0.15 },
  { name: "usual", factor: 1, chance: (1 - HOLDBACK) * 0.7 },
  { name: "high", factor: 2.5, chance: (1 - HOLDBACK) * 0.15 },
];

/**
 * The cell of a listener.
 * @param share a hash of the listener and the half-year, from [0, 1).
 */
export function priceCellOf(share: number): PriceCell {
  let left = clip(share, 0, 1);
  for (const cell of PRICE_CELLS) {
    if (left < cell.chance) return cell;
    left -= cell.chance;
  }
  return PRICE_CELLS[2] as PriceCell; // only rounding gets here
}
