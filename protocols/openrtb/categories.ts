import { contentOfAdProduct } from "./ad-product-categories.ts";

/** Ours and the request's default (AdCOM, Category Taxonomies). */
const CONTENT_1 = 1;
const AD_PRODUCT_2 = 8;

/** Stands for every category there is, where what is blocked cannot be told. */
export const EVERY_CATEGORY = "*";

/**
 * The categories of a request as ours, of the Content Taxonomy 1.0. Ids written as its own (`IAB17-3`) are taken for such whatever the
 * taxonomy; those of the Ad Product Taxonomy 2.0 are mapped by the IAB's table, each with all below it; unknown ids of these two say
 * nothing. For any other taxonomy there is no table.
 * @returns null where an id is of a taxonomy that we cannot map.
 */
export function contentCategories(ids: readonly string[], taxonomy: number): readonly string[] | null {
  const mapped: string[] = [];
  for (const id of ids) {
    if (taxonomy === CONTENT_1 || /^IAB\d/i.test(id)) mapped.push(id);
    else if (taxonomy === AD_PRODUCT_2) mapped.push(...contentOfAdProduct(id));
    else return null;
  }
  return mapped;
}
