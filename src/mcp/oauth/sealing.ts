/** Encrypts people's tokens at rest, with a key apart from the store and from the tokens (T13a). */

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

const NONCE_BYTES = 12;
const TAG_END = NONCE_BYTES + 16;
const CIPHER = "aes-256-gcm";

/** Binds each text to its person and server. The secret is the bot's token. */
export function createSealing(secret: string, userId: string) {
  const key = Buffer.from(hkdfSync("sha256", secret, "", "people's sign-ins", 32));
  const about = (serverId: string) => Buffer.from(`${userId} ${serverId}`);
  return {
    seal(text: string, serverId: string): string {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(about(serverId));
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64");
    },
    /** @throws {Error} If another key, person or server has sealed it. */
    open(written: string, serverId: string): string {
      const bytes = Buffer.from(written, "base64");
      const cipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES))
        .setAAD(about(serverId)).setAuthTag(bytes.subarray(NONCE_BYTES, TAG_END));
      return cipher.update(bytes.subarray(TAG_END), undefined, "utf8") + cipher.final("utf8");
    },
  };
}
