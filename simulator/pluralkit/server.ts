/**
 * Simulates PluralKit's API: it tells a bot who wrote a webhook's message.
 *
 * It proxies messages on the simulated Discord, and answers for them as its documentation says. It
 * can also fail in ways that a client must handle. A message is always found by its own id, and by
 * the original's for half an hour.
 *
 * @see {@link https://pluralkit.me/api/models/#message-model}
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createdAtMs } from "../../src/core/discord/ids.ts";
import { type ProxiedMessage, type System, type SystemMember, toProxied } from "./payload.ts";
import type { Simulator } from "../simulator.ts";
import { discordNow } from "../world/clock.ts";
import type { Message } from "../world/world.ts";

/** Milliseconds for which a message is found by the id of the original. */
const ORIGINAL_MS = 30 * 60 * 1000;

/** Maximum number of requests for messages in a second. */
const PER_SECOND = 10;

export type PluralkitFault =
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "status"; readonly status: number }
  /** Never answers. */
  | { readonly kind: "hang" }
  /** JSON that breaks off, and JSON of another shape. */
  | { readonly kind: "garbage" | "strange" };

/** A look-up, as it arrived. */
export interface PluralkitRequest {
  readonly path: string;
  readonly userAgent: string;
  readonly authorization: string | undefined;
}

export interface Pluralkit {
  /** `http://127.0.0.1:49154/v2`: a value for `pluralkit.apiUrl`. */
  readonly apiUrl: string;
  readonly requests: readonly PluralkitRequest[];
  /** Posts a message again as a member, deletes the original, and answers for it from then on. */
  proxy(original: Message, system: System, member: SystemMember, text?: string): Message;
  /**
   * Sets a fault for later look-ups; `undefined` ends it.
   *
   * @param times Number of look-ups; unlimited, if absent.
   */
  fail(fault: PluralkitFault | undefined, times?: number): void;
  close(): Promise<void>;
}

export interface PluralkitOptions {
  readonly simulator: Pick<Simulator, "proxy" | "world">;
  /** Unix time in milliseconds; {@link discordNow}, if absent. */
  readonly now?: () => number;
}

export async function startPluralkit(
  { simulator, now = discordNow }: PluralkitOptions,
): Promise<Pluralkit> {
  const known = new Map<string, ProxiedMessage>();
  const requests: PluralkitRequest[] = [];
  const timers = new Set<ReturnType<typeof setTimeout>>();
  let lastSecond: number[] = [];
  let fault: PluralkitFault | undefined;
  let left = 0;

  const find = (id: string): ProxiedMessage | undefined => {
    const found = known.get(id);
    const isLate = found && found.proxied.id !== id &&
      now() - createdAtMs(found.proxied.id) > ORIGINAL_MS;
    return isLate ? undefined : found;
  };

  const answer = (request: PluralkitRequest, response: ServerResponse): void => {
    lastSecond = lastSecond.filter((at) => now() - at < 1_000);
    if (request.userAgent === "") return send(response, 400, problem(0, "400: Bad Request"));
    const isKnown = ({ system }: ProxiedMessage) => system.token === request.authorization;
    if (request.authorization !== undefined && ![...known.values()].some(isKnown)) {
      return send(response, 401, problem(0, "401: Missing or invalid Authorization header"));
    }
    if (lastSecond.length >= PER_SECOND) {
      const retryAfter = Math.max(1, (lastSecond[0] ?? 0) + 1_000 - now());
      const body = { ...problem(0, "429: too many requests"), retry_after: retryAfter };
      return send(response, 429, body, limits(0, now()));
    }
    lastSecond.push(now());
    const id = /^\/v2\/messages\/(\d+)$/.exec(request.path)?.[1];
    const found = id === undefined ? undefined : find(id);
    const headers = limits(PER_SECOND - lastSecond.length, now());
    if (!found) return send(response, 404, problem(20006, "Message not found."), headers);
    send(response, 200, toProxied(simulator.world, found), headers);
  };

  const server = createServer((incoming, response) => {
    const request = read(incoming);
    requests.push(request);
    const played = left > 0 ? fault : undefined;
    left -= 1;
    switch (played?.kind) {
      case "hang":
        return;
      case "status":
        return send(response, played.status, problem(0, `${played.status}: Simulated`));
      case "garbage":
        response.writeHead(200, { "Content-Type": "application/json" });
        return void response.end('{"id": "12');
      case "strange":
        return send(response, 200, { id: 12, sender: null, member: "abcde" });
      case "delay": {
        const timer = setTimeout(() => {
          timers.delete(timer);
          answer(request, response);
        }, played.ms);
        return void timers.add(timer);
      }
      case undefined:
        answer(request, response);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;

  return {
    apiUrl: `http://127.0.0.1:${port}/v2`,
    requests,
    proxy(original, system, member, text) {
      const name = `${member.displayName ?? member.name}${system.name ? ` ${system.name}` : ""}`;
      const proxied = simulator.proxy({ original, name, ...(text !== undefined && { text }) });
      const entry = { proxied, original, system, member };
      for (const id of [proxied.id, original.id]) known.set(id, entry);
      return proxied;
    },
    fail(next, times = Infinity) {
      fault = next;
      left = times;
    },
    close: () =>
      new Promise((resolve) => {
        for (const timer of timers) clearTimeout(timer);
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function read({ url = "/", headers }: IncomingMessage): PluralkitRequest {
  return {
    path: url,
    userAgent: headers["user-agent"] ?? "",
    authorization: headers.authorization,
  };
}

function problem(
  code: number,
  message: string,
): { readonly code: number; readonly message: string } {
  return { code, message };
}

function limits(remaining: number, at: number): Readonly<Record<string, string>> {
  return {
    "X-RateLimit-Limit": String(PER_SECOND),
    "X-RateLimit-Remaining": String(remaining),
    "X-RateLimit-Reset": String(at + 1_000),
    "X-RateLimit-Scope": "message",
  };
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}
