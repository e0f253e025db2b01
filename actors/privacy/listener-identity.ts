import type { BidRequest } from "../../protocols/openrtb/bid-request.ts";
import type { Capabilities } from "./gate.ts";

/** By what a listener is known; the first two kinds of words of the pseudonym's hash. */
export interface ListenerIdentity {
  readonly source: "user" | "ifa" | "eid" | "session" | "request";
  /** Raw: it goes into the pseudonym and nowhere else. */
  readonly value: string;
}

/** What devices send in place of an advertising id that the owner switched off. */
const NO_IFA = /^[0-]*$/;

/**
 * Who the listener is (interfaces.md 5): `user.id`, else `device.ifa`, else the first of `user.eids`, where the gate allows an
 * id; else the session; else this request alone.
 * @param once unique to this request and made by us: the request's own id would join what strangers number alike.
 */
export function listenerIdentity(request: BidRequest, capabilities: Capabilities, once: string): ListenerIdentity {
  if (capabilities.id) {
    const { user, device } = request;
    if (isGiven(user.id)) return { source: "user", value: user.id };
    if (isGiven(device.ifa) && !NO_IFA.test(device.ifa)) return { source: "ifa", value: device.ifa };
    const extended = user.extendedIds.find(({ id }) => id !== "");
    if (extended !== undefined) return { source: "eid", value: `${extended.source}|${extended.id}` };
  }
  if (isGiven(request.sessionId)) return { source: "session", value: request.sessionId };
  return { source: "request", value: once };
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}
