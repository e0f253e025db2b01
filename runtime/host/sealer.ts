import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { Fault } from "../../protocols/errors.ts";
import type { Sealer } from "../../protocols/state-part.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** The one key of this release; the key store that rolls keys comes with privacy's issue (D9). */
const KEY_ID = 1;

/** AES-256-GCM; sealed bytes = key id (1) · nonce (12) · tag (16) · ciphertext, with the part's name as associated data. */
export function createSealer(key: Uint8Array): Sealer {
  return {
    seal(plain, associated) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(associated));
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([Uint8Array.of(KEY_ID), nonce, cipher.getAuthTag(), body]);
    },
    open(sealed, associated) {
      if (sealed[0] !== KEY_ID)
        throw new Fault("STATE_CORRUPT", `sealed with key ${sealed[0]}, which this node does not have`);
      const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
      const tag = sealed.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES);
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(associated)).setAuthTag(tag);
        return Buffer.concat([decipher.update(sealed.subarray(1 + NONCE_BYTES + TAG_BYTES)), decipher.final()]);
      } catch (cause) {
        throw new Fault("STATE_CORRUPT", `the sealed part ${associated} was altered or sealed with another key`, {
          cause,
        });
      }
    },
  };
}
