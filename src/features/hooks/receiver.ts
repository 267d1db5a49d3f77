/**
 * Takes events of other programs: `POST /hooks/<name>` (W1, W2).
 *
 * The order is: cap, read, verify, parse. A bearer token is checked before a byte of the body is read.
 * An event is on the disk before its sender gets 202. Each refusal is one line and one count.
 *
 * `@octokit/webhooks-methods` and `standardwebhooks` verify signatures with more code: each scheme is
 * one HMAC. The tests have the vectors of both.
 */

import { Buffer } from "node:buffer";
import { createHmac, randomInt } from "node:crypto";
import type { Setup } from "../../bot.ts";
import type { Served } from "../../cli/run/served_parts.ts";
import { toAccountId } from "../../core/discord/ids.ts";
import {
  HOOK_BODIES_BYTES,
  HOOK_BODY_BYTES,
  type HookScheme,
  readHookBody,
  readHookEvent,
  UNKNOWN_BODIES_BYTES,
} from "../../core/hooks/hook.ts";
import { bearerOf, isSameToken, type RouteRule } from "../../http/app.ts";
import { HOP_HEADER } from "../../lib/network/addresses.ts";

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
      const given = bearerOf(headers);
      return given !== undefined && isSameToken(given, secret)
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
    return isSameToken(signature, wanted)
      ? { kind: "valid", deliveryId: signature }
      : refused(WRONG);
  }
  const id = headers.get("webhook-id") ?? "";
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const wanted = `v1,${
    createHmac("sha256", key).update(`${id}.${headers.get("webhook-timestamp")}.`).update(body)
      .digest("base64")
  }`;
  const given = (headers.get("webhook-signature") ?? "").split(" ", 10);
  return given.some((one) => isSameToken(one, wanted))
    ? { kind: "valid", deliveryId: id }
    : refused(WRONG);
}

const WRONG = "The signature is wrong: the secret of the sender is not that of the hook";

function refused(why: string): Proof {
  return { kind: "refused", why };
}

export const HOOK_ROUTES = [
  { method: "POST", path: "/hooks/:name", auth: "hook", maxBodyBytes: HOOK_BODY_BYTES },
] as const satisfies readonly RouteRule[];

/** What became of a request, for the metrics. */
export type HookResult =
  | "accepted"
  | "repeated"
  | "left_out"
  | "unknown"
  | "refused"
  | "too_large"
  | "busy"
  | "unreadable"
  | "loop"
  | "full"
  | "failed";

const [ROUTE] = HOOK_ROUTES;
const IDS_PER_MS = 2 ** 22;

const PATH = /^\/hooks\/([A-Za-z0-9][A-Za-z0-9_-]{0,63})$/;

const HEADERS = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };

