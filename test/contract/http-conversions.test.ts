import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decisionIdOf } from "../../protocols/decision-id.ts";
import { asPartition, partitionOf } from "../../protocols/ids.ts";
import { pseudonymKey, pseudonymSecret } from "../../protocols/pseudonym.ts";
import type { TrackedEvent } from "../../protocols/tracked-event.ts";
import { signToken, tokenKey } from "../../protocols/tracking-token.ts";
import { type EdgeRig, fault, KEYS, MINUTE_MS, startServing } from "../support/http-edge.ts";

const SENDER = { authorization: "Bearer sender-token" };
const PARTITION = asPartition(5);
const SECRET = pseudonymSecret(Buffer.alloc(32, 3)); // as the rig has it
const ORDER_KEY = pseudonymKey(SECRET, "order", "radio|1001");
const USER_KEY = pseudonymKey(SECRET, "user", "raw-user");
let rig: EdgeRig;
let decisionId: string;

beforeEach(async () => {
  rig = await startServing();
  decisionId = decisionIdOf({ nowMs: rig.clock.nowMs(), partition: PARTITION, epoch: 1, commitSeq: 1, index: 0 });
  rig.asker.on("delivery.Convert", () => ({ status: "touch", touch: touch() }));
  rig.asker.on("conversion.Join", () => "accepted");
  rig.asker.on("orphan.Record", () => "recorded");
});
afterEach(() => rig.server.close());

const touch = () => ({
  decisionId,
  slot: 0,
  campaignId: "spring",
  creativeId: "spring-30",
  day: "2023-11-14",
  kind: "click",
  atMs: rig.clock.nowMs(),
});

function token(event: TrackedEvent, key = KEYS[0]): string {
  const nowMs = rig.clock.nowMs();
  return signToken(key, {
    decisionId,
    partition: PARTITION,
    slot: 0,
    event,
    priceNanos: 1,
    impressionExpiryMs: nowMs + 20 * MINUTE_MS,
    clickExpiryMs: nowMs + 24 * 60 * MINUTE_MS,
    test: false,
  });
}

async function statusOf(fields: Record<string, unknown>): Promise<unknown> {
  const response = await rig.post("/v1/events", [{ type: "conversion", orderId: "1001", ...fields }], SENDER);
  if (response.status !== 202) return response.status;
  const { results } = (await response.json()) as { results: { status: unknown; errors?: unknown }[] };
  return results[0]?.errors ?? results[0]?.status;
}
const asked = (): string[] => rig.asker.asked.map(({ to, type }) => `${to.kind}.${type}`);

