/**
 * Decides what a refusal of Discord's is about: the place, the message, or its files (D5, R12a).
 *
 * A place that refuses everything parks its channel, and a person must change something there. A
 * message that Discord refuses for itself must not hold up the messages behind it.
 *
 * @module
 */

import type { Refusal } from "../errors.ts";

/**
 * The bot's missing permission in the place of a refusal.
 *
 * - `files`: only Attach Files
 * - `other`: one without which the place takes no message
 * - `none`: the bot has all that the message needs
 * - `unknown`: Discord does not tell, or the place has no permissions, as direct messages
 */
export type Missing = "files" | "other" | "none" | "unknown";

/** The subject of a refusal. */
export type Subject = "place" | "message" | "files";

/** A refusal of a message. */
export interface MessageRefusal {
  /** Discord's error code; absent if it sent none. */
  readonly code?: number | undefined;
  /** Number of files that the message had. */
  readonly fileCount: number;
}

/**
 * Codes of a 400 for a refusal by the place and not by the message: a person who accepts no
 * messages, an archived thread, a locked one.
 */
const PLACES_IN_400: ReadonlySet<number> = new Set([50007, 50083, 160005]);

/**
 * Codes that name the place, so that no permission needs to be missing: an unknown channel or
 * guild, a bot that Discord has flagged, direct messages opened too fast, a forum post without its
 * first message, a verification level, and a person without a common server.
 */
const PLACES: ReadonlySet<number> = new Set([
  ...PLACES_IN_400,
  10003,
  10004,
  20026,
  40003,
  40058,
  50009,
  50278,
]);

/** Codes that name the message: blocked by AutoMod, by a filter of links or of explicit content. */
const MESSAGES: ReadonlySet<number> = new Set([20009, 200000, 200001, 240000]);

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

/** Decides what a refusal is about, once the bot's permissions in the place were looked up. */
export function subjectOf({ code, fileCount }: MessageRefusal, missing: Missing): Subject {
  if (code !== undefined && PLACES.has(code)) return "place";
  if (code !== undefined && MESSAGES.has(code)) return "message";
  switch (missing) {
    case "files":
    case "none": // without its files, the message may be accepted
      return fileCount > 0 ? "files" : "message";
    case "other":
    case "unknown":
      return "place";
  }
}
