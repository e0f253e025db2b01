import { createHmac, createSecretKey, type KeyObject } from "node:crypto";

/** 128 bits in base64url. */
const KEY_CHARS = 22;

/** Makes the secret of the cluster's root key; done once, because importing the bytes costs six times a pseudonym. */
export function pseudonymSecret(rootKey: Uint8Array): KeyObject {
  return createSecretKey(rootKey);
}

/**
 * The key under which a listener's actor is found: HMAC-SHA-256 of source and raw id, cut to 128 bits, as 22 characters that
 * satisfy the pattern of ids (privacy.md "Pseudonyms"). Made in the gateway; the raw id goes no further. The source is part of
 * what is hashed, so that a session cannot pose as a user.
 * @param secret the cluster's root key; who holds it can test guesses, so it stays on the nodes.
 */
export function pseudonymKey(secret: KeyObject, source: string, value: string): string {
  return createHmac("sha256", secret).update(`id|${source}|${value}`).digest("base64url").slice(0, KEY_CHARS);
}
