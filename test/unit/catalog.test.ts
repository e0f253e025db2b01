import { describe, expect, test } from "vitest";
import { catalogActor } from "../../actors/catalog/actor.ts";
import { mergePatch } from "../../actors/catalog/json.ts";
import { CATALOG_KEY, CATALOG_TOPIC } from "../../protocols/messages/catalog.ts";
import { asDocument, lines } from "../support/campaigns.ts";
import { activate, type ActorKit } from "../support/testkit.ts";

const catalogWith = (...ids: string[]): ActorKit => {
  const actor = activate(catalogActor, { key: CATALOG_KEY, nowMs: 1_000 });
  if (ids.length > 0) apply(actor, asDocument(lines(...ids.map((id) => ({ id })))));
  return actor;
};
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers are looked into
const apply = (actor: ActorKit, document: unknown, dryRun = false): any => actor.ask("Apply", { document, dryRun });

describe("apply", () => {
  test("the catalog's version rises by one with a change and stays without one", () => {
    const actor = catalogWith();
    const document = asDocument(lines({ id: "a" }, { id: "b" }));
    expect(apply(actor, document)).toMatchObject({ outcome: "applied", version: 1, changed: 8 });
    expect(apply(actor, document)).toMatchObject({ outcome: "applied", version: 1, changed: 0, changes: [] });
    const [campaign] = document["campaigns"] as Record<string, unknown>[];
    const reordered = Object.fromEntries(Object.entries(campaign ?? {}).reverse());
    expect(apply(actor, { campaigns: [reordered] })).toMatchObject({ changed: 0 });
    expect(apply(actor, { campaigns: [{ ...campaign, status: "paused" }] })).toMatchObject({
      outcome: "applied",
      version: 2,
      changed: 1,
    });
    expect(actor.published(CATALOG_TOPIC).map(({ version }) => version)).toEqual([1, 2]);
    expect(actor.published(CATALOG_TOPIC)[1]?.value.changes).toMatchObject([
      { collection: "campaigns", id: "a", version: 2 },
    ]);
  });

  test("one fault keeps everything out", () => {
    const actor = catalogWith();
    const document = asDocument(lines({ id: "a" }));
    document["creatives"] = [];
    expect(apply(actor, document)).toEqual({
      outcome: "refused",
      errors: [{ path: "adSets[0].creatives[0].id", value: "a", rule: "must be the id of one of creatives" }],
    });
    expect(actor.ask("Export", {})).toEqual({ version: 0, documents: [] });
    expect(actor.published(CATALOG_TOPIC)).toEqual([]);
  });

  test("a dry run says what would change, and changes nothing", () => {
    const actor = catalogWith();
    const told = apply(actor, asDocument(lines({ id: "a" })), true);
    expect(told).toMatchObject({ outcome: "applied", version: 0, changed: 4 });
    expect(told.counts.campaigns).toEqual({ created: 1, changed: 0, deleted: 0, unchanged: 0 });
    expect(told.changes).toContainEqual({
      collection: "campaigns",
      id: "a",
      change: "created",
      before: null,
      fields: [],
    });
    expect(actor.partNames()).toEqual([]);
    expect(actor.sent()).toEqual([]);
  });

  test("a change too large for one message is refused by name", () => {
    const actor = catalogWith("a");
    const url = `https://cdn.example/${"x".repeat(2_000)}`;
    const creatives = Array.from({ length: 2_500 }, (_, at) => ({
      id: `c${at}`,
      advertiserId: "a",
      durationMs: 1_000,
      mediaFiles: [{ url, mimeType: "audio/mpeg" }],
    }));
    expect(apply(actor, { creatives })).toMatchObject({ outcome: "refused", errors: [{ path: "" }] });
  });

  test("everything survives a crash", () => {
    const actor = catalogWith("a");
    const before = actor.ask("Export", {});
    actor.crashAndRecover();
    expect(actor.ask("Export", {})).toEqual(before);
    expect(apply(actor, asDocument(lines({ id: "a" })))).toMatchObject({ version: 1, changed: 0 });
  });
});

