import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/daemon-probe.ts";
import { DeadlyNode } from "../support/deadly-node.ts";
import { type CliResult, describeWithNatsCli, natsCli } from "../support/nats.ts";

const HOME = 1;
const SETTLED_MS = 20_000;

describeWithNatsCli("acts of operators on a real node, through the nats CLI", () => {
  let deadly: DeadlyNode;

  beforeAll(async () => {
    deadly = await DeadlyNode.start({ shards: 2, partitions: 4 });
  });
  afterAll(() => deadly.node.stop());

  const cli = (role: "operator" | "viewer", ...args: string[]): Promise<CliResult> =>
    natsCli(deadly.node.nats.url, deadly.node.nats.credentials?.[role] ?? null, args);

  /** The JSON of an answer, or the status of a refusal. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- parsed JSON, which the assertions check
  async function control(verb: string, body: object): Promise<any> {
    const { stdout } = await cli("operator", "req", `chorus.control.${verb}`, JSON.stringify(body), "--raw");
    return JSON.parse(stdout);
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  async function inspect(words: string): Promise<any> {
    const { stdout } = await cli("viewer", "req", `chorus.inspect.${words}`, "", "--raw");
    return JSON.parse(stdout);
  }

  /** Verbs and ids of the audit log, in order. */
  async function audited(): Promise<[string, string][]> {
    const found: [string, string][] = [];
    for (let sequence = 1; ; sequence++) {
      const { code, stdout } = await cli("viewer", "stream", "get", "CHORUS_AUDIT", String(sequence), "--json");
      if (code !== 0) return found;
      const { data } = JSON.parse(stdout) as { data: string };
      const { verb, id } = JSON.parse(Buffer.from(data, "base64").toString()) as { verb: string; id: string };
      found.push([verb, id]);
    }
  }

  test("a dead letter is shown with its stack, retried, dropped; both are audited", async () => {
    const failing = { by: 7, untilMs: Date.now() + 86_400_000, doom: "none" };
    await deadly.mail(HOME, [["poison", "Stumble", failing]]);
    await deadly.lettersBecome(["Stumble"]);
    const [{ letter = "" } = {}] = await deadly.letters();
    expect(await inspect(`dead-letter.${letter}`)).toMatchObject({
      letter,
      code: "HANDLER_FAILED",
      origin: "ingress",
      payload: failing,
      stateVersion: expect.any(Number),
      stack: expect.stringContaining("stumbled"),
    });
    expect(await control("retry", { letter })).toEqual({ done: true, became: "stashed" });
    expect(await control("retry", { letter })).toMatchObject({ status: 404 });
    await eventually("it fails again", async () => (await deadly.letters()).length, 1, SETTLED_MS);
    const [again] = await deadly.letters();
    expect(again).toMatchObject({ retryOf: letter, type: "Stumble" });
    expect(await control("drop", { letter: again?.letter })).toEqual({ done: true });
    expect(await deadly.letters()).toEqual([]);
    const log = await audited();
    expect(log).toContainEqual(["retry", letter]);
    expect(log).toContainEqual(["drop", again?.letter]);
  });

  test("a paused kind takes mail and no asks, says so, and goes on when it is resumed", async () => {
    await deadly.becomes(HOME, "p", 0);
    expect(await control("pause", { kind: "deadly" })).toEqual({ kind: "deadly", partitions: [0, 1, 2, 3] });
    await deadly.mail(HOME, [["p", "Add", { by: 5, doom: "none" }]]);
    await expect(deadly.total(HOME, "p")).rejects.toMatchObject({ code: "ACTOR_PAUSED" });
    const shown = async (): Promise<unknown> => {
      const { condition, mailbox } = await inspect(`actor.deadly.p@${HOME}`);
      return { condition, mailbox };
    };
    await eventually("the message waits", shown, { condition: "paused", mailbox: 1 }, SETTLED_MS);
    const { shards } = await inspect("supervision");
    expect(shards[1].suspensions).toContainEqual(
      expect.objectContaining({ partition: HOME, kind: "deadly", key: null }),
    );
    expect(await control("pause", { kind: "deadly" })).toMatchObject({ status: 409 });
    await control("resume", { kind: "deadly" });
    await deadly.becomes(HOME, "p", 5);
  });

  test("the mail of a partition waits while it is paused, and its asks go on", async () => {
    expect(await control("pause", { partition: HOME })).toEqual({ done: true });
    await deadly.mail(HOME, [["m", "Add", { by: 3, doom: "none" }]]);
    await eventually(
      "it arrived",
      async () => (await inspect("partitions")).partitions[HOME].mailMessages,
      1,
      SETTLED_MS,
    );
    expect(await deadly.total(HOME, "m")).toBe(0);
    expect((await inspect("partitions")).partitions[HOME]).toMatchObject({ mailPaused: true, owner: "node-1" });
    await control("resume", { partition: HOME });
    await deadly.becomes(HOME, "m", 3);
  });

  test("a tapped actor's messages are events without payloads, and the operator reads them with", async () => {
    const heard = cli("viewer", "sub", "chorus.events.*.tap.>", "--count", "2", "--raw");
    const begun = await control("tap", { kind: "deadly", key: "t", partition: HOME, forMs: 20_000, payloads: true });
    let done = false;
    void heard.then(() => (done = true));
    // The CLI does not say when it has subscribed: messages go on until two were heard.
    while (!done) await deadly.total(HOME, "t").then(() => new Promise((resolve) => setTimeout(resolve, 20)));
    const events = (await heard).stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    for (const event of events) {
      expect(event).toMatchObject({
        kind: "tap",
        event: begun.tap,
        of: "deadly",
        form: "ask",
        message: "Total",
        fault: null,
      });
      expect(event).not.toHaveProperty("payload");
    }
    const page = await control("tap", { tap: begun.tap, after: 0 });
    expect(page.messages[0]).toMatchObject({ message: "Total", bytes: expect.any(Number), payload: { doom: "none" } });
    expect(await audited()).toContainEqual(["tap with payloads", "deadly/t"]);
  });

  test("handlers show how long they take, by kind and message", async () => {
    const { handlers } = await inspect("handlers");
    expect(handlers).toContainEqual(
      expect.objectContaining({
        kind: "deadly",
        message: "Total",
        count: expect.any(Number),
        p99Micros: expect.any(Number),
      }),
    );
  });

  test("a viewer acts on nothing; draining is ordered by an operator, and a learner that is not there is not frozen", async () => {
    for (const verb of ["pause", "tap"]) {
      const { stdout, stderr } = await cli("viewer", "req", `chorus.control.${verb}`, "{}");
      expect(`${verb}: ${stdout}${stderr}`).not.toContain("Nats-Service-Error");
    }
    expect(await control("freeze", { learner: "creative.nobody" })).toMatchObject({ status: 404 });
    expect(await control("drain", {})).toEqual({ draining: true });
    await deadly.node.drained;
  });
});
