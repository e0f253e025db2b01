import type { AnyActor } from "../../runtime/actor/define.ts";
import type { Effects } from "../../runtime/actor/effects.ts";

/*
 * Known-bad runtimes that show in what a handler meets: the workload's definitions are wrapped so that they behave as they would under
 * a runtime with that fault.
 */

type Registry = ReadonlyMap<string, AnyActor>;
type Handler = (state: never, message: never, fx: never) => unknown;

const changed = (registry: Registry, kind: string, change: (actor: AnyActor) => AnyActor): Registry =>
  new Map([...registry].map(([name, actor]) => [name, name === kind ? change(actor) : actor]));

const everyHandler = (actor: AnyActor, change: (handler: Handler) => Handler): AnyActor => ({
  ...actor,
  handlers: Object.fromEntries(Object.entries(actor.handlers).map(([name, handler]) => [name, change(handler)])),
});

/** What was collected before the throw leaves with the group, and nothing is tried again. */
export function keepingEffects(registry: Registry): Registry {
  const change = (handler: Handler): Handler =>
    function (state, message, fx) {
      try {
        return handler(state, message, fx);
      } catch {
        return state;
      }
    };
  return changed(registry, "flaky", (actor) => everyHandler(actor, change));
}

/** A firing leaves its timer behind. */
export function firingTwice(registry: Registry): Registry {
  return changed(registry, "alarm", (actor) => ({
    ...actor,
    timers: {
      ring(state: never, fx: Effects) {
        const next = actor.timers?.["ring"]?.(state, fx);
        if (next !== state && (state as { pending: unknown }).pending !== null) fx.setTimer("ring", fx.nowMs + 1);
        return next;
      },
    },
  }));
}

/** Every envelope of one moment is given what the first one was. */
export function sharingSeeds(registry: Registry): Registry {
  let momentMs = -1;
  let given = "";
  const change = (handler: Handler): Handler =>
    function (state, message, fx) {
      const effects = fx as Effects;
      const decisionId = (): string => {
        if (effects.nowMs !== momentMs) given = effects.decisionId();
        momentMs = effects.nowMs;
        return given;
      };
      const shared: ProxyHandler<Effects> = {
        get(target, name) {
          if (name === "decisionId") return decisionId;
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        },
      };
      return handler(state, message, new Proxy(effects, shared) as never);
    };
  return changed(registry, "counter", (actor) => everyHandler(actor, change));
}