describe("budgets", () => {
  test("each budget learns its terms, with the dearest impression of its ad sets", () => {
    const actor = catalogWith();
    const campaign = {
      startsAt: "2026-03-01T00:00:00Z",
      budget: { dailyMicros: 5_000_000 },
      timezone: "Europe/Berlin",
    };
    const dear = {
      collection: "ad-sets" as const,
      id: "dear",
      document: { id: "dear", campaignId: "a", bidCpmMicros: 30_000_000, creatives: [] },
    };
    apply(actor, asDocument([...lines({ id: "a", campaign }), dear]));
    expect(actor.sent("Terms")).toMatchObject([
      {
        to: { kind: "budget", key: "a" },
        payload: {
          version: 1,
          campaign: "a",
          live: true,
          timezone: "Europe/Berlin",
          startsAtMs: Date.UTC(2026, 2, 1),
          endsAtMs: null,
          lifetimeMicros: null,
          dailyMicros: 5_000_000,
          impressionNanosMax: 30_000_000,
        },
      },
    ]);
    actor.ask("Delete", { collection: "ad-sets", id: "dear", ifMatch: null });
    expect(actor.sent("Terms").at(-1)?.payload).toMatchObject({ version: 2, impressionNanosMax: 10_000_000 });
    actor.ask("Patch", { collection: "campaigns", id: "a", patch: { status: "paused" }, ifMatch: null });
    expect(actor.sent("Terms").at(-1)?.payload).toMatchObject({ version: 3, live: false });
  });

  test("an ad set that moves to another campaign changes the terms of both", () => {
    const actor = catalogWith("a", "b");
    actor.ask("Patch", { collection: "ad-sets", id: "a", patch: { campaignId: "b" }, ifMatch: null });
    const terms = actor.sent("Terms").slice(2);
    expect(terms.map(({ to, payload }) => [to.key, payload.impressionNanosMax])).toEqual([
      ["a", 0],
      ["b", 10_000_000],
    ]);
  });

  test("a deleted campaign's budget hears that it is not live any more", () => {
    const actor = catalogWith("a");
    actor.ask("Delete", { collection: "ad-sets", id: "a", ifMatch: null });
    expect(actor.ask("Delete", { collection: "campaigns", id: "a", ifMatch: null })).toMatchObject({
      outcome: "applied",
      version: 3,
    });
    expect(actor.sent("Terms").at(-1)?.payload).toMatchObject({ version: 3, live: false });
  });

  test("a thousand budgets are told in steps, also across a crash", () => {
    const actor = activate(catalogActor, { key: CATALOG_KEY, nowMs: 1_000 });
    apply(actor, asDocument(lines(...Array.from({ length: 1_000 }, (_, at) => ({ id: `c${at}` })))));
    expect(actor.sent("Terms")).toHaveLength(16);
    actor.crashAndRecover();
    actor.advance(1);
    expect(new Set(actor.sent("Terms").map(({ to }) => to.key)).size).toBe(1_000);
    expect(actor.part("untold")).toBeUndefined();
  });
});

describe("single documents", () => {
  const put = (actor: ActorKit, document: unknown, ifMatch: number | null = null) =>
    actor.ask("Put", { collection: "advertisers", id: "a", document, ifMatch });

  test("If-Match names the version of the document's last change", () => {
    const actor = catalogWith("a", "b");
    expect(put(actor, { id: "a", name: "A2", domain: "a.example" }, 1)).toMatchObject({
      outcome: "applied",
      version: 2,
      changed: 1,
      changes: [{ id: "a", change: "changed", before: 1, fields: [{ path: "name", from: "a", to: "A2" }] }],
    });
    expect(put(actor, { id: "a", name: "A3", domain: "a.example" }, 1)).toEqual({ outcome: "conflict", version: 2 });
    expect(put(actor, { id: "a", name: "A2", domain: "a.example" }, 2)).toMatchObject({
      outcome: "applied",
      version: 2,
      changed: 0,
      changes: [],
    });
    expect(actor.ask("Get", { collection: "advertisers", id: "b" })).toMatchObject({ version: 1 });
    expect(actor.ask("Get", { collection: "advertisers", id: "c" })).toBeNull();
  });

  test("the path's id counts: it may be left out of the document, but not differ", () => {
    const actor = catalogWith();
    expect(put(actor, { name: "A", domain: "a.example" })).toMatchObject({ outcome: "applied" });
    expect(put(actor, { id: "b", name: "A", domain: "a.example" })).toEqual({
      outcome: "refused",
      errors: [{ path: "id", value: "b", rule: "must be a, as in the path" }],
    });
  });

  test("a patch is checked as the whole document that it makes", () => {
    const actor = catalogWith("a");
    const patch = (change: unknown) =>
      actor.ask("Patch", { collection: "campaigns", id: "a", patch: change, ifMatch: null });
    expect(patch({ budget: { dailyMicros: -1 }, colour: 1 })).toEqual({
      outcome: "refused",
      errors: [
        { path: "budget.dailyMicros", value: -1, rule: "must not be negative" },
        { path: "colour", value: 1, rule: "unknown key" },
      ],
    });
    expect(patch({ budget: { dailyMicros: 1 } })).toMatchObject({ outcome: "applied", version: 2 });
    expect(patch({ budget: null })).toMatchObject({ outcome: "applied", version: 3 });
    expect(actor.ask("Get", { collection: "campaigns", id: "a" }).document).not.toHaveProperty("budget");
    expect(actor.ask("Patch", { collection: "campaigns", id: "x", patch: {}, ifMatch: null })).toEqual({
      outcome: "absent",
    });
  });

  test("what is named by others stays", () => {
    const actor = catalogWith("a");
    expect(actor.ask("Delete", { collection: "advertisers", id: "a", ifMatch: null })).toEqual({
      outcome: "refused",
      errors: [
        { path: "id", value: "a", rule: "is named by campaigns/a" },
        { path: "id", value: "a", rule: "is named by creatives/a" },
      ],
    });
    expect(actor.ask("Delete", { collection: "deals", id: "a", ifMatch: null })).toEqual({ outcome: "absent" });
  });

  test("what cannot be an id is absent, not a fault of the store", () => {
    const actor = catalogWith();
    const id = "x".repeat(5_000);
    expect(actor.ask("Get", { collection: "campaigns", id })).toBeNull();
    expect(actor.ask("Put", { collection: "advertisers", id, document: {}, ifMatch: null })).toMatchObject({
      outcome: "refused",
    });
  });
});

test.each([
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: [1] }, { a: { b: 1 } }, { a: { b: 1 } }],
  [{ a: { b: "c" } }, { a: { b: null, d: { e: null } } }, { a: { d: {} } }],
  ["text", { a: 1 }, { a: 1 }],
  [{ a: 1 }, [1], [1]],
])("RFC 7396: %j with %j is %j", (target, patch, result) => {
  expect(mergePatch(target, patch)).toEqual(result);
});
