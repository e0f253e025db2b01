/**
 * IAB Content Taxonomy 1.0 categories that children are not served (privacy.md "Gate", COPPA): sexuality, substances, alcohol, card
 * games (where gambling is filed), tobacco, dating, politics, hunting and shooting, uncategorized, non-standard and illegal content.
 * A tier-1 id covers what is below it.
 */
export const UNSAFE: ReadonlySet<string> = new Set([
  "IAB7-39",
  "IAB7-42",
  "IAB8-5",
  "IAB8-18",
  "IAB9-7",
  "IAB9-9",
  "IAB11",
  "IAB14-1",
  "IAB17-18",
  "IAB24",
  "IAB25",
  "IAB26",
]);