/** @param setupNow The current setup, which a reload replaces. */
export function createHookReceiver(
  { bot, store, logging }: Served,
  setupNow: () => Setup,
): (request: Request) => Promise<Response> {
  const log = logging.forPart("hooks");
  const bodies = createBodies();

  /** `undefined` if there is none with a secret. */
  function hookOf(name: string) {
    const { hooks, accounts } = setupNow().config;
    const rules = hooks && Object.hasOwn(hooks, name) ? hooks[name] : undefined;
    const secret = rules?.secret?.reveal();
    const [first] = accounts.filter(({ enabled }) => enabled);
    if (!rules || secret === undefined || !first) return undefined;
    const accountId = rules.account === undefined ? first.accountId : toAccountId(rules.account);
    return { name, accountId, rules, secret };
  }

  return async (request) => {
    const name = PATH.exec(new URL(request.url).pathname)?.[1];
    const hook = name === undefined ? undefined : hookOf(name);
    const answer = (
      result: HookResult,
      status: number,
      text: string,
      headers: Readonly<Record<string, string>> = {},
    ): Response => {
      bot.hookRequested(result, hook?.name);
      return new Response(`${text}\n`, {
        status,
        headers: { ...HEADERS, "Content-Type": "text/plain; charset=utf-8", ...headers },
      });
    };
    const closing = { Connection: "close" };
    if (!hook) return answer("unknown", 404, "There is no such hook", closing);
    if (request.method !== ROUTE.method) {
      return answer("refused", 405, "Send events by POST", { Allow: "POST", ...closing });
    }
    const { headers } = request;
    if (headers.has("origin") || headers.has("sec-fetch-site")) {
      return answer("refused", 403, "Pages in a browser may not send events", closing);
    }
    if (headers.has(HOP_HEADER)) {
      return answer("loop", 508, "This request comes from Barnacle itself", closing);
    }
    const length = headers.get("content-length");
    if (length === null || !/^\d{1,15}$/.test(length)) {
      return answer("too_large", 411, "Send the length of the body", closing);
    }
    const bytes = Number(length);
    if (bytes > ROUTE.maxBodyBytes) {
      return answer("too_large", 413, "The body is larger than 1 MiB", closing);
    }
    const { rules, secret, accountId } = hook;
    const early = verifyHeaders(request, rules.scheme, secret, Date.now());
    if (early.kind === "refused") return unauthorized(early.why);
    if (headers.has("content-encoding")) {
      return answer("unreadable", 415, "Send the body without compression", closing);
    }
    const sender = rules.scheme === "bearer" ? "known" : "unknown";
    if (!bodies.hasRoom(bytes, sender)) {
      return answer("busy", 503, "Too many bodies at once", { "Retry-After": "1", ...closing });
    }

    function unauthorized(why: string): Response {
      return answer("refused", 401, why, { "WWW-Authenticate": "Bearer", ...closing });
    }

    try {
      const body = await bodies.read(request, bytes, sender);
      if (!body) return answer("unreadable", 400, "The body ended early", closing);
      const proof = verifyBody(request, rules.scheme, secret, body);
      if (proof.kind === "refused") return unauthorized(proof.why);
      const parsed = readHookBody(body, headers.get("content-type") ?? "");
      if (parsed.kind === "problem") return answer("unreadable", 400, parsed.why);
      if (headers.get("x-github-event") === "ping") return answer("left_out", 200, "pong");
      const values = { body: parsed.value, text: parsed.text, headers };
      const deliveryId = proof.deliveryId ?? early.deliveryId;
      const event = readHookEvent({ hook: hook.name, accountId, rules }, values, deliveryId);
      if (!event) return answer("left_out", 200, "The hook leaves such events out");
      const stored = await store.hooks.accept(event, Date.now(), randomInt(IDS_PER_MS));
      if (!stored) {
        const wait = { "Retry-After": "60" };
        return answer("full", 429, "Too many events of this hook wait", wait);
      }
      const { messageId: id, isRepeated } = stored;
      if (!isRepeated) bot.wake(accountId, "hooks");
      return answer(
        isRepeated ? "repeated" : "accepted",
        isRepeated ? 200 : 202,
        JSON.stringify(isRepeated ? { id, repeated: true } : { id }),
        { "Content-Type": "application/json" },
      );
    } catch (error) {
      log.error("Cannot take an event", { error });
      return answer("failed", 503, "The event is not stored; send it again", {
        "Retry-After": "10",
      });
    }
  };
}

/** Whether the sender of a body has proved that it knows the secret, before the body is read. */
type BodySender = "known" | "unknown";

/** Reads bodies within a limit for all of them. */
function createBodies() {
  const reading = { known: 0, unknown: 0 };
  return {
    /** Slow bodies of senders without a proof leave room for those with one. */
    hasRoom(bytes: number, sender: BodySender): boolean {
      return reading.known + reading.unknown + bytes <= HOOK_BODIES_BYTES &&
        (sender === "known" || reading.unknown + bytes <= UNKNOWN_BODIES_BYTES);
    },
    /** @returns `undefined` if the sender breaks off: anyone can do that, so it is no error. */
    async read(request: Request, bytes: number, sender: BodySender) {
      reading[sender] += bytes;
      try {
        return new Uint8Array(await request.arrayBuffer());
      } catch {
        return undefined;
      } finally {
        reading[sender] -= bytes;
      }
    },
  };
}
