import { type AudioSlot, PLACES_MAX } from "../../protocols/messages/listener.ts";

/** A place for one ad. */
export interface Place {
  /** The imp it belongs to: its position in the request's slots. */
  readonly imp: number;
  readonly slot: AudioSlot;
  /** Which break it is in. */
  readonly pod: number;
}

/** Below it nothing is an ad; what a dynamic pod without `maxseq` is divided by. */
const AD_MS_MIN = 5_000;

/**
 * The places of an answer in the order in which they are heard: breaks as `podseq` says, within a break the first and the last as
 * `slotinpod` says, else in the order of the request. A dynamic imp has as many places as ads may fill it.
 */
export function placesOf(slots: readonly AudioSlot[]): readonly Place[] {
  const [only] = slots;
  if (only !== undefined && slots.length === 1 && !isDynamic(only)) return [{ imp: 0, slot: only, pod: 0 }];
  const names = slots.map(({ pod }) => pod?.id ?? "");
  const order = slots.map((slot, imp) => ({ slot, imp, pod: names.indexOf(names[imp] ?? "") }));
  const sequenceOf = (pod: number): number => endsLast(slots[pod]?.pod?.sequence ?? 0);
  order.sort(
    (one, other) =>
      sequenceOf(one.pod) - sequenceOf(other.pod) ||
      one.pod - other.pod ||
      endsLast(one.slot.pod?.position ?? 0) - endsLast(other.slot.pod?.position ?? 0) ||
      one.imp - other.imp,
  );
  return order.flatMap((each) => new Array(countOf(each.slot)).fill(each) as Place[]).slice(0, PLACES_MAX);
}

/** 1 comes first, -1 last; anything else between. */
function endsLast(code: number): number {
  if (code === 1) return -1;
  return code === -1 ? 1 : 0;
}

/** Whether the imp takes several ads (OpenRTB 2.6 section 7.6). */
export function isDynamic({ pod }: AudioSlot): boolean {
  return pod?.durationMs !== undefined || pod?.adsMax !== undefined;
}

function countOf(slot: AudioSlot): number {
  const { pod, minDurationMs, requiredDurationsMs = [] } = slot;
  if (!isDynamic(slot)) return 1;
  const shortest = Math.max(
    AD_MS_MIN,
    requiredDurationsMs.length > 0 ? Math.min(...requiredDurationsMs) : minDurationMs,
  );
  const byTime = Math.floor((pod?.durationMs ?? Infinity) / shortest);
  return Math.max(1, Math.min(byTime, pod?.adsMax ?? PLACES_MAX, PLACES_MAX));
}
