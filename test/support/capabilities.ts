import type { Capabilities } from "../../actors/privacy/gate.ts";

/** What the gate may say of a request, at its ends. */
export const ALL: Capabilities = {
  id: true,
  caps: true,
  profile: true,
  measure: true,
  learn: true,
  geo: "region",
  childSafe: false,
};
export const NONE: Capabilities = {
  id: false,
  caps: false,
  profile: false,
  measure: false,
  learn: false,
  geo: "country",
  childSafe: false,
};
export const CHILD: Capabilities = { ...NONE, childSafe: true };
