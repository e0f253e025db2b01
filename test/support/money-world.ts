import { budgetActor } from "../../actors/budget/actor.ts";
import { localDate } from "../../actors/calendar/zone.ts";
import { deliveryActor } from "../../actors/delivery/actor.ts";
import { walletActor } from "../../actors/wallet/actor.ts";
import { freeNanos, reserve } from "../../actors/wallet/calls.ts";
import { z } from "zod";
import { decode, encode } from "../../protocols/codec.ts";
import type { Envelope } from "../../protocols/envelope.ts";
import { asPartition, partitionOf, type ActorId, type Partition } from "../../protocols/ids.ts";
import { budget, type BudgetBalance, type BudgetTerms } from "../../protocols/messages/budget.ts";
import { delivery, type EventStatus } from "../../protocols/messages/delivery.ts";
import type { TrackedEvent } from "../../protocols/tracked-event.ts";
import { listener } from "../../protocols/messages/listener.ts";
import { walletKey } from "../../protocols/messages/wallet.ts";
import { ask, protocol, type Protocol } from "../../protocols/protocol.ts";
import { actorRegistry, defineActor, type AnyActor } from "../../runtime/actor/define.ts";
import { ref, type ActorRef } from "../../runtime/actor/reference.ts";
import { Activation } from "../../runtime/core/activation.ts";
import { EffectScope, type ScopeHost } from "../../runtime/core/effect-scope.ts";
import { ABSENT } from "../../runtime/core/part-log.ts";

/** Does what the listener does with money: looks, reserves and opens the delivery in one commit. */
const bidder = protocol("bidder", {
  Bid: ask(
    { terms: z.custom<BudgetTerms>(), nanos: z.int(), holdMs: z.int(), test: z.boolean() },
    z.string().nullable(),
  ),
});

const bidderActor = defineActor(bidder, {
  state: { version: 1, schema: z.int(), initial: () => 0 },
  pinned: true,
  handlers: {
    Bid(bids, { terms, nanos, holdMs, test }, fx) {
      const account = { campaign: terms.campaign, day: localDate(terms.timezone, fx.nowMs) };
      const to = { key: walletKey(fx.partition) };
      const free = fx.call(to, freeNanos, { ...account, nanos: test ? 0 : nanos });
      if (free < nanos || !fx.call(to, reserve, { ...account, nanos, test }).ok) {
        fx.reply(null);
        return bids;
      }
      const decisionId = `d${fx.partition}-${bids}`;
      fx.tell(ref(delivery, decisionId, fx.partition), "Open", {
        decisionId,
        listener: "somebody",
        campaignId: terms.campaign,
        adSetId: "set",
        creativeId: "creative",
        advertiserId: "advertiser",
        day: account.day,
        priceNanos: nanos,
        durationMs: 30_000,
        expiresAtMs: fx.nowMs + holdMs,
        test,
        podcast: false,
      });
      fx.reply(decisionId);
      return bids + 1;
    },
  },
});

interface Mail {
  readonly to: ActorId;
  readonly envelope: Envelope;
}

interface Timer {
  readonly id: ActorId;
  readonly name: string;
  readonly dueMs: number;
}

const UNSEALED = { seal: (plain: Uint8Array) => plain, open: (sealed: Uint8Array) => sealed };
const idOf = (id: ActorId): string => `${id.kind}/${id.key}@${id.partition}`;

/**
 * Budgets, wallets and deliveries of several partitions on a virtual clock. Mail between partitions waits in `mail` until the test
 * delivers it, in any order and as often as it likes; each envelope commits alone, and `crash` leaves only what was committed.
 */
