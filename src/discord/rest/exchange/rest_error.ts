/**
 * Failures of Discord's REST API, told apart by what the caller can do next.
 *
 * @module
 */

import { z } from "zod";
import type { Refusal } from "../../../core/errors.ts";
import { codeOf } from "../../../lib/error_code.ts";
import { printable } from "../../../lib/text/quoted.ts";
import { flattenErrors } from "./error_tree.ts";
import { nameOf, type Route } from "./route.ts";

/**
 * A {@link Refusal}, or one of two that say nothing against the request; try again later.
 *
 * - `unsent`: it never left, so Discord cannot have carried it out.
 * - `unavailable`: no answer, or one that blames Discord; it may have been carried out.
 */
export type RestErrorKind = Refusal | "unsent" | "unavailable";

/** A request to Discord that did not succeed. */
export class RestError extends Error {
  override readonly name = "RestError";
  readonly kind: RestErrorKind;
  /** Method and path without ids or query: `"POST /channels/:id/messages"`. */
  readonly route: string;
  /** HTTP status; absent when no response came. */
  readonly status?: number;
  /** Discord's own code, such as `50013` for missing permissions. */
  readonly code?: number;
  /** Milliseconds after which it is worth asking again, of `rate_limited`, where that is known. */
  readonly retryAfterMs?: number;

  /** @param message What became of the request; the route is put before it. */
  constructor(
    message: string,
    details: {
      kind: RestErrorKind;
      route: string;
      status?: number;
      code?: number | undefined;
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

/** @see {@link https://docs.discord.com/developers/reference#error-messages} */
const discordErrorSchema = z.object({
  code: z.number(),
  message: z.string(),
  errors: z.unknown().optional(),
});

/** Whether a body is an error as Discord tells it, and no page of something in between. */
export function isDiscordError(body: unknown): boolean {
  return discordErrorSchema.safeParse(body).success;
}

/**
 * Names a failure that Discord answered with.
 *
 * @param body The parsed body; `undefined` where it is no JSON, as of a proxy in between.
 * @param retryAfterMs How long a rate limit lasts, where that is known.
 */
export function toRestError(
  route: Route,
  status: number,
  body: unknown,
  retryAfterMs?: number,
): RestError {
  const discord = discordErrorSchema.safeParse(body).data;
  return new RestError(`failed with ${status}: ${reasonOf(status, discord)}`, {
    // Without Discord's words it is a wall in front of it, which lets us through again later: what
    // Discord would call final it cannot know.
    kind: !discord && isClientError(status) ? "rate_limited" : kindOf(status),
    route: nameOf(route),
    status,
    code: discord?.code,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/**
 * Names a failure of the way to Discord.
 *
 * @param thrown What `fetch` rejected with, or the deadline.
 */
export function toNoAnswer(route: Route, thrown: unknown): RestError {
  // The runtimes put the URL into their messages, and with it the token that it may carry.
  const cause = route.carriesToken ? undefined : thrown;
  const isUnsent = neverConnected(thrown);
  const what = isUnsent ? "could not reach Discord" : "got no answer from Discord";
  return new RestError(`${what}: ${wordsFor(thrown)}`, {
    kind: isUnsent ? "unsent" : "unavailable",
    route: nameOf(route),
    cause,
  });
}

/**
 * Names what kept a request from leaving.
 *
 * @param reason Why, after "was not sent: ".
 */
export function toUnsent(
  route: Route,
  kind: RestErrorKind,
  reason: string,
  retryAfterMs?: number,
): RestError {
  return new RestError(`was not sent: ${reason}`, {
    kind,
    route: nameOf(route),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
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
      ? "a redirect, which Discord never sends; something stands in between"
      : "no reason given";
  }
  const lines = flattenErrors(discord.errors);
  return [`${inLine(discord.message)} (${discord.code})`, inLine(lines.join("; "))]
    .filter((words) => words !== "").join(": ");
}

/** Characters of what an answer says, at most: it is told to people, and kept with the message. */
const MAX_WORDS = 300;

/** Somebody's words as part of a line: what answers in Discord's place may say anything. */
function inLine(words: string): string {
  const isLonger = words.length > MAX_WORDS;
  const shown = isLonger ? words.slice(0, MAX_WORDS).toWellFormed() : words;
  return printable(shown) + (isLonger ? "…" : "");
}

/** Codes of a connection that never was: nothing can have been sent. */
const NO_CONNECTION = /\b(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH)\b/;
/** Deno gives no code, only its HTTP client's words. */
const NO_CONNECTION_IN_DENO = "client error (Connect)";

function neverConnected(thrown: unknown): boolean {
  return [...chainOf(thrown)].some((error) =>
    NO_CONNECTION.test(codeOf(error) ?? "") || error.message.includes(NO_CONNECTION_IN_DENO)
  );
}

/** Short words without a URL: a code where there is one. */
function wordsFor(thrown: unknown): string {
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

/** An error and what caused it, outermost first. */
function* chainOf(thrown: unknown): Generator<Error> {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; depth++) {
    yield error;
    error = error.cause;
  }
}
