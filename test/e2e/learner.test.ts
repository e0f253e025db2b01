import { afterAll, beforeAll, expect, test } from "vitest";
import { asDocument, lines } from "../support/campaigns.ts";
import { AdminClient } from "../support/client-admin.ts";
import { Client } from "../support/client.ts";
import { TestDaemon } from "../support/daemon.ts";
import { eventually } from "../support/daemon-probe.ts";
import { describeWithNats } from "../support/nats.ts";

const LISTENERS = 120;
/** A learner looks every ten seconds. */
const PUBLISHED_MS = 25_000;

interface Learners {
  readonly learners: readonly {
    readonly learner: string;
    readonly state: string;
    readonly effects: readonly { readonly creativeId: string; readonly shown: number; readonly responses: number }[];
  }[];
}
interface Explained {
  readonly propensity: number;
  readonly roles: readonly { readonly role: string; readonly default?: string }[];
}

describeWithNats("a node whose creatives are learnt", () => {
  let daemon: TestDaemon;
  let client: Client;
  let admin: AdminClient;

  beforeAll(async () => {
    daemon = await TestDaemon.start({ args: ["--no-examples"] });
    client = new Client(daemon.node.http);
    admin = new AdminClient(daemon.node);
    await admin.apply(
      asDocument(
        lines({
          id: "spring",
          creatives: 2,
          adSet: { rotation: "optimised", creatives: [{ id: "spring" }, { id: "spring-2" }] },
          creative: { clickUrl: "https://spring.example/" },
        }),
      ),
    );
    await eventually("an ad is served", async () => (await client.ask("first")).status, 200, 10_000);
  });
  afterAll(() => daemon.dispose());

  const creativeOf = async (listener: string): Promise<Explained> => {
    const { decisionId } = await client.ask(listener);
    return admin.json<Explained>(`/v1/decisions/${decisionId}`);
  };

  test("weights stand in until something is learnt; then the clicked creative is drawn more, by the chance in the record", async () => {
    const before = await creativeOf("before");
    expect(before.roles.find(({ role }) => role === "creative")).toMatchObject({ default: "optimised: weighted" });
    for (let number = 0; number < LISTENERS; number++) {
      const { received } = await client.ask(`listener-${number}`);
      if (received === undefined) continue;
      await client.fire(received, "impression");
      if (received.creativeId === "spring-2" && number % 3 === 0) await client.fire(received, "click");
    }
    const learnt = async (): Promise<Learners["learners"][number] | undefined> => {
      const { stdout } = await daemon.chorus("inspect", "learners", "--json");
      return (JSON.parse(stdout) as Learners).learners.find(({ learner }) => learner === "creative.spring");
    };
    await eventually(
      "the learner published",
      async () => ((await learnt())?.effects.length ?? 0) === 2,
      true,
      PUBLISHED_MS,
    );
    const responses = new Map((await learnt())?.effects.map((one) => [one.creativeId, one.responses]));
    expect(responses.get("spring-2") ?? 0).toBeGreaterThan(5);
    expect(responses.get("spring")).toBe(0);
    const after = await creativeOf("after");
    expect(after.roles.find(({ role }) => role === "creative")?.default).toBeUndefined();
    expect(after.propensity).not.toBe(0.5);
    expect((await daemon.chorus("control", "freeze", "creative.spring")).code).toBe(0);
    await eventually("the table says frozen", async () => (await learnt())?.state, "frozen", 5_000);
    expect((await daemon.chorus("control", "freeze", "creative.spring", "--off")).code).toBe(0);
    const text = (await daemon.chorus("inspect", "learners")).stdout;
    expect(text).toMatch(/creative\.spring +learning +spring-2 /);
  });

  test("what was learnt is there again after kill -9", async () => {
    await daemon.kill9();
    await daemon.restart();
    client = new Client(daemon.node.http);
    admin = new AdminClient(daemon.node);
    const isLearnt = async (): Promise<boolean> => {
      const { roles } = await creativeOf(`again-${performance.now()}`);
      return roles.find(({ role }) => role === "creative")?.default === undefined;
    };
    await eventually("decisions draw from what was learnt", isLearnt, true, 10_000);
  });
});
