import { decode } from "../../protocols/codec.ts";
import { decodeStatePart } from "../../protocols/state-part.ts";
import { asPartition, partitionOf } from "../../protocols/ids.ts";
import { ADVISERS, type AdvisedState } from "./advised.ts";
import { DEAD_LETTER_KIND, DeadLetter } from "../../runtime/core/dead-letter.ts";
import { decodeStateKey } from "../../runtime/core/store-keys.ts";
import type { Call } from "./history.ts";
import { rowsOf, Violation } from "./log-witness.ts";
import type { AlarmState, FlakyState } from "./workload.ts";
import type { World } from "./world.ts";

const EVERY_KEY = new Uint8Array(300).fill(0xff);

/** Checks a world that has come to rest against everything that was promised (D2, D4, D10, D11). @throws Violation */
export function checkPromises(world: World): void {
  const states = finalStates(world);
  checkStore(world, states);
  checkRows(world);
  checkAsks(world, states);
  checkTells(states);
  checkAlarms(world, states);
  checkAdvice(world, states);
  checkIngress(world, states);
  checkTopics(world, states);
  checkAcknowledged(world);
}

type States = ReadonlyMap<string, Uint8Array>;

function expect(holds: boolean, promise: string): void {
  if (!holds) throw new Violation(promise);
}

/** Everything the logs say, replayed from nothing: `partition NUL kind NUL key NUL part`. */
function finalStates(world: World): States {
  const states = new Map<string, Uint8Array>();
  for (const partition of world.witness.partitions)
    for (const [path, bytes] of world.witness.replay(partition).states) states.set(`${partition}\0${path}`, bytes);
  return states;
}

function checkStore(world: World, states: States): void {
  const stored = world.store.scan("state", Uint8Array.of(0), EVERY_KEY, Infinity);
  for (const { key, value } of stored) {
    const { partition, kind, key: actor, part } = decodeStateKey(key);
    const path = [partition, kind, actor, part].join("\0");
    const logged = states.get(path);
    expect(logged !== undefined && Buffer.compare(logged, value) === 0, `the store's ${path} is the log's`);
  }
  expect(stored.length === states.size, `the store has ${stored.length} states, the log ${states.size}`);
  expect(world.store.scan("timers", Uint8Array.of(0), EVERY_KEY, Infinity).length === 0, "no timer row is left");
}

