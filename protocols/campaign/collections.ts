import type { z } from "zod";
import { AdSetDocument } from "./ad-set.ts";
import { AdvertiserDocument } from "./advertiser.ts";
import { CampaignDocument } from "./campaign.ts";
import { CreativeDocument } from "./creative.ts";
import { DealDocument } from "./deal.ts";

/** Names of the collections as in the admin API's paths (interfaces.md 3). */
export const COLLECTIONS = ["advertisers", "campaigns", "ad-sets", "creatives", "deals"] as const;
export type Collection = (typeof COLLECTIONS)[number];

/** The same collections as keys of the campaign document (interfaces.md 4), in the order in which documents refer to each other. */
export const DOCUMENT_KEYS: Readonly<Record<Collection, string>> = {
  advertisers: "advertisers",
  campaigns: "campaigns",
  "ad-sets": "adSets",
  creatives: "creatives",
  deals: "deals",
};

export interface Documents {
  readonly advertisers: AdvertiserDocument;
  readonly campaigns: CampaignDocument;
  readonly "ad-sets": AdSetDocument;
  readonly creatives: CreativeDocument;
  readonly deals: DealDocument;
}

export const DOCUMENT_SCHEMAS: { readonly [C in Collection]: z.ZodType<Documents[C]> } = {
  advertisers: AdvertiserDocument,
  campaigns: CampaignDocument,
  "ad-sets": AdSetDocument,
  creatives: CreativeDocument,
  deals: DealDocument,
};

/** What one document names: which collection, which id, and where in the document. */
export interface Reference {
  readonly path: string;
  readonly collection: Collection;
  readonly id: string;
}

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

function one(document: object, field: string, collection: Collection): Reference[] {
  const id = text((document as Record<string, unknown>)[field]);
  return id === undefined ? [] : [{ path: field, collection, id }];
}

function many(list: unknown, path: string, collection: Collection, idOf: (item: unknown) => unknown): Reference[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item, index) => {
    const id = text(idOf(item));
    return id === undefined ? [] : [{ path: path.replace("#", `[${index}]`), collection, id }];
  });
}

/** The references of a document whose shape may still be at fault: what is not a text there is left to the schema. */
export function referencesOf(collection: Collection, document: object): Reference[] {
  const fields = document as Record<string, unknown>;
  switch (collection) {
    case "advertisers":
      return [];
    case "campaigns":
    case "creatives":
      return one(document, "advertiserId", "advertisers");
    case "ad-sets":
      return [
        ...one(document, "campaignId", "campaigns"),
        ...many(fields["creatives"], "creatives#.id", "creatives", (item) =>
          typeof item === "object" && item !== null ? (item as Record<string, unknown>)["id"] : undefined,
        ),
      ];
    case "deals":
      return many(fields["adSetIds"], "adSetIds#", "ad-sets", (item) => item);
  }
}
