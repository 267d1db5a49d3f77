/**
 * Sends HTTP requests to Discord's API and reads the whole responses, within deadlines.
 *
 * A deadline covers the body too. It does not rely on the runtime to honour the abort signal: the
 * caller's promise rejects at the deadline in any case. Requests that begin soon after each other
 * share one timer and one signal, because those of its own would cost a request a tenth of its time.
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
import {
  type BodyReader,
  cancelReader,
  inflated,
  PLAIN_OPTION,
} from "../../../lib/network/fetch_plain.ts";

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

/** Number of kept routes of a method at which all are forgotten. */
const MAX_KEPT = 1_000;

/**
 * Creates a {@link routeOf} that keeps the routes of a place. Paths that differ in a later id only,
 * such as the message of a reaction, share one. Those with a query or a token seldom come again.
 */
export function createRoutes(): typeof routeOf {
  /** By method, and path without later ids. */
  const kept = new Map<string, Map<string, RestRoute>>();

  return (method, path) => {
    const paths = kept.get(method) ?? new Map<string, RestRoute>();
    kept.set(method, paths);
    const exact = paths.get(path);
    if (exact) return exact;
    const key = withoutLaterIds(path);
    const known = paths.get(key);
    if (known) return known;
    const route = routeOf(method, path);
    if (route.carriesToken || path.includes("?")) return route;
    if (paths.size >= MAX_KEPT) paths.clear();
    paths.set(key, route);
    return route;
  };
}

function withoutLaterIds(path: string): string {
  const later = path.indexOf("/", path.indexOf("/", 1) + 1);
  if (later < 0) return path;
  return path.slice(0, later) + path.slice(later).replace(/\/\d+(?=\/|$)/g, "/:id");
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
  /** Milliseconds from the first byte out to the last byte in; up to a 32nd more may pass. */
  readonly timeoutMs: number;
  /** Maximum size of the response's body in bytes, decompressed. */
  readonly maxBytes: number;
  /** Cancels the exchange. */
  readonly signal?: AbortSignal;
}

/** Exchanges that began soon after each other, and share a deadline, its timer and its signal. */
interface Group {
  readonly timeoutMs: number;
  /** Until when more may begin, by the monotonic clock. */
  readonly isOpenUntil: number;
  readonly controller: AbortController;
  readonly running: Set<(reason: unknown) => void>;
  /** Stops the timer of the deadline, which is set while an exchange runs. */
  cancelTimer: () => void;
}

/** For how long a group takes more exchanges: this part of their timeout. */
const OPEN_PART = 1 / 32;

interface Timing {
  /** Milliseconds of a monotonic clock. */
  readonly steadyNow: () => number;
  readonly schedule: StartTimer;
}

function createGroups({ steadyNow, schedule }: Timing) {
  const open = new Map<number, Group>();
  const busy = new Set<Group>();

  function endAll(group: Group, reason: unknown): void {
    if (open.get(group.timeoutMs) === group) open.delete(group.timeoutMs);
    for (const end of group.running) end(reason);
    group.controller.abort(reason);
  }

  return {
    of(timeoutMs: number): Group {
      const now = steadyNow();
      const known = open.get(timeoutMs);
      if (known && now < known.isOpenUntil) return known;
      const group: Group = {
        timeoutMs,
        isOpenUntil: now + timeoutMs * OPEN_PART,
        controller: new AbortController(),
        running: new Set(),
        cancelTimer() {},
      };
      open.set(timeoutMs, group);
      return group;
    },
    join(group: Group, end: (reason: unknown) => void): void {
      if (group.running.add(end).size > 1) return;
      busy.add(group);
      const { timeoutMs, isOpenUntil } = group;
      group.cancelTimer = schedule(
        () => endAll(group, new DOMException(`nothing within ${timeoutMs} ms`, "TimeoutError")),
        timeoutMs + Math.ceil(isOpenUntil - steadyNow()),
      );
    },
    leave(group: Group, end: (reason: unknown) => void): void {
      if (!group.running.delete(end) || group.running.size > 0) return;
      busy.delete(group);
      group.cancelTimer();
    },
    endAll(reason: unknown): void {
      for (const group of busy) endAll(group, reason);
    },
  };
}

export function createExchanges(
  { fetch, ...timing }: Timing & {
    readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  },
) {
  const groups = createGroups(timing);
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
    exchange(
      url: string,
      { method, headers, body }: RequestInit,
      { timeoutMs, maxBytes, signal }: ExchangeLimits,
      hooks: AnswerHooks = {},
    ): Promise<RestAnswer> {
      if (stopped) return Promise.reject(stopped.reason);
      if (signal?.aborted) return Promise.reject(signal.reason);
      const group = groups.of(timeoutMs);
      const own = signal && new AbortController();
      const { promise, resolve, reject } = Promise.withResolvers<RestAnswer>();
      let reader: BodyReader | undefined;
      let hasEnded = false;

      function end(): void {
        hasEnded = true;
        groups.leave(group, cancel);
        signal?.removeEventListener("abort", onAbort);
      }

      /** Does not rely on the runtime to honour the abort signal. */
      function cancel(reason: unknown): void {
        end();
        reject(reason);
        if (reader) cancelReader(reader, reason);
        own?.abort(reason);
      }

      async function run(): Promise<void> {
        const response = inflated(
          await fetch(url, {
            ...PLAIN_OPTION,
            method,
            headers,
            body,
            redirect: "manual",
            signal: (own ?? group.controller).signal,
          }),
        );
        const isLate = hasEnded;
        if (isLate || !hasLength(response.headers, maxBytes)) reader = response.body?.getReader();
        if (isLate) return reader && cancelReader(reader);
        hooks.onAnswerStarted?.();
        const text = await (reader ? textOf(reader, maxBytes) : response.text());
        if (hasEnded) return; // a cancelled reader reports the end of the body
        hooks.onAnswered?.();
        end();
        resolve({ status: response.status, headers: response.headers, text });
      }

      const onAbort = () => cancel(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      groups.join(group, cancel);
      run().catch((error: unknown) => {
        end();
        reject(error);
      });
      return promise;
    },
    stop(reason: unknown): void {
      stopped ??= { reason };
      groups.endAll(reason);
    },
  };
}

const UTF8 = new TextDecoder();

/**
 * Whether the headers bound the body. Then the runtime reads it at half the price of a reader. They
 * do not if the body is compressed, or in chunks, which would replace the length.
 */
function hasLength(headers: Headers, maxBytes: number): boolean {
  const length = headers.get("content-length");
  return length !== null && /^\d+$/.test(length) && Number(length) <= maxBytes &&
    !headers.has("transfer-encoding") && !headers.has("content-encoding");
}

/** Most responses are one piece, which needs no decoder of its own. */
async function textOf(reader: BodyReader, maxBytes: number): Promise<string> {
  let size = 0;
  const read = async () => {
    const { value } = await reader.read();
    size += value?.length ?? 0;
    if (size <= maxBytes) return value;
    cancelReader(reader);
    throw new RangeError(`an answer of more than ${maxBytes / 1024 / 1024} MiB`);
  };
  const first = await read();
  let next = first && await read();
  if (!next) return UTF8.decode(first);
  const decoder = new TextDecoder();
  let text = decoder.decode(first, { stream: true });
  for (; next; next = await read()) text += decoder.decode(next, { stream: true });
  return text + decoder.decode();
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