describe("a conversion", () => {
  test("with a token asks that ad's delivery for the touch, then the order, and says no raw id to either", async () => {
    const atMs = rig.clock.nowMs();
    expect(await statusOf({ token: token("click"), userId: "raw-user", valueMicros: 7 })).toBe("accepted");
    expect(rig.asker.asked).toEqual([
      {
        to: { kind: "delivery", key: decisionId, partition: PARTITION },
        type: "Convert",
        payload: { orderKey: ORDER_KEY, atMs, valueMicros: 7, clicked: true },
      },
      {
        to: { kind: "conversion", key: ORDER_KEY, partition: partitionOf(ORDER_KEY, 16) },
        type: "Join",
        payload: { touch: touch(), atMs, valueMicros: 7 },
      },
    ]);
  });

  test("counts by its windows, not by the token's expiry; only the click's token tells of a click", async () => {
    const [old, heard] = [token("click"), token("start")];
    rig.clock.advance(20 * 24 * 60 * MINUTE_MS);
    expect([await statusOf({ token: old }), await statusOf({ token: heard })]).toEqual(["accepted", "accepted"]);
    const claims = rig.asker.asked.filter(({ type }) => type === "Convert").map(({ payload }) => payload);
    expect(claims).toMatchObject([{ clicked: true }, { clicked: false }]);
  });

  test("with a forged token is forged, whoever the user is, and nobody is asked (N3)", async () => {
    for (const forged of ["x", token("click").slice(1), token("click", tokenKey(1, Buffer.alloc(32, 9)))])
      expect(await statusOf({ token: forged, userId: "raw-user" })).toBe("forged");
    expect(rig.asker.asked).toEqual([]);
  });

  test.each([
    ["held", "accepted"],
    ["late", "late"],
    ["test", "test"],
  ])("that its delivery says is %s is %s, and reaches no order", async (status, answer) => {
    rig.asker.on("delivery.Convert", () => ({ status }));
    expect(await statusOf({ token: token("click") })).toBe(answer);
    expect(asked()).toEqual(["delivery.Convert"]);
  });

  test("that came before is a duplicate", async () => {
    rig.asker.on("conversion.Join", () => "duplicate");
    expect(await statusOf({ token: token("click") })).toBe("duplicate");
  });

  test("of an unknown delivery is recorded as orphan in the partition of its decision", async () => {
    rig.asker.on("delivery.Convert", () => undefined);
    expect(await statusOf({ token: token("click") })).toBe("orphan");
    expect(rig.asker.asked.at(-1)).toEqual({
      to: { kind: "orphan", key: "o5", partition: PARTITION },
      type: "Record",
      payload: { decisionId, slot: 0, event: "conversion", atMs: rig.clock.nowMs(), status: "orphan" },
    });
  });

  test("by user joins a later ad of a pod as well", async () => {
    rig.asker.on("listener.LastTouch", () => ({ servingId: `${decisionId}-2` }));
    expect(await statusOf({ userId: "raw-user" })).toBe("accepted");
    expect(rig.asker.asked[1]?.to).toEqual({ kind: "delivery", key: `${decisionId}-2`, partition: PARTITION });
  });

  test("by user joins the listener's last touch, of the advertiser where one is named", async () => {
    rig.asker.on("listener.LastTouch", () => ({ servingId: decisionId }));
    expect(await statusOf({ userId: "raw-user", advertiserId: "nordlicht" })).toBe("accepted");
    expect(asked()).toEqual(["listener.LastTouch", "delivery.Convert", "conversion.Join"]);
    expect(rig.asker.asked[0]).toEqual({
      to: { kind: "listener", key: USER_KEY, partition: partitionOf(USER_KEY, 16) },
      type: "LastTouch",
      payload: { atMs: rig.clock.nowMs(), advertiserId: "nordlicht" },
    });
    expect(rig.asker.asked[1]?.to).toEqual({ kind: "delivery", key: decisionId, partition: PARTITION });
    expect(JSON.stringify(rig.asker.asked)).not.toMatch(/raw-user|1001/);
  });

  test("whose token's ad is too long ago may be the listener's last touch", async () => {
    const answers = [{ status: "late" }, { status: "touch", touch: touch() }];
    rig.asker.on("delivery.Convert", () => answers.shift());
    rig.asker.on("listener.LastTouch", () => ({ servingId: decisionId }));
    expect(await statusOf({ token: token("start"), userId: "raw-user" })).toBe("accepted");
  });

  test("by a user of whom no touch is known is an orphan", async () => {
    rig.asker.on("listener.LastTouch", () => null);
    expect(await statusOf({ userId: "raw-user" })).toBe("orphan");
    expect(rig.asker.asked.at(-1)?.payload).toMatchObject({ decisionId: null, status: "orphan" });
  });

  test("of a bot is recorded as invalid and joins nothing", async () => {
    expect(await statusOf({ token: token("click"), userAgent: "Googlebot/2.1" })).toBe("invalid");
    expect(rig.asker.asked.map(({ payload }) => payload)).toMatchObject([{ decisionId, status: "invalid" }]);
  });

  test.each(["delivery.Convert", "conversion.Join"])(
    "is not accepted while %s is not answered: the batch is to be sent again (D2)",
    async (question) => {
      rig.asker.on(question, () => {
        throw fault("NOT_OWNER");
      });
      expect(await statusOf({ token: token("click") })).toBe(503);
      rig.asker.on(question, () => {
        throw fault("OVERLOADED");
      });
      expect(await statusOf({ token: token("click") })).toBe(429);
    },
  );

  test.each([
    [{ orderId: "", token: "t" }, ".orderId", null],
    [{ orderId: "x".repeat(257), token: "t" }, ".orderId", null],
    [{ token: 7 }, ".token", null],
    [{}, ".token", null],
    [{ userId: "" }, ".userId", null],
    [{ userId: "u", advertiserId: "a b" }, ".advertiserId", "a b"],
    [{ userId: "u", valueMicros: -1 }, ".valueMicros", -1],
    [{ userId: "u", valueMicros: 1.5 }, ".valueMicros", 1.5],
    [{ userId: "u", at: "yesterday" }, ".at", "yesterday"],
  ])("%j is refused by field, value and rule", async (fields, path, value) => {
    expect(await statusOf(fields)).toMatchObject([{ path: `[0]${path}`, value, rule: expect.any(String) as string }]);
    expect(rig.asker.asked).toEqual([]);
  });
});