function checkRows(world: World): void {
  const given = new Set<string>();
  for (const partition of world.witness.partitions) {
    const { records, rows } = world.witness.replay(partition);
    for (const row of records.flatMap((record) => record.decisions)) {
      const { id } = decode(row) as { id?: string };
      expect(id === undefined || !given.has(id), `decision id ${id} was given twice`);
      if (id !== undefined) given.add(id);
    }
    for (const kind of ["decisions", "dead-letters"] as const) {
      const last = records.findLast((record) => rowsOf(record, kind).length > 0)?.commitSeq ?? 0;
      expect(rows[kind] >= last, `partition ${partition}: ${kind} up to ${last} were published, ${rows[kind]} are`);
    }
  }
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- states of many shapes
function stateOf(states: States, world: World, kind: string, key: string, part = ""): any {
  const bytes = states.get([partitionOf(key, world.partitions), kind, key, part].join("\0"));
  return bytes === undefined ? undefined : decode(decodeStatePart(bytes).body);
}

function checkAsks(world: World, states: States): void {
  const { calls } = world.history;
  const byOp = new Map<string, Call[]>();
  for (const call of calls) {
    expect(call.outcome !== "open", `${call.operation.op} came to an end`);
    const { kind, type, key } = call.operation;
    if ((kind === "counter" && type !== "Read") || kind === "advised")
      byOp.set(call.operation.op, [...(byOp.get(call.operation.op) ?? []), call]);
    if (call.outcome === "ok" && ["counter", "tally", "advised"].includes(kind)) checkSeen(world, states, call, key);
  }
  for (const [op, attempts] of byOp) {
    const { key = "", kind = "" } = attempts[0]?.operation ?? {};
    const ops = (stateOf(states, world, kind, key)?.ops ?? []) as string[];
    const times = ops.filter((done) => done === op).length;
    const answered = attempts.some(({ outcome }) => outcome === "ok");
    const possible = attempts.some(({ outcome }) => outcome !== "none");
    expect(times <= (possible ? 1 : 0), `${op} of ${key} took effect ${times} times`);
    expect(!answered || times === 1, `${op} of ${key} was acknowledged and took effect ${times} times`);
  }
}

/** What an answer showed is never taken back: the final history begins with it (G1). */
function checkSeen(world: World, states: States, { operation, answer }: Call, key: string): void {
  const seen =
    operation.kind === "tally" ? (answer as { numbers: number[] }).numbers : (answer as { ops: string[] }).ops;
  const part = operation.kind !== "tally" ? "" : `from-${String(operation.payload["from"])}`;
  const final = stateOf(states, world, operation.kind, key, part) as { ops: unknown[] } | unknown[] | undefined;
  const history = Array.isArray(final) ? final : (final?.ops ?? []);
  const kept = seen.every((item, index) => history[index] === item);
  expect(kept, `${operation.op} saw ${JSON.stringify(seen)} of ${key}, which ended as ${JSON.stringify(history)}`);
}

/** Each sender numbers what it tells a receiver: 1, 2, 3, … must have arrived, in that order. */
function checkTells(states: States): void {
  const told = new Map<string, number>();
  const heard = new Map<string, number[]>();
  const buried = new Map<string, number[]>();
  for (const [path, bytes] of states) {
    const [, kind = "", key = "", part = ""] = path.split("\0");
    if (part === "$") continue;
    const state = decode(decodeStatePart(bytes).body);
    if (kind === "counter" || kind === "alarm")
      for (const [to, number] of Object.entries((state as { sent: object }).sent)) {
        const receiver = kind === "counter" ? to : to;
        told.set(`${key}>${receiver}`, number as number);
      }
    if (kind === "tally" && part.startsWith("sent-")) told.set(`${key}>tally/${part.slice(5)}`, state as number);
    if (kind === "tally" && part.startsWith("from-")) heard.set(`${part.slice(5)}>tally/${key}`, state as number[]);
    if (kind === "flaky")
      for (const { from, number } of (state as FlakyState).done) push(heard, `${from}>flaky/${key}`, number);
    if (kind === DEAD_LETTER_KIND) {
      const letter = DeadLetter.parse(state);
      const { from, number } = letter.payload as { from: string; number: number };
      push(buried, `${from}>${letter.kind}/${letter.key}`, number);
    }
  }
  for (const [path, last] of told) {
    const applied = heard.get(path) ?? [];
    const dead = buried.get(path) ?? [];
    expect(
      applied.every((number, index) => number > (applied[index - 1] ?? 0)),
      `${path}: in order, once: ${applied.join()}`,
    );
    const all = [...applied, ...dead].sort((a, b) => a - b);
    const whole = all.length === last && all.every((number, index) => number === index + 1);
    expect(whole, `${path}: told ${last}, applied ${applied.join()}, dead ${dead.join()}`);
    expect(dead.length === 0 || path.includes(">flaky/"), `${path}: ${dead.join()} became dead letters`);
  }
  for (const path of [...heard.keys(), ...buried.keys()]) expect(told.has(path), `${path} was never told`);
}

function push(map: Map<string, number[]>, key: string, number: number): void {
  const numbers = map.get(key);
  if (numbers === undefined) map.set(key, [number]);
  else numbers.push(number);
}

function checkAlarms(world: World, states: States): void {
  const armed = new Set<string>();
  const possible = new Set<string>();
  for (const { operation, outcome, answer } of world.history.calls) {
    if (operation.kind !== "alarm" || outcome === "none") continue;
    if (outcome === "ok" && (answer as { armed: boolean }).armed) armed.add(operation.op);
    if (outcome === "unknown" || armed.has(operation.op)) possible.add(operation.op);
  }
  const fired: string[] = [];
  for (const key of ["a0", "a1", "a2"]) {
    const state = stateOf(states, world, "alarm", key) as AlarmState | undefined;
    expect((state?.pending ?? null) === null, `${key} rang`);
    fired.push(...(state?.fired ?? []));
  }
  expect(new Set(fired).size === fired.length, `each alarm rang once: ${fired.join()}`);
  for (const op of armed) expect(fired.includes(op), `${op} was armed and rang`);
  for (const op of fired) expect(possible.has(op), `${op} rang and was armed`);
}

/** W1, D15: a decision is made once, after every agent outside was heard or given up, and on what they said to this question. */
function checkAdvice(world: World, states: States): void {
  for (const key of ["v0", "v1", "v2"]) {
    const state = stateOf(states, world, "advised", key) as AdvisedState | undefined;
    if (state === undefined) continue;
    const { ops, heard, rang } = state;
    const rows = ops.flatMap((op) => ADVISERS.map(({ variant }) => `${op}/${variant}`));
    expect(
      heard.map(({ op, from }) => `${op}/${from}`).join() === rows.join(),
      `${key} heard each adviser once an ask`,
    );
    for (const { op, from, outcome, said } of heard) {
      const own = outcome === "answered" ? `${op}/${from}` : null;
      expect(said === own, `${key} took ${said} for what ${from} says to ${op} (${outcome})`);
    }
    expect(rang >= 1 && rang <= ops.length, `${key} rang ${rang} times in ${ops.length} asks`);
  }
}

/** Each message of the bus counts once, however often it was delivered. */
function checkIngress(world: World, states: States): void {
  const applied = [0, 1].flatMap((index) => (stateOf(states, world, "beacon", `b${index}`)?.ops ?? []) as string[]);
  const stored = [...world.witness.ingress].flatMap(([op, times]) => Array.from({ length: times }, () => op));
  expect(applied.sort().join() === stored.sort().join(), `ingress: stored ${stored.join()}, applied ${applied.join()}`);
}

function checkTopics(world: World, states: States): void {
  for (const key of ["h0", "h1"]) {
    const ops = (stateOf(states, world, "herald", key)?.ops ?? []) as string[];
    const published = world.witness.topics.get(`news-${key}`) ?? 0;
    expect(published === ops.length, `${key} announced ${ops.length}, its topic is at ${published}`);
  }
}

/** The last message may stay: it is delivered again after an opening, and nothing is left to commit about it. */
function checkAcknowledged(world: World): void {
  for (let number = 0; number < world.partitions; number++) {
    const partition = asPartition(number);
    const floor = world.broker.floor(partition);
    const open = world.broker.mailFrom(partition, floor + 1);
    const last = world.broker.lastMail(partition);
    expect(open === undefined || open.sequence === last, `partition ${number}: acknowledged ${floor} of ${last}`);
  }
}