export class MoneyWorld {
  nowMs: number;
  readonly partitions: number;
  readonly mail: Mail[] = [];
  /** All that was ever sent to another actor. */
  readonly history: Mail[] = [];
  readonly rows: unknown[] = [];
  readonly outcomes: { readonly decisionId: string; readonly event: string }[] = [];
  readonly #registry = actorRegistry([budgetActor, walletActor, deliveryActor, bidderActor] as readonly AnyActor[]);
  readonly #stored = new Map<string, Map<string, Uint8Array>>();
  readonly #activations = new Map<string, Activation>();
  readonly #timers = new Map<string, Timer>();

  constructor(nowMs: number, partitions: number) {
    this.nowMs = nowMs;
    this.partitions = partitions;
  }

  /** Forgets what is resident; what was committed is read from its bytes. */
  crash(): void {
    this.#activations.clear();
  }

  terms(terms: BudgetTerms): void {
    this.#run(this.#idOf(ref(budget, terms.campaign)), "Terms", terms);
  }

  balance(campaign: string): BudgetBalance {
    return this.#run(this.#idOf(ref(budget, campaign)), "Balance", {}) as BudgetBalance;
  }

  bid(partition: number, terms: BudgetTerms, nanos: number, holdMs: number, test = false): string | null {
    const to = ref(bidder, "bidder", asPartition(partition));
    return this.#run(this.#idOf(to), "Bid", { terms, nanos, holdMs, test }) as string | null;
  }

  /** @returns "absent" for a delivery that was forgotten. */
  event(decisionId: string, event: TrackedEvent, atMs = this.nowMs): EventStatus | "absent" {
    const id = this.#deliveryId(decisionId);
    if (!this.#activation(id).exists) return "absent";
    return this.#run(id, "Event", { event, atMs }) as EventStatus;
  }

  withdraw(decisionId: string): void {
    const id = this.#deliveryId(decisionId);
    if (this.#activation(id).exists) this.#run(id, "Withdraw", {});
  }

  send<P extends Protocol>(to: ActorRef<P>, type: keyof P["messages"] & string, payload: unknown): unknown {
    return this.#run(this.#idOf(to), type, payload);
  }

  /** Delivers the waiting message at `place`; a copy may stay for another time. */
  deliver(place: number, keepCopy: boolean): void {
    const mail = this.mail[place];
    if (mail === undefined) return;
    if (!keepCopy) this.mail.splice(place, 1);
    this.repeat(mail);
  }

  /** Delivers a message, now or once more. */
  repeat(mail: Mail): void {
    this.#run(mail.to, mail.envelope.type, decode(mail.envelope.payload as Uint8Array));
  }

  deliverAll(): void {
    while (this.mail.length > 0) this.deliver(0, false);
  }

  /** Moves the clock to `nowMs`, firing what falls due on the way; `settle` delivers mail after each firing. */
  advanceTo(nowMs: number, settle = true): void {
    if (settle) this.deliverAll();
    for (;;) {
      const next = [...this.#timers.values()].sort((one, other) => one.dueMs - other.dueMs)[0];
      if (next === undefined || next.dueMs > nowMs) break;
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      this.#fire(next);
      if (settle) this.deliverAll();
    }
    this.nowMs = Math.max(this.nowMs, nowMs);
  }

  /** States of all actors of a kind that keeps its state in parts: by key, the parts' values. */
  parts(kind: string, prefix: string): { readonly key: string; readonly name: string; readonly value: unknown }[] {
    const found = [];
    for (const id of this.#stored.keys()) {
      if (!id.startsWith(`${kind}/`)) continue;
      const [key = "", partition = ""] = id.slice(kind.length + 1).split("@");
      const activation = this.#activation({ kind, key, partition: asPartition(Number(partition)) });
      for (const name of activation.names(prefix)) found.push({ key, name, value: activation.read(name) });
    }
    return found;
  }

  #idOf(to: ActorRef): ActorId {
    const partition = to.partition ?? partitionOf(to.key, this.partitions);
    return { kind: to.protocol.name, key: to.key, partition };
  }

  #deliveryId(decisionId: string): ActorId {
    const partition = asPartition(Number(decisionId.slice(1, decisionId.indexOf("-"))));
    return { kind: delivery.name, key: decisionId, partition };
  }

  #activation(id: ActorId): Activation {
    const known = this.#activations.get(idOf(id));
    if (known !== undefined) return known;
    const definition = this.#registry.get(id.kind);
    if (definition === undefined) throw new Error(`no actor of kind ${id.kind}`);
    const parts = (): Map<string, Uint8Array> => this.#stored.get(idOf(id)) ?? new Map<string, Uint8Array>();
    const reader = {
      read: (_kind: string, _key: string, part: string) => parts().get(part),
      parts: (_kind: string, _key: string, prefix: string) =>
        [...parts().keys()].filter((one) => one.startsWith(prefix)),
    };
    const activation = new Activation(id, definition, reader, UNSEALED);
    this.#activations.set(idOf(id), activation);
    return activation;
  }

