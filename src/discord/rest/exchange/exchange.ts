/**
 * Sends HTTP requests to Discord's API and reads the whole responses, within deadlines.
 *
 * A deadline covers the body too. It does not rely on the runtime to honour the abort signal: the
 * caller's promise rejects at the deadline in any case.
 *
 * The API's address (`DISCORD_API_URL`) may be that of the simulator or a proxy. Each request
 * carries the bot token. So plain HTTP is allowed on loopback only, and an unclear value is an error,
 * never a guess.
 *
 * Discord limits each route per channel, guild, webhook or interaction, the "major parameter". So
 * requests with the same method, route and major parameter share a queue, and leave one by one.
 */

import { type ChannelId, parseSnowflake } from "../../../core/discord/ids.ts";
import type { StartTimer } from "../../../lib/clock.ts";
import { isLoopbackHost } from "../../../lib/network/addresses.ts";
import { inflated, PLAIN_OPTION, readBody } from "../../../lib/network/fetch_plain.ts";

/** Identifies a request in limits, metrics and logs, with all that follows from its path. */
export interface RestRoute {
  readonly method: string;
  /** Path without ids, tokens or query: `"/channels/:id/messages"`. Safe for logs and metrics. */
  readonly template: string;
  /** Method and template: `"POST /channels/:id/messages"`. Safe for logs and metrics. */
  readonly name: string;
  /** Method and path with the major parameter; may contain a token, so it is never logged. */
  readonly queueKey: string;
  /** The major parameter; empty if the route has none. May contain a token, like the queue key. */
  readonly major: string;
  /** Whether the path contains the credential. Then a 401 is not about the bot's token. */
  readonly carriesToken: boolean;
  readonly createsMessage: boolean;
  /** The channel of the path. */
  readonly channelId: ChannelId | undefined;
  /** Maximum size of a response in bytes. A server in Discord's place may send without end. */
  readonly maxBytes: number;
}

/** First segments whose id is a major parameter; after the last two, a token belongs to it. */
const MAJOR: readonly string[] = ["channels", "guilds", "webhooks", "interactions"];
const WITH_TOKEN: readonly string[] = ["webhooks", "interactions"];

/** Segments before a free text, and the placeholder for that text. */
const NAMED: Readonly<Record<string, string>> = {
  reactions: ":emoji",
  invites: ":code",
  templates: ":code",
};

/**
 * Derives the route of a request.
 *
 * @param path From `/` on, without the API's version: `"/channels/77/messages?limit=50"`.
 * @see {@link https://docs.discord.com/developers/topics/rate-limits}
 */
export function routeOf(method: string, path: string): RestRoute {
  const segments = (path.split("?", 1)[0] ?? "").split("/").slice(1);
  const [first = "", id = ""] = segments;
  const folded = segments.map((segment, index) => fold(segment, index, segments));
  const kept = !MAJOR.includes(first) ? 1 : WITH_TOKEN.includes(first) ? 3 : 2;
  const keyPath = [...segments.slice(0, kept), ...folded.slice(kept)].join("/");
  // Adding a reaction and removing it undo each other, so they share a queue to keep their order.
  const verb = folded.includes("reactions") && method !== "GET" ? "PUT|DELETE" : method;
  const template = `/${folded.join("/")}`;
  return {
    method,
    template,
    name: `${method} ${template}`,
    queueKey: `${verb} /${keyPath}`,
    major: kept === 1 ? "" : segments.slice(0, kept).join("/"),
    carriesToken: folded.includes(":token"),
    createsMessage: method === "POST" && template === "/channels/:id/messages",
    channelId: first === "channels" ? parseSnowflake<"channel">(id) : undefined,
    maxBytes: (method === "GET" ? MAX_LIST_BYTES.get(template) : undefined) ?? MAX_ANSWER_BYTES,
  };
}

const MIB = 1024 * 1024;

/** Maximum size of most responses in bytes: one message or one channel has some kilobytes. */
const MAX_ANSWER_BYTES = MIB;

/** The same for routes that list things. A hundred long messages are about 3 MiB. */
const MAX_LIST_BYTES: ReadonlyMap<string, number> = new Map([
  ["/channels/:id/messages", 16 * MIB],
  ["/guilds/:id/channels", 16 * MIB], // with their permission overwrites
  ["/guilds/:id", 4 * MIB], // with roles and emojis
  ["/guilds/:id/members/search", 4 * MIB],
  ["/guilds/:id/messages/search", 8 * MIB],
  ["/guilds/:id/threads/active", 8 * MIB], // up to a thousand
  ["/guilds/:id/scheduled-events", 4 * MIB],
  ["/channels/:id/messages/pins", 8 * MIB],
  ["/users/@me/guilds", 4 * MIB],
  ["/applications/:id/commands", 4 * MIB],
]);

