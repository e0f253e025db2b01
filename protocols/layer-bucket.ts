import { createHmac, createSecretKey, type KeyObject } from "node:crypto";

/** Into so many buckets a layer divides its units; a bucket is 0.01 % of them. */
export const LAYER_BUCKETS = 10_000;

/** A secret that only its node holds. */
export type LayerKey = KeyObject;

/**
 * The key of one layer. Every layer has its own, so that layers are independent of each other (Tang, Agarwal, O'Brien, Meyer, "Overlapping
 * Experiment Infrastructure", KDD 2010, section 4).
 * @param rootKey the cluster's root key; a reader of assignments cannot foretell them without it.
 */
export function layerKey(rootKey: KeyObject, layer: string): LayerKey {
  return createSecretKey(createHmac("sha256", rootKey).update(`layer|${layer}`).digest());
}

/**
 * The bucket of a unit in a layer, 0 to 9,999: HMAC-SHA-256 under the layer's key, its first 53 bits modulo 10,000 (decisioning.md 7.5). 53
 * bits are exact in a double and leave a bias below 1e-11.
 * @param unit the listener's internal key; without consent the session's, else the request's.
 */
export function layerBucket(key: LayerKey, unit: string): number {
  const mac = createHmac("sha256", key).update(unit).digest();
  return (mac.readUInt32BE(0) * 2 ** 21 + (mac.readUInt32BE(4) >>> 11)) % LAYER_BUCKETS;
}
