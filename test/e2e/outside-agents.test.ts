import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { OutsideRole } from "../../protocols/outside-agent.ts";
import { asDocument, lines, type LineSpec } from "../support/campaigns.ts";
import { AdminClient } from "../support/client-admin.ts";
import { Client } from "../support/client.ts";
import { eventually } from "../support/daemon-probe.ts";
import { TestDaemon, temporaryHome } from "../support/daemon.ts";
import { describeWithNats } from "../support/nats.ts";
import { EXAMPLES, OutsideProgram, startProgram } from "../support/outside-program.ts";
import { pythonPath } from "../support/python-client.ts";

const LISTENERS = Array.from({ length: 30 }, (_, at) => `listener-${at}`);
const ALLOWS = { v: 1, vetoes: [] };
/** Two campaigns: the first pays more, the second is short. */
const LONG: LineSpec = { id: "long" };
const SHORT: LineSpec = { id: "short", adSet: { bidCpmMicros: 9_000_000 }, creative: { durationMs: 15_000 } };

interface Decided {
  readonly campaignId: string | null;
  readonly roles: readonly {
    readonly role: string;
    readonly variant: string;
    readonly version: string;
    readonly outcome: string;
    readonly micros: number;
  }[];
  readonly experiments: readonly { readonly layer: string; readonly arm: string; readonly probability: number }[];
  readonly candidates: readonly {
    readonly campaignId: string;
    readonly vetoes: readonly { readonly role: string; readonly reason: string }[];
    readonly terms: readonly { readonly role: string; readonly why: string }[];
  }[];
}

const path = pythonPath();
let daemon: TestDaemon;
let admin: AdminClient;
let client: Client;
const toStop: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of toStop.splice(0)) await one.stop();
  await daemon.dispose();
});

/** A daemon in which an agent outside plays a role for a share of the listeners. */
async function start(
  role: OutsideRole,
  name: string,
  share: number,
  outside: object,
  ...specs: LineSpec[]
): Promise<void> {
  const home = await temporaryHome();
  const config = join(home.path, "chorus.json");
  const inside = share < 1 ? [{ name: "default", share: 1 - share }] : [];
  await writeFile(config, JSON.stringify({ agents: { [role]: { variants: [...inside, { name, share, outside }] } } }));
  daemon = await TestDaemon.start({ args: ["--config", config, "--no-examples"] });
  await home.remove();
  admin = new AdminClient(daemon.node);
  client = new Client(daemon.node.http);
  await admin.apply(asDocument(lines(...specs)));
}

async function play(
  role: OutsideRole,
  variant: string,
  answering: OutsideProgram["answering"],
): Promise<OutsideProgram> {
  const program = await OutsideProgram.start(daemon.node, `chorus.agent.${role}.${variant}`, answering);
  toStop.push(program);
  return program;
}

const explain = (id: string | undefined) => admin.json<Decided>(`/v1/decisions/${id}`);

/** How a role fared in the decision for a listener. */
async function decide(role: OutsideRole, listener: string, changes = {}) {
  const answer = await client.ask(listener, changes);
  const decided = await explain(answer.decisionId);
  return { answer, decided, row: decided.roles.find((row) => row.role === role) };
}

/** A figure of `/metrics`, summed over shards. */
async function figure(name: string, labels: Readonly<Record<string, string>>): Promise<number> {
  const text = await (await admin.fetch("/metrics")).text();
  const rows = text.split("\n").filter((line) => line.startsWith(`${name}{`));
  const mine = rows.filter((line) =>
    Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)),
  );
  return mine.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** The parts of a role that listeners keep, with how many keep each. */