  #scope(id: ActorId, asked: boolean): EffectScope {
    const { partition } = id;
    const host: ScopeHost = {
      partition,
      partitions: this.partitions,
      nowMs: this.nowMs,
      activate: (kind, key) => this.#activation({ kind, key, partition }),
      pinned: (kind) => this.#registry.get(kind)?.pinned === true,
      nextDecisionId: () => "unused",
      random: () => 0.5,
      consult: () => {
        throw new Error("money consults nobody");
      },
      snapshot: () => undefined,
      seal: () => null,
      admits: () => false,
    };
    return new EffectScope(host, this.#activation(id), asked);
  }

  #run(id: ActorId, type: string, payload: unknown): unknown {
    const activation = this.#activation(id);
    const { definition } = activation;
    const asked = definition.protocol.messages[type]?.form === "ask";
    const scope = this.#scope(id, asked);
    const before = scope.stateOf(activation);
    const handler = definition.handlers[type];
    if (handler === undefined) throw new Error(`${id.kind} has no ${type}`);
    scope.put(activation, before, handler(before as never, payload as never, scope as never));
    this.#commit(scope);
    return scope.answer;
  }

  #fire(timer: Timer): void {
    const activation = this.#activation(timer.id);
    const scope = this.#scope(timer.id, false);
    scope.cancelTimer(timer.name);
    const handler = activation.definition.timers?.[timer.name];
    const before = scope.stateOf(activation);
    if (handler !== undefined) scope.put(activation, before, handler(before as never, scope));
    this.#commit(scope);
  }

  #commit(scope: EffectScope): void {
    for (const [activation, changes] of scope.changes) {
      const stored = this.#stored.get(idOf(activation.id)) ?? new Map<string, Uint8Array>();
      this.#stored.set(idOf(activation.id), stored);
      for (const [name, value] of changes) {
        activation.set(name, value);
        const bytes = value === ABSENT ? null : activation.encode(name);
        if (bytes === null) stored.delete(name);
        else stored.set(name, bytes);
      }
    }
    for (const { kind, key, name, dueMs, set } of scope.timers) {
      const id: ActorId = { kind, key, partition: scope.partition };
      if (set) this.#timers.set(`${idOf(id)}/${name}`, { id, name, dueMs });
      else if (this.#timers.get(`${idOf(id)}/${name}`)?.dueMs === dueMs) this.#timers.delete(`${idOf(id)}/${name}`);
    }
    for (const row of scope.rows) this.rows.push(decode(row));
    for (const { to, envelope } of scope.tells) this.#post(scope.partition, { to, envelope });
  }

  #post(from: Partition, mail: Mail): void {
    const { type, payload } = mail.envelope;
    if (mail.to.kind === listener.name) {
      this.outcomes.push(payload as { decisionId: string; event: string });
      return;
    }
    if (mail.to.kind === delivery.name && mail.to.partition === from) this.#run(mail.to, type, payload);
    else {
      const sent = { to: mail.to, envelope: { ...mail.envelope, payload: encode(payload) } };
      this.mail.push(sent);
      this.history.push(sent);
    }
  }
}