function fold(segment: string, index: number, segments: readonly string[]): string {
  if (index === 2 && WITH_TOKEN.includes(segments[0] ?? "")) return ":token";
  const named = NAMED[segments[index - 1] ?? ""];
  if (named !== undefined) return named;
  return /^\d+$/.test(segment) ? ":id" : segment;
}

export interface RestAnswer {
  /** HTTP status. */
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Hooks for the two stages of a response: its headers are read, and its body is read. */
export interface AnswerHooks {
  /** Called when the headers are read. */
  readonly onAnswerStarted?: (() => void) | undefined;
  /** Called when the body is read. */
  readonly onAnswered?: (() => void) | undefined;
}

export interface ExchangeLimits {
  /** Milliseconds from the first byte out to the last byte in. */
  readonly timeoutMs: number;
  /** Maximum size of the response's body in bytes, decompressed. */
  readonly maxBytes: number;
  /** Cancels the exchange. */
  readonly signal?: AbortSignal;
}

const UTF8 = new TextDecoder();

export function createExchanges({ fetch, schedule }: {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly schedule: StartTimer;
}) {
  const running = new Set<(reason: unknown) => void>();
  let stopped: { readonly reason: unknown } | undefined;

  return {
    /**
     * Sends a request once.
     *
     * A redirect is a response like any other. It is not followed, because the token must not go to
     * an address that a third party chooses.
     *
     * @throws The error of `fetch`, a `TimeoutError`, a `RangeError` for a response that is too
     * large, or the reason of the signal or of `stop`.
     */
    async exchange(
      url: string,
      init: Pick<RequestInit, "method" | "headers" | "body">,
      { timeoutMs, maxBytes, signal }: ExchangeLimits,
      hooks: AnswerHooks = {},
    ): Promise<RestAnswer> {
      if (stopped) throw stopped.reason;
      signal?.throwIfAborted();
      const own = new AbortController();
      const { promise: cancelled, reject } = Promise.withResolvers<never>();
      /** Does not rely on the runtime to honour the abort signal. */
      const cancel = (reason: unknown) => {
        reject(reason);
        own.abort(reason);
      };
      const late = new DOMException(`nothing within ${timeoutMs} ms`, "TimeoutError");
      const cancelTimer = schedule(() => cancel(late), timeoutMs);
      const onAbort = () => cancel(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      running.add(cancel);

      async function run(): Promise<RestAnswer> {
        const response = inflated(
          await fetch(url, { ...PLAIN_OPTION, ...init, redirect: "manual", signal: own.signal }),
        );
        if (!own.signal.aborted) hooks.onAnswerStarted?.();
        const tooLarge = () => new RangeError(`an answer of more than ${maxBytes / MIB} MiB`);
        const bytes = await readBody(response.body, { maxBytes, tooLarge, signal: own.signal });
        hooks.onAnswered?.();
        return { status: response.status, headers: response.headers, text: UTF8.decode(bytes) };
      }

      try {
        return await Promise.race([run(), cancelled]);
      } finally {
        cancelTimer();
        signal?.removeEventListener("abort", onAbort);
        running.delete(cancel);
      }
    },
    stop(reason: unknown): void {
      stopped ??= { reason };
      for (const cancel of running) cancel(reason);
    },
  };
}

/** Discord's own API; the version is added to each request. */
export const DISCORD_API_BASE = "https://discord.com/api";

const EXPECTED = "expected http(s)://host[:port], with or without /api or /api/v10";

/** The paths that may follow the host. */
const PATHS: readonly string[] = ["", "/", "/api", "/api/", "/api/v10", "/api/v10/"];

/**
 * Reads the value of `DISCORD_API_URL` (G14).
 *
 * @param text For example `"http://127.0.0.1:8080"`.
 * @returns For example `{ base: "http://127.0.0.1:8080/api" }`. A problem is a sentence for the
 * operator, and never contains a password.
 */
export function parseApiUrl(
  text: string,
): { readonly base: string } | { readonly problem: string } {
  const url = URL.parse(text.trim());
  if (!url) return { problem: `DISCORD_API_URL is not a URL: ${EXPECTED}` };
  if (url.username || url.password) {
    return { problem: `DISCORD_API_URL must not hold a user name or password: ${EXPECTED}` };
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return { problem: `DISCORD_API_URL begins with ${url.protocol}//: ${EXPECTED}` };
  }
  if (url.search || url.hash || !PATHS.includes(url.pathname)) {
    return { problem: `DISCORD_API_URL has more than a host, "${url.pathname}": ${EXPECTED}` };
  }
  if (url.protocol === "http:" && !isLoopbackHost(url.hostname)) {
    return {
      problem:
        `DISCORD_API_URL is plain http to ${url.hostname}, which would expose the bot token ` +
        "to the network: use https, or a loopback address such as 127.0.0.1",
    };
  }
  return { base: `${url.origin}/api` };
}