async function partsOf(role: string): Promise<Record<string, number>> {
  const { actors } = await admin.json<{ actors: { key: string }[] }>("/v1/inspect/actors/listener");
  const counts: Record<string, number> = {};
  for (const { key } of actors) {
    const { state } = await admin.json<{ state: { parts: Record<string, unknown> } }>(
      `/v1/inspect/actor/listener/${key}`,
    );
    for (const [name, value] of Object.entries(state.parts))
      if (name.startsWith(`${role}@`) && value !== null) counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** What each listener's decision says of a role, by variant. */
async function played(role: OutsideRole): Promise<ReadonlyMap<string, readonly Decided[]>> {
  const byVariant = new Map<string, Decided[]>();
  for (const listener of LISTENERS) {
    const { decided, row } = await decide(role, listener);
    expect(row?.outcome).toBe("answered");
    expect(decided.experiments).toEqual([{ layer: role, arm: row?.variant, probability: 0.5 }]);
    byVariant.set(row?.variant ?? "", [...(byVariant.get(row?.variant ?? "") ?? []), decided]);
  }
  return byVariant;
}

const campaignsOf = (decided: readonly Decided[] = []): string[] => [
  ...new Set(decided.map(({ campaignId }) => campaignId ?? "none")),
];

describeWithNats("agents outside the process, against a real daemon:", () => {
  test("the example in TypeScript plays for half of the listeners: seen in records, answers and figures", async () => {
    await start("personalisation", "short-ads", 0.5, { timeoutMs: 1_000 }, LONG, SHORT);
    toStop.push(await startProgram(process.execPath, EXAMPLES.typescript(daemon.node)));
    const byVariant = await played("personalisation");
    expect([...byVariant.keys()].sort()).toEqual(["default", "short-ads"]);
    expect(campaignsOf(byVariant.get("default"))).toEqual(["long"]);
    expect(campaignsOf(byVariant.get("short-ads"))).toEqual(["short"]);
    const [one] = byVariant.get("short-ads") ?? [];
    expect(one?.candidates.flatMap(({ terms }) => terms)).toContainEqual(
      expect.objectContaining({ role: "personalisation", why: "short ads" }),
    );
    for (const [variant, { length }] of byVariant) {
      const labels = { role: "personalisation", variant, outcome: "answered" };
      expect(await figure("chorus_agent_consultations_total", labels)).toBeGreaterThanOrEqual(length);
    }
  });

  test.skipIf(path === null)(
    "the example in Python plays for half of the listeners: seen in records, states and figures",
    async () => {
      const counted = { frequencyCaps: [{ limit: 9, window: "1d" as const, kind: "rolling" as const }] };
      await start(
        "frequency",
        "calm",
        0.5,
        { timeoutMs: 1_000 },
        { ...LONG, campaign: counted },
        { ...SHORT, campaign: counted },
      );
      const environment = { ...process.env, PYTHONPATH: path ?? "" };
      toStop.push(await startProgram("python3", EXAMPLES.python(daemon.node), environment));
      const byVariant = await played("frequency");
      expect([...byVariant.keys()].sort()).toEqual(["calm", "default"]);
      expect(campaignsOf(byVariant.get("default"))).toEqual(["long"]);
      expect(campaignsOf(byVariant.get("calm"))).toEqual(["short"]);
      const [one] = byVariant.get("calm") ?? [];
      expect(one?.candidates.flatMap(({ vetoes }) => vetoes)).toContainEqual(
        expect.objectContaining({ role: "frequency", reason: "long" }),
      );
      expect(one?.roles.find(({ role }) => role === "frequency")?.version).toBe("1");
      const counts = [...byVariant].map(([variant, { length }]) => [`frequency@${variant}`, length] as const);
      expect(await partsOf("frequency")).toEqual(Object.fromEntries(counts));
      const labels = { role: "frequency", variant: "calm", outcome: "answered" };
      expect(await figure("chorus_agent_consultations_total", labels)).toBe(byVariant.get("calm")?.length);
    },
  );

  test("one that hangs: decisions go on after its time, the record says late, and after five nobody waits until it is back", async () => {
    await start("reward", "mine", 1, { timeoutMs: 40, encoding: "msgpack" }, LONG);
    const agent = await play("reward", "mine", () => undefined);
    const outcomes: (string | undefined)[] = [];
    while (outcomes.at(-1) !== "open" && outcomes.length < 40) {
      const { answer, row } = await decide("reward", `listener-${outcomes.length}`);
      expect(answer.status).toBe(200);
      // Each shard has its own circuit.
      if (row?.outcome === "late") expect(row.micros).toBeGreaterThanOrEqual(40_000);
      else expect(row).toMatchObject({ outcome: "open", variant: "mine" });
      outcomes.push(row?.outcome);
    }
    expect(outcomes.filter((outcome) => outcome === "late").length).toBeGreaterThanOrEqual(5);
    expect(outcomes.at(-1)).toBe("open");
    expect(await figure("chorus_agent_circuit", { role: "reward", variant: "mine", figure: "open" })).toBeGreaterThan(
      0,
    );
    agent.answering = () => ({ v: 1, nanosPerSecond: 1, why: "back" });
    let last = 0;
    const again = async () => (await decide("reward", `later-${last++}`)).row?.outcome;
    await eventually("the circuit closes after its backoff", again, "answered", 10_000);
  });

  test.each([
    ["reward", 200],
    ["frequency", 204],
  ] as const)(
    "one that answers garbage, or is not there: %s has failed, and the answer is %i",
    async (role, status) => {
      await start(role, "mine", 1, { timeoutMs: 1_000 }, LONG);
      const gone = await decide(role, "listener-gone");
      expect(gone).toMatchObject({ answer: { status }, row: { outcome: "failed" } });
      let says = 0;
      const garbage = [new Uint8Array([0xc1, 0xff]), { v: 1, vetoes: "all" }, [1, 2, 3]];
      await play(role, "mine", () => garbage[says++ % garbage.length]);
      for (const listener of ["a", "b", "c"])
        expect(await decide(role, listener)).toMatchObject({ answer: { status }, row: { outcome: "failed" } });
      const { shards } = await admin.json<{ shards: { circuits: { role: string; lastError: string | null }[] }[] }>(
        "/v1/inspect/shards",
      );
      const errors = shards.flatMap(({ circuits }) => circuits.filter((circuit) => circuit.role === role));
      expect(errors.map(({ lastError }) => lastError).join()).toMatch(/not JSON|vetoes|the answer|nobody listens/);
    },
  );

  test("one listener's requests queue behind one that waits, four at most; the cap holds for all of them together", async () => {
    const capped = { frequencyCaps: [{ limit: 1, window: "1d" as const, kind: "rolling" as const }] };
    await start("frequency", "mine", 1, { timeoutMs: 1_000 }, { ...LONG, campaign: capped });
    const held = Promise.withResolvers<object>();
    const agent = await play("frequency", "mine", () => held.promise);
    const requests = Array.from({ length: 6 }, () => client.ask("one-listener"));
    const refused = await Promise.race(requests);
    expect({ status: refused.status, nbr: refused.nbr }).toEqual({ status: 204, nbr: 508 });
    await eventually("the first is asked about", () => agent.questions.length, 1, 5_000);
    held.resolve(ALLOWS);
    const answers = await Promise.all(requests);
    expect(answers.filter(({ nbr }) => nbr === 508)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(agent.questions).toHaveLength(5);
    const { answer, row } = await decide("frequency", "another-listener");
    expect({ status: answer.status, outcome: row?.outcome }).toEqual({ status: 200, outcome: "answered" });
    expect(await figure("chorus_outside", { figure: "refused" })).toBe(1);
  });

  test("X2: a campaign that is paused while a decision waits is not served by it", async () => {
    await start("reward", "mine", 1, { timeoutMs: 1_000 }, LONG, SHORT);
    const asked = Promise.withResolvers<undefined>();
    const held = Promise.withResolvers<object>();
    await play("reward", "mine", () => {
      asked.resolve(undefined);
      return held.promise;
    });
    const waiting = client.ask("listener-x2", { tmax: 5_000 });
    await asked.promise;
    await admin.apply(asDocument(lines({ ...LONG, campaign: { status: "paused" } })));
    held.resolve({ v: 1, nanosPerSecond: 0, why: "" });
    const answer = await waiting;
    expect((await explain(answer.decisionId)).campaignId).toBe("short");
  });
});
