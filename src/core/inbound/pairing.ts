/** Decides how an unpaired sender gets permission to write to the bot (P3). */

import { type AccountId, type ChannelId, type MessageId, type UserId } from "../discord/ids.ts";
import type { Frozen } from "../outbound/outbound.ts";
import { ignored, type Verdict } from "./inbox.ts";

/** An unpaired sender who waits for approval. Times are Unix time in milliseconds. */
export interface PairingRequest {
  readonly id: number;
  /** The account of ours to which the unpaired sender wrote. */
  readonly accountId: AccountId;
  readonly userId: UserId;
  /**
   * User name at the time of the request. Another person can take it later, so it is for display
   * only.
   */
  readonly username: string;
  /** The unpaired sender's direct message channel with the bot. */
  readonly channelId: ChannelId;
  readonly messageId: MessageId;
  /** The code that the unpaired sender got, as {@link codeFrom} writes it. */
  readonly code: string;
  /** Ids of the two buttons that the owner gets; they contain no state. */
  readonly buttons: { readonly approve: string; readonly deny: string };
  /** When the unpaired sender got the code. */
  readonly createdAt: number;
  /** When the code stops working, {@link CODE_LIFE_MS} later. */
  readonly expiresAt: number;
}

export interface Paired {
  /** The account of ours to which the person may write. */
  readonly accountId: AccountId;
  readonly userId: UserId;
  /** User name at the time of the request, for display only. */
  readonly username: string;
  readonly pairedAt: number;
  /** `"cli"`, or the user id of the owner who pressed the button. */
  readonly pairedBy: string;
}

/** What an unpaired sender gets, if the store makes a request of the message. */
export interface PairingOffer {
  /** A random code, as {@link codeFrom} writes it. */
  readonly code: string;
  /** Ids of the two buttons that the owner gets: 128 random bits each. */
  readonly buttons: PairingRequest["buttons"];
  /** The messages of kind `challenge` that give the code. */
  readonly messages: readonly Frozen[];
}

/**
 * The stored facts when an unpaired sender's message arrives, about the unpaired sender and the
 * account.
 */
export interface PairingState {
  /** Whether the sender is paired with this account. */
  readonly isPaired: boolean;
  /** State of the sender's last code while its hour lasts; absent if there is none. */
  readonly last?: "pending" | "approved" | "denied";
  /** Waiting requests of all unpaired senders. */
  readonly pending: number;
  /** Codes given within the last {@link CODES_WINDOW_MS}, decided or not. */
  readonly given: number;
}

/**
 * Decides about an unpaired sender's direct message.
 *
 * An unpaired sender with a code has an answer in the chat. If Barnacle answered each further
 * message, unpaired senders could make the bot talk. The same holds after a denial, or after a
 * pairing was taken back: within the hour there is no second code.
 *
 * @param rule Config path of the rule that lets unpaired senders ask.
 */
export function settlePairing(state: PairingState, rule: string): Verdict {
  if (state.isPaired) return { kind: "accept", why: "dm-paired", rule };
  if (state.last === "pending") return ignored("pairing-pending", rule);
  if (state.last !== undefined) return ignored("pairing-denied", rule);
  if (state.pending >= MAX_PENDING || state.given >= MAX_CODES) {
    return ignored("pairing-full", rule);
  }
  return { kind: "challenge", why: "pairing", rule };
}

/** Milliseconds for which a code works. */
export const CODE_LIFE_MS = 60 * 60 * 1_000;
/** Maximum number of an account's requests that wait at once. */
export const MAX_PENDING = 20;
/**
 * Maximum number of codes, and so of replies to unpaired senders, that one account gives within
 * {@link CODES_WINDOW_MS}.
 */
export const MAX_CODES = 10;
/**
 * A minute in milliseconds, plus 5 s for requests on their way. So Discord sees at most {@link
 * MAX_CODES} in any minute.
 */
export const CODES_WINDOW_MS = 65 * 1_000;
/** A decision on a request, by its code or by its button. */
export interface PairingDecision {
  readonly accountId: AccountId;
  /** A code as a person typed it, or the `custom_id` of a pressed button. */
  readonly by: { readonly code: string } | { readonly button: string };
  /** Used for a code only: a button stands for one of the two. */
  readonly how: "approve" | "deny";
  /** `"cli"`, or the user id of the owner who pressed the button. */
  readonly decidedBy: string;
  readonly now: number;
  /** Messages for an approved person. The store addresses them to the channel of the request. */
  readonly notify: readonly Frozen[];
}

/** The result of an attempt to decide a request. */
export type PairingOutcome =
  | { readonly kind: "approved" | "denied"; readonly request: PairingRequest }
  /**
   * No request has that code or button. `wrongInRow` counts wrong codes in a row; 0 for a button.
   */
  | { readonly kind: "unknown"; readonly wrongInRow: number }
  /**
   * Too many wrong codes in a row: Barnacle checks none before `until`, Unix time in milliseconds.
   */
  | { readonly kind: "closed"; readonly until: number }
  /** The code is over an hour old, or the request was decided before. */
  | { readonly kind: "expired" | "already"; readonly request: PairingRequest };

/** Wrong codes in a row that close approval by code. */
export const MAX_WRONG_CODES = 5;
/** Milliseconds for which approval by code stays closed. */
export const CLOSED_MS = 60 * 1_000;

export interface WrongCodes {
  /** Number of wrong codes since the last right one, or since approval was closed. */
  readonly count: number;
  /** Unix time in milliseconds at which there were too many; absent before. */
  readonly closedAt?: number;
}

/**
 * Until when approval by code is closed.
 *
 * A clock that was set back does not close it for longer.
 *
 * @returns Unix time in milliseconds; `undefined` if it is open.
 */
export function closedUntil({ closedAt }: WrongCodes, now: number): number | undefined {
  const isClosed = closedAt !== undefined && now >= closedAt && now < closedAt + CLOSED_MS;
  return isClosed ? closedAt + CLOSED_MS : undefined;
}

/** The record after one more wrong code. After approval was closed, the count begins anew. */
export function afterWrongCode({ count, closedAt }: WrongCodes, now: number): WrongCodes {
  const next = closedAt === undefined ? count + 1 : 1;
  return { count: next, closedAt: next >= MAX_WRONG_CODES ? now : undefined };
}

/** 32 letters, so that five bits are one without bias; none looks like another. */
const LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_LENGTH = 8;

/**
 * Makes a code.
 *
 * @param bytes Eight bytes from a cryptographic random source; five bits of each are used.
 * @returns A code of 40 bits, such as `"K7XQ2MPR"`.
 * @throws {RangeError} If there are not exactly eight bytes.
 */
export function codeFrom(bytes: Uint8Array): string {
  if (bytes.length !== CODE_LENGTH) {
    throw new RangeError(
      `Cannot make a code of ${bytes.length} bytes: it takes exactly ${CODE_LENGTH}`,
    );
  }
  return Array.from(bytes, (byte) => LETTERS.charAt(byte & 31)).join("");
}

const CODE = new RegExp(`^[${LETTERS}]{${CODE_LENGTH}}$`, "i");

/**
 * Reads a code as a person types it: in lower case, in groups, with spaces around it.
 *
 * @returns The code as {@link codeFrom} writes it, or `undefined` if the text is no code. A
 * character that codes do not use is never replaced by a similar one.
 */
export function readCode(text: string): string | undefined {
  const code = text.replace(/[\s\p{Pd}]/gu, "");
  return CODE.test(code) ? code.toUpperCase() : undefined;
}
