/** Encrypts people's tokens at rest, with a key apart from the store and from the tokens (T13a). */

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Sealing } from "../../mcp/oauth/logins.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_END = NONCE_BYTES + 16;
const CIPHER = "aes-256-gcm";

/**
 * Reads the key, or makes one: beside the config, or in the data directory, where no backup takes it.
 *
 * @throws {Error} If there is none, and none can be written.
 */
export function readKey(dataDir: string, configFile: string | undefined): Buffer {
  const beside = configFile === undefined ? [] : [join(dirname(configFile), "credentials")];
  const paths = [...beside, dataDir].map((folder) => join(folder, "sign-ins.key"));
  const [known] = paths.filter((path) => existsSync(path)).map((path) => readFileSync(path))
    .filter(({ length }) => length === KEY_BYTES); // a crash may have left a part of one
  if (known) return known;
  const key = randomBytes(KEY_BYTES);
  let cause: unknown;
  for (const path of paths) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, key, { mode: 0o600, flush: true });
      return key;
    } catch (error) {
      cause = error;
    }
  }
  throw new Error("no key for people's sign-ins can be written", { cause });
}

/** Binds each text to its person and server, so that no file counts for another. */
export function sealingFor(key: Buffer, userId: string): Sealing {
  const about = (serverId: string) => Buffer.from(`sign-in ${userId} ${serverId}`);
  return {
    seal(text, serverId) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(about(serverId));
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64");
    },
    open(written, serverId) {
      const bytes = Buffer.from(written, "base64");
      const cipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES))
        .setAAD(about(serverId)).setAuthTag(bytes.subarray(NONCE_BYTES, TAG_END));
      return cipher.update(bytes.subarray(TAG_END), undefined, "utf8") + cipher.final("utf8");
    },
  };
}
