import type { Targeting } from "../../protocols/campaign/ad-set.ts";
import {
  type CatalogIndex,
  type PostingLists,
  TARGETING_DIMENSIONS,
  type TargetingDimension,
} from "../../protocols/catalog-index.ts";
import { emptyWords, setBit } from "./bitmap.ts";

/** The spelling under which a value is looked up; requests carry genres in lower case and regions in upper case. */
function spelled(dimension: TargetingDimension, value: string | number): string {
  if (dimension === "genres") return String(value).toLowerCase();
  return dimension === "regions" ? String(value).toUpperCase() : String(value);
}

/** Posting lists by dimension; position n of the targetings is ordinal n of the index. */
export function compileTargeting(targetings: readonly (Targeting | undefined)[]): CatalogIndex["targeting"] {
  const lists = TARGETING_DIMENSIONS.map((dimension) => [dimension, postings(dimension, targetings)] as const);
  return Object.fromEntries(lists) as Record<TargetingDimension, PostingLists>;
}

function postings(dimension: TargetingDimension, targetings: readonly (Targeting | undefined)[]): PostingLists {
  const everyone = emptyWords(targetings.length);
  const values = new Map<string, number[]>();
  targetings.forEach((targeting, ordinal) => {
    const wanted: readonly (string | number)[] = targeting?.[dimension] ?? [];
    if (wanted.length === 0) setBit(everyone, ordinal);
    for (const value of wanted) {
      const key = spelled(dimension, value);
      let words = values.get(key);
      if (words === undefined) {
        words = emptyWords(targetings.length);
        values.set(key, words);
      }
      setBit(words, ordinal);
    }
  });
  // fromEntries, because a genre is free text and may be spelled `__proto__`.
  const byValue = Object.fromEntries(
    [...values].map(([value, words]) => [value, words.map((word, at) => word | (everyone[at] ?? 0))]),
  );
  return { everyone, byValue };
}
