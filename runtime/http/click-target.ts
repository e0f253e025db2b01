import { createHmac, timingSafeEqual } from "node:crypto";
import type { TokenKey } from "../../protocols/tracking-token.ts";

/** 128 bits in base64url. */
const CODE_SHAPE = /^[A-Za-z0-9_-]{22}$/;
const CODE_BYTES = 16;

/**
 * Vouches for where a click token leads, so that our click URL is no open redirect: HMAC-SHA-256 of token and target, cut to 128
 * bits. The token's own layout has no room for it.
 */
export function signTarget(key: TokenKey, token: string, target: string): string {
  return codeOf(key, token, target).toString("base64url");
}

/** Whether one of the live keys signed this target for this token. */
export function isSignedTarget(keys: readonly TokenKey[], token: string, target: string, code: string): boolean {
  if (!CODE_SHAPE.test(code)) return false;
  const given = Buffer.from(code, "base64url");
  return keys.some((key) => timingSafeEqual(codeOf(key, token, target), given));
}

function codeOf(key: TokenKey, token: string, target: string): Buffer {
  // The label keeps these codes apart from those of tokens, which are made with the same key.
  return createHmac("sha256", key.secret).update(`click|${token}|${target}`).digest().subarray(0, CODE_BYTES);
}
