import { describe, expect, test } from "vitest";
import { mediaType } from "../../protocols/media-type.ts";
import { contentCategories } from "../../protocols/openrtb/categories.ts";
import { describeFixtures } from "../support/fixtures.ts";

describe("categories of a request", () => {
  test("of the Content Taxonomy 1.0 are ours already", () => {
    expect(contentCategories(["IAB17-3", "IAB25", "anything"], 1)).toEqual(["IAB17-3", "IAB25", "anything"]);
  });

  test("written as those of 1.0 are taken for them, whatever taxonomy is named", () => {
    expect(contentCategories(["IAB17-3"], 7)).toEqual(["IAB17-3"]);
  });

  test("of the Ad Product Taxonomy 2.0 are mapped, with all below them", () => {
    expect(contentCategories(["1007"], 8)).toEqual(["IAB8-18"]);
    const alcohol = contentCategories(["1002"], 8);
    expect(alcohol).toEqual(expect.arrayContaining(["IAB8-18", "IAB8-6", "IAB8-7"]));
    expect(contentCategories(["no such id"], 8)).toEqual([]);
  });

  test("of a taxonomy without a table cannot be told", () => {
    for (const taxonomy of [2, 3, 4, 5, 6, 7, 9, 20]) expect(contentCategories(["483"], taxonomy)).toBeNull();
    expect(contentCategories([], 7)).toEqual([]);
  });
});

describeFixtures("taxonomies", (folder) => {
  const rowsOf = (name: string, heads: number): string[][] =>
    folder
      .text(name)
      .split(/\r?\n/)
      .slice(heads)
      .filter((row) => row !== "")
      .map((row) => row.split("\t").map((cell) => cell.trim()));
  const pathOf = (tiers: readonly string[]): string =>
    tiers
      .filter((tier) => tier !== "")
      .join(" > ")
      .toLowerCase();

  test("every ad product is mapped as the IAB's own table says of the product of that name, and what is below it too", () => {
    const taxonomy = rowsOf("Ad_Product_Taxonomy_2.0.tsv", 1).map(([id = "", , , ...tiers]) => ({ id, tiers }));
    const ids = new Map(taxonomy.map(({ id, tiers }) => [pathOf(tiers.slice(0, 3)), id]));
    let found = 0;
    for (const [, , first = "", second = "", third = "", , content = ""] of rowsOf(
      "Ad_Product_2.0_to_Content_1.0.tsv",
      2,
    )) {
      const id = ids.get(pathOf([first, second, third]));
      if (id === undefined) continue; // twelve names are spelt in two ways
      found += 1;
      expect(contentCategories([id], 8), id).toContain(content);
      expect(contentCategories([ids.get(pathOf([first])) ?? ""], 8), first).toContain(content);
    }
    expect(found).toBe(571);
    for (const { id } of taxonomy) expect(contentCategories([id], 8)).not.toEqual([]);
  });
});

test.each([
  ["audio/mp3", "audio/mpeg"],
  ["Audio/MPEG", "audio/mpeg"],
  ["audio/x-m4a", "audio/mp4"],
  ["audio/ogg; codecs=opus", "audio/ogg"],
  ["constructor", "constructor"],
])("the media type %s is %s", (spelt, name) => {
  expect(mediaType(spelt)).toBe(name);
});
