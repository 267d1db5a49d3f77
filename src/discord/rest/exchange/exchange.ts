/**
 * Sends HTTP requests to Discord's API and reads the whole responses, within deadlines; groups
 * failures by the caller's next step.
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

import { z } from "zod";
import { type ChannelId, parseSnowflake } from "../../../core/discord/ids.ts";
import type { Refusal } from "../../../core/outbound/outbound.ts";
import type { StartTimer } from "../../../lib/clock.ts";
import { codeOf } from "../../../lib/errors.ts";
import { isLoopbackHost } from "../../../lib/network/addresses.ts";
import { inflated, PLAIN_OPTION, readBody } from "../../../lib/network/fetch_plain.ts";
import { isRecord, printable } from "../../../lib/text/quoted.ts";

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

/**
 * A {@link Refusal}, or one of two kinds without a verdict on the request; try again later.
 *
 * - `unsent`: the request never left, so Discord cannot have carried it out.
 * - `unavailable`: no response, or a fault of Discord's; Discord may have carried the request out.
 */
export type RestErrorKind = Refusal | "unsent" | "unavailable";

export class RestError extends Error {
  override readonly name = "RestError";
  /** The caller's next step depends on it. */
  readonly kind: RestErrorKind;
  /** Method and path without ids or query: `"POST /channels/:id/messages"`. */
  readonly route: string;
  /** HTTP status; absent if no response came. */
  readonly status?: number;
  /** Discord's error code, such as `50013` for missing permissions. */
  readonly code?: number;
  /** Of `rate_limited`: milliseconds until a retry makes sense; absent if unknown. */
  readonly retryAfterMs?: number;

  /**
   * Creates an error.
   *
   * @param message The request's outcome; the constructor puts the route before it.
   */
  constructor(
    message: string,
    details: {
      kind: RestErrorKind;
      route: string;
      status?: number;
      code?: number;
      retryAfterMs?: number;
      cause?: unknown;
    },
  ) {
    super(`${details.route} ${message}`, { cause: details.cause });
    this.kind = details.kind;
    this.route = details.route;
    if (details.status !== undefined) this.status = details.status;
    if (details.code !== undefined) this.code = details.code;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}

/** Why Discord refused a request; `undefined` if it may succeed later, or if the error is no answer. */
export function refusalIn(error: unknown): Refusal | undefined {
  if (!(error instanceof RestError)) return undefined;
  return error.kind === "unsent" || error.kind === "unavailable" ? undefined : error.kind;
}

/** Whether Discord refuses the token. A captive portal or a proxy may answer with any status. */
export function isTokenRefused(error: unknown): boolean {
  return error instanceof RestError && error.kind === "unauthorized";
}

const REFUSALS: ReadonlySet<RestErrorKind> = new Set(["forbidden", "not_found", "rejected"]);

/** Discord's code for a bot that opens direct messages too fast; it allows that again after a while. */
const TOO_FAST = 40003;

/** Whether the same request would fail again, because Discord refuses it. */
export function isFinalRefusal(error: unknown): error is RestError {
  return isRefusal(error) && error.code !== TOO_FAST;
}

/**
 * The same, or Discord refuses it for a while, without a duration. Only Discord's own refusal counts: an
 * answer of a proxy or a captive portal is a rate limit.
 */
export function isRefusal(error: unknown): error is RestError {
  return error instanceof RestError && REFUSALS.has(error.kind);
}

/**
 * Whether another server has refused the request in Discord's place: its answer is not in Discord's
 * form. A 429 may be a block of Cloudflare, which is in front of Discord, and a 5xx a fault of it.
 */
export function isOfAnotherServer(error: RestError): boolean {
  const { status, code } = error;
  return code === undefined && status !== undefined && status !== 429 && status < 500;
}

/** @see {@link https://docs.discord.com/developers/reference#error-messages} */
const discordErrorSchema = z.object({
  code: z.number(),
  message: z.string(),
  errors: z.unknown().optional(),
});

/**
 * Zod compiles a parser at the first use of a schema otherwise: 0.3 ms and some memory for each, which
 * the short answers of this API never earn back.
 */
const INTERPRETED = { jitless: true };

/** Whether a body is an error in Discord's form, and not the page of a proxy. */
export function isDiscordError(body: unknown): boolean {
  return discordErrorSchema.safeParse(body, INTERPRETED).success;
}

/**
 * Creates the error of an unsuccessful response.
 *
 * @param body The parsed body; `undefined` if it is not JSON, such as the page of a proxy.
 * @param retryAfterMs How long a rate limit lasts; absent if unknown.
 */
export function toRestError(
  route: RestRoute,
  status: number,
  body: unknown,
  retryAfterMs?: number,
): RestError {
  const discord = discordErrorSchema.safeParse(body, INTERPRETED).data;
  return new RestError(`failed with ${status}: ${reasonOf(status, discord)}`, {
    // Without Discord's error body, the response comes from a firewall or proxy in front of Discord.
    // It blocks for a while only, and cannot know whether Discord would refuse for good.
    kind: !discord && isClientError(status) ? "rate_limited" : kindOf(status),
    route: route.name,
    status,
    code: discord?.code,
    retryAfterMs,
  });
}

/**
 * Creates the error of a request without a response.
 *
 * @param thrown The rejection of `fetch`, or the error of the deadline.
 */
export function toNoAnswer(route: RestRoute, thrown: unknown): RestError {
  // The runtimes put the URL into their messages, and the URL may contain a token.
  const cause = route.carriesToken ? undefined : thrown;
  const isUnsent = neverConnected(thrown);
  const outcome = isUnsent ? "could not reach Discord" : "got no answer from Discord";
  return new RestError(`${outcome}: ${causeText(thrown)}`, {
    kind: isUnsent ? "unsent" : "unavailable",
    route: route.name,
    cause,
  });
}

/**
 * Creates the error of a request that was never sent.
 *
 * @param reason The text after "was not sent: ".
 */
export function toUnsent(
  route: RestRoute,
  kind: RestErrorKind,
  reason: string,
  retryAfterMs?: number,
): RestError {
  return new RestError(`was not sent: ${reason}`, { kind, route: route.name, retryAfterMs });
}

function kindOf(status: number): RestErrorKind {
  if (status === 401) return "unauthorized";
  if (status === 403) return "forbidden";
  if (status === 404) return "not_found";
  if (status === 429) return "rate_limited";
  return isClientError(status) ? "rejected" : "unavailable";
}

function isClientError(status: number): boolean {
  return status >= 400 && status < 500;
}

function reasonOf(status: number, discord?: z.infer<typeof discordErrorSchema>): string {
  if (!discord) {
    return status >= 300 && status < 400
      ? "a redirect, which Discord never sends; a proxy or firewall answers in its place"
      : "no reason given";
  }
  const lines = flattenErrors(discord.errors);
  return [`${inLine(discord.message)} (${discord.code})`, inLine(lines.join("; "))]
    .filter((text) => text !== "").join(": ");
}

/** Maximum characters of a response's text in an error: people read it, and the store keeps it. */
const MAX_TEXT = 300;

/** Makes a text safe as part of a line: a server in Discord's place may send any text. */
function inLine(text: string): string {
  const isLonger = text.length > MAX_TEXT;
  const shown = isLonger ? text.slice(0, MAX_TEXT).toWellFormed() : text;
  return printable(shown) + (isLonger ? "…" : "");
}

/** Codes of a connection that was never established, so the request was not sent. */
const NO_CONNECTION = /\b(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH)\b/;
/** Deno gives no code, only the text of its HTTP client. */
const NO_CONNECTION_IN_DENO = "client error (Connect)";

function neverConnected(thrown: unknown): boolean {
  return [...chainOf(thrown)].some((error) =>
    NO_CONNECTION.test(codeOf(error) ?? "") || error.message.includes(NO_CONNECTION_IN_DENO)
  );
}

/** A short text without a URL: the error's code if it has one. */
function causeText(thrown: unknown): string {
  for (const error of chainOf(thrown)) {
    if (error.name === "TimeoutError") return error.message;
    const code = codeOf(error);
    if (code) return code;
    const inDeno = /client error \(\w+\)(?:: [\w ]+)*/.exec(error.message);
    if (inDeno) return inDeno[0];
  }
  return thrown instanceof Error && !thrown.message.includes("://")
    ? thrown.message
    : "the connection broke";
}

function* chainOf(thrown: unknown): Generator<Error> {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; depth++) {
    yield error;
    error = error.cause;
  }
}

