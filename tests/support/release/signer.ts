/** Signs files as minisign does, with a key of the test. */

import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { Buffer } from "node:buffer";

/** A key pair of a test. */
export interface Signer {
  /** The second line of the `.pub` file. */
  readonly publicKey: string;
  /** Makes the content of a `.minisig` file. */
  readonly sign: (file: Uint8Array, trustedComment: string) => string;
}

export function newSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const id = randomBytes(8);
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  return {
    publicKey: Buffer.concat([Buffer.from("Ed"), id, raw]).toString("base64"),
    sign: (file, comment) => {
      const own = sign(null, createHash("blake2b512").update(file).digest(), privateKey);
      const whole = sign(null, Buffer.concat([own, Buffer.from(comment)]), privateKey);
      const first = Buffer.concat([Buffer.from("ED"), id, own]);
      return [
        "untrusted comment: signature of a test",
        first.toString("base64"),
        `trusted comment: ${comment}`,
        whole.toString("base64"),
        "",
      ].join("\n");
    },
  };
}
