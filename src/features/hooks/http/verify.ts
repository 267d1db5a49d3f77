/**
 * Checks that the sender of a request knows the secret of its hook (W1).
 *
 * `@octokit/webhooks-methods` and `standardwebhooks` do the same with more code: each scheme is one
 * HMAC. The tests have the vectors of both.
 */

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import type { HookScheme } from "../../../core/hooks/hook.ts";
import { bearerOf, isSame } from "../../../http/app.ts";

/** The proof of a request, or why it is none. */
export type Proof =
  | {
    readonly kind: "valid";
    /** The sender's id of the event, by its headers; absent if it sent none. */
    readonly deliveryId?: string;
  }
  | { readonly kind: "refused"; readonly why: string };

/** How far the time of a signature may be from now. */
const TOLERANCE_MS = 5 * 60_000;

/** The check that needs no body: it comes before the body is read. */
export function verifyHeaders(
  { headers }: Request,
  scheme: HookScheme,
  secret: string,
  now: number,
): Proof {
  switch (scheme) {
    case "bearer": {
      const given = bearerOf({ headers });
      return given !== undefined && isSame(given, secret)
        ? { kind: "valid", deliveryId: headers.get("idempotency-key") ?? undefined }
        : refused("The token is missing or wrong: send Authorization: Bearer <secret>");
    }
    case "github":
      return /^sha256=[0-9a-f]{64}$/.test(headers.get("x-hub-signature-256") ?? "")
        ? { kind: "valid" }
        : refused("The signature is missing: set the secret of the webhook");
    case "standard": {
      const at = Number(headers.get("webhook-timestamp") ?? NaN) * 1_000;
      if (!headers.get("webhook-id") || !headers.get("webhook-signature") || Number.isNaN(at)) {
        return refused("webhook-id, webhook-timestamp or webhook-signature is missing");
      }
      return Math.abs(now - at) <= TOLERANCE_MS
        ? { kind: "valid" }
        : refused("The signature is too old, or a clock is wrong");
    }
  }
}

/**
 * The check of a signature.
 *
 * GitHub signs the body alone, so an equal body counts as a repeated event: its delivery header could
 * be forged. Standard Webhooks sign the id.
 */
export function verifyBody(
  { headers }: Request,
  scheme: HookScheme,
  secret: string,
  body: Uint8Array,
): Proof {
  if (scheme === "bearer") return { kind: "valid" };
  if (scheme === "github") {
    const signature = headers.get("x-hub-signature-256") ?? "";
    const wanted = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
    return isSame(signature, wanted) ? { kind: "valid", deliveryId: signature } : refused(WRONG);
  }
  const id = headers.get("webhook-id") ?? "";
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const wanted = `v1,${
    createHmac("sha256", key).update(`${id}.${headers.get("webhook-timestamp")}.`).update(body)
      .digest("base64")
  }`;
  const given = (headers.get("webhook-signature") ?? "").split(" ", 10);
  return given.some((one) => isSame(one, wanted))
    ? { kind: "valid", deliveryId: id }
    : refused(WRONG);
}

const WRONG = "The signature is wrong: the secret of the sender is not that of the hook";

function refused(why: string): Proof {
  return { kind: "refused", why };
}
