/**
 * Decides what Discord's failures to take a message mean for its channel (D5, R12a).
 *
 * A place that refuses everything parks its channel, and a person must change something there. A
 * message that Discord refuses for itself must not hold up the messages behind it. The same holds for
 * a message that Discord answers with a server error each time. During an outage of Discord, on the
 * other hand, Barnacle sets no message aside: all of them would fail.
 */

import type { OutboxRow, Refusal } from "./outbound.ts";

/**
 * The bot's missing permission in the place of a refusal.
 *
 * - `files`: only Attach Files
 * - `other`: one without which the place takes no message
 * - `none`: the bot has all that the message needs
 * - `unknown`: Discord does not tell, or the place has no permissions, as direct messages
 */
export type MissingHere = "files" | "other" | "none" | "unknown";

export type RefusalSubject = "place" | "message" | "files";
/**
 * Codes of a 400 for a refusal by the place and not by the message: an archived thread, a locked one.
 */
const PLACES_IN_400: ReadonlySet<number> = new Set([50083, 160005]);

/**
 * Codes that name the place, so that no permission needs to be missing: an unknown guild, a bot that Discord has flagged, direct messages opened too fast, a verification level, and a
 * person without a common server.
 */
const PLACES: ReadonlySet<number> = new Set([
  ...PLACES_IN_400,
  10004,
  20026,
  40003,
  50009,
  50278,
]);

/** The code of a person who accepts no direct messages of the bot. */
export const CLOSED_DIRECT = 50007;

/** The code of a channel that is gone. */
const GONE = 10003;

/** Codes that name the words: blocked by AutoMod, by a filter of links or of explicit content. */
const WORDS: ReadonlySet<number> = new Set([20009, 200000, 200001, 240000]);

/** Whether a code ends the message: it would be refused again, or it is too late once it is not. */
export function namesMessage(code: number | undefined): boolean {
  return code === CLOSED_DIRECT || code === GONE || code !== undefined && WORDS.has(code);
}

/** Whether the place takes other words, as far as a code tells; absent: Discord sent none. */
export function takesOthers(code: number | undefined): boolean {
  return code !== CLOSED_DIRECT && code !== GONE;
}

/**
 * Whether the place may be what refuses, rather than the message alone.
 *
 * @param refusal `code` is Discord's error code; absent if it sent none.
 */
export function mayBeOfPlace(
  { why, code }: { readonly why: Refusal; readonly code?: number | undefined },
): boolean {
  if (why === "rejected") return code !== undefined && PLACES_IN_400.has(code);
  return why === "forbidden" || why === "not_found";
}

/**
 * Decides what a refusal is about, once the bot's permissions in the place were looked up.
 *
 * @param refusal `code`: Discord's error code; absent if it sent none. `fileCount`: files of the message.
 */
export function subjectOf(
  { code, fileCount }: { readonly code?: number | undefined; readonly fileCount: number },
  missing: MissingHere,
): RefusalSubject {
  if (code !== undefined && PLACES.has(code)) return "place";
  if (namesMessage(code)) return "message";
  switch (missing) {
    case "files":
    case "none": // without its files, the message may be accepted
      return fileCount > 0 ? "files" : "message";
    case "other":
    case "unknown":
      return "place";
  }
}

/** Failed attempts in a row at one message. */
export interface Failures {
  /** Number of failed attempts. */
  readonly failed: number;
  /**
   * Number of the last failed attempts before each of which Discord served another request to the
   * channel.
   */
  readonly served: number;
}

/** Failures after which a message is set aside. */
const FAILED = 10;
/** Time over which a message must have failed, in milliseconds. */
const FAILING_MS = 10 * 60_000;
/**
 * Number of the last failures that other requests must surround. At the end of an outage, one
 * request may succeed just before another one fails.
 */
const SERVED = 3;

/**
 * Counts one more failure.
 *
 * @param wasServed Whether Discord has served another request to the channel since the last one.
 */
export function failedAgain(before: Failures | undefined, wasServed: boolean): Failures {
  return { failed: (before?.failed ?? 0) + 1, served: wasServed ? (before?.served ?? 0) + 1 : 0 };
}

/** Whether a message alone fails, so that the rest of its channel should go on without it. */
export function isStuckAlone(
  { failingSince }: Pick<OutboxRow, "failingSince">,
  { failed, served }: Failures,
  now: number,
): boolean {
  return failed >= FAILED && served >= SERVED && failingSince !== undefined &&
    now - failingSince >= FAILING_MS;
}
