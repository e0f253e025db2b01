import type { Audio, BidRequest, Imp } from "./bid-request.ts";
import type { NoBidReason } from "./no-bid.ts";

/** An impression that this release can answer. */
export type AudioImp = Imp & { readonly audio: Audio };

export type Servable =
  | { readonly ok: true; readonly imps: readonly [AudioImp, ...AudioImp[]] }
  | { readonly ok: false; readonly nbr: NoBidReason };

/** VAST 4.2 inline, which is what we write. */
const VAST_42 = 13;
/** VAST 2.0, 3.0, 4.0 to 4.3 inline, in AdCOM's list; 9 is DAAST, the others are wrappers and VAST 1. */
const INLINE_VAST: ReadonlySet<number> = new Set([2, 3, 7, 11, 13, 15]);

/**
 * The impressions we can answer: audio (whatever other formats stand beside it) with a media type and inline VAST.
 * @returns otherwise nbr 2 (invalid request): what was asked is none of our formats, which is neither a fault of ours nor a
 *   decision against a campaign, so the 500 block does not fit.
 */
export function servable(request: BidRequest): Servable {
  if (request.dooh) return { ok: false, nbr: 2 };
  const [first, ...more] = request.imps.filter(
    (imp): imp is AudioImp => imp.audio !== undefined && speaksOurs(imp.audio),
  );
  return first === undefined ? { ok: false, nbr: 2 } : { ok: true, imps: [first, ...more] };
}

function speaksOurs(audio: Audio): boolean {
  if (audio.mimes.length === 0) return false;
  return audio.protocols.length === 0 || audio.protocols.some((protocol) => INLINE_VAST.has(protocol));
}

/**
 * What to name as the protocol of our markup: VAST 4.2, or where the player lists other versions only, the newest of those. An
 * inline document of 4.2 reads as one of any version since 2.0, unknown elements being ignored.
 */
export function answerProtocol(audio: Audio): number {
  if (audio.protocols.length === 0 || audio.protocols.includes(VAST_42)) return VAST_42;
  return Math.max(...audio.protocols.filter((protocol) => INLINE_VAST.has(protocol)));
}