/** A tree can have one problem for each field of ten embeds; the first few are enough. */
const MAX_LINES = 5;
const MAX_DEPTH = 10;

/**
 * Flattens the `errors` of a rejected request.
 *
 * @param tree For example `{ embeds: { 0: { title: { _errors: [{ message: "Too long." }] } } } }`.
 * @returns For example `["embeds[0].title: Too long"]`; empty if the tree has another form.
 * @see {@link https://docs.discord.com/developers/reference#error-messages}
 */
function flattenErrors(tree: unknown): readonly string[] {
  const lines: string[] = [];
  for (const line of linesOf(tree, "", 0)) {
    lines.push(line);
    if (lines.length === MAX_LINES) break;
  }
  return lines;
}

function* linesOf(node: unknown, path: string, depth: number): Generator<string> {
  if (!(node instanceof Object) || depth > MAX_DEPTH) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === "_errors") yield* messagesOf(value, path);
    else yield* linesOf(value, join(path, key), depth + 1);
  }
}

function* messagesOf(errors: unknown, path: string): Generator<string> {
  const list: readonly unknown[] = Array.isArray(errors) ? errors : [];
  for (const error of list) {
    const message = isRecord(error) ? error["message"] : undefined;
    if (typeof message !== "string") continue;
    const text = message.replace(/\.$/, "");
    yield path === "" ? text : `${path}: ${text}`;
  }
}

function join(path: string, key: string): string {
  if (/^\d+$/.test(key)) return `${path}[${key}]`;
  return path === "" ? key : `${path}.${key}`;
}

/**
 * Writes an object as Discord reads it, with its names in snake case and large integers as text. A
 * name with an underscore is Discord's own, and so are all names below it.
 */
export function jsonOf(value: object): string {
  return JSON.stringify(wireForm(value));
}

function wireForm(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map(wireForm);
  if (!isRecord(value)) return value;
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    if (name.includes("_")) fields[name] = value[name];
    else fields[name.replace(/[A-Z]/g, toSnakeCase)] = wireForm(value[name]);
  }
  return fields;
}

function toSnakeCase(capital: string): string {
  return `_${capital.toLowerCase()}`;
}

/**
 * Reads the body of a successful response.
 *
 * A body of another form counts as no response, because it does not tell whether the request was
 * carried out.
 *
 * @param route Named in the error: `"GET /gateway/bot"`.
 * @throws {RestError} `unavailable`; it names the wrong fields, but not their values.
 */
export function expect<T>(route: string, schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body, INTERPRETED);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path }) => path.join(".") || "all of it").join(", ");
  throw new RestError(`was answered in a form that is not Discord's (${fields})`, {
    kind: "unavailable",
    route,
    cause: parsed.error,
  });
}
