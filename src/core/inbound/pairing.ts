/**
 * Pairing: how a stranger comes to be somebody who may write to the bot (P3).
 *
 * Here are the rules, over plain facts; the store asks them within the transaction that records a
 * message, so two processes cannot both give a code, or approve one that was just denied.
 *
 * @module
 */

import type { AccountId, ChannelId, MessageId, UserId } from "../discord/ids.ts";
import type { InboundMessage } from "./inbound.ts";
import type { Frozen } from "../outbound/outbound.ts";
import type { IgnoreReason, Verdict } from "./verdict.ts";

/** A stranger who waits to be let in. Times are Unix time in milliseconds. */
export interface PairingRequest {
  readonly id: number;
  readonly accountId: AccountId;
  readonly userId: UserId;
  /** As it was when they asked; anybody may take it later, so it is for people only. */
  readonly username: string;
  /** Their direct channel with the bot. */
  readonly channelId: ChannelId;
  /** The message that was challenged. */
  readonly messageId: MessageId;
  readonly code: string;
  /** What the owner's buttons are known by; they carry no state. */
  readonly buttons: { readonly approve: string; readonly deny: string };
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** Somebody who may write to the bot. */
export interface Paired {
  readonly accountId: AccountId;
  readonly userId: UserId;
  readonly username: string;
  /** Unix time in milliseconds. */
  readonly pairedAt: number;
  /** `"cli"`, or the id of the owner who pressed the button. */
  readonly pairedBy: string;
}

/** What making a request takes from outside of the store. */
export interface PairingService {
  newCode(): string;
  /** A name for a button: 128 bits that nobody guesses. */
  newButton(): string;
  /** What the stranger is told, as messages of kind `challenge`. */
  challenge(message: InboundMessage, code: string): readonly Frozen[];
}

/** What came of an attempt to decide a request. */
export type PairingOutcome =
  | { readonly kind: "approved" | "denied"; readonly request: PairingRequest }
  /** No request has that code or button; how many codes in a row were wrong, 0 of a button. */
  | { readonly kind: "unknown"; readonly wrongInRow: number }
  /** Too many codes were wrong: none is looked at before this Unix time in milliseconds. */
  | { readonly kind: "closed"; readonly until: number }
  /** Its hour is over, or somebody was first. */
  | { readonly kind: "expired" | "already"; readonly request: PairingRequest };

/** How long a code is good for after it was made, in milliseconds. */
export const CODE_LIFE_MS = 60 * 60 * 1_000;
/** Requests of one account that may wait at once. */
export const MAX_PENDING = 20;
/** Codes that one account gives within {@link CODES_WINDOW_MS}, and so replies to strangers. */
export const MAX_CODES = 10;
/** A minute, and a little for what is on its way: at Discord there are no more in any minute. */
export const CODES_WINDOW_MS = 65 * 1_000;
/** Wrong codes in a row that close approval by code. */
export const MAX_WRONG_CODES = 5;
/** For how long, in milliseconds. */
export const CLOSED_MS = 60 * 1_000;

/** 32 letters, so that five bits are one without bias; none looks like another. */
const LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_LENGTH = 8;

/** What is known when a stranger's message comes, of them and of the account as a whole. */
export interface PairingState {
  readonly isPaired: boolean;
  /** What became of the code that they were given, while its hour lasts. */
  readonly last?: "pending" | "approved" | "denied";
  /** Requests that wait, of anybody. */
  readonly pending: number;
  /** Codes that were given within the last {@link CODES_WINDOW_MS}, whatever became of them. */
  readonly given: number;
}

/**
 * What becomes of a stranger's direct message.
 *
 * They have their answer in the chat once they have a code. To answer each of their messages would
 * let strangers make the bot talk. So it is with those who were refused, or whose pairing was taken
 * back: within the hour there is no second code.
 *
 * @param rule Config path of the rule that lets strangers ask.
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

function ignored(why: IgnoreReason, rule: string): Verdict {
  return { kind: "ignore", why, rule, keepAsContext: false };
}

/** Wrong codes in a row, of an account, and when there came to be too many of them. */
export interface WrongCodes {
  readonly count: number;
  /** Unix time in milliseconds. */
  readonly closedAt?: number;
}

/**
 * Until when no code is looked at, as Unix time in milliseconds; `undefined` where one is.
 *
 * A clock that was set back since does not close it for longer.
 */
export function closedUntil({ closedAt }: WrongCodes, now: number): number | undefined {
  const isClosed = closedAt !== undefined && now >= closedAt && now < closedAt + CLOSED_MS;
  return isClosed ? closedAt + CLOSED_MS : undefined;
}

/** What a wrong code adds up to; after the minute for which it was closed the count begins anew. */
export function afterWrongCode({ count, closedAt }: WrongCodes, now: number): WrongCodes {
  const next = closedAt === undefined ? count + 1 : 1;
  return { count: next, ...(next >= MAX_WRONG_CODES && { closedAt: now }) };
}

/**
 * Makes a code.
 *
 * @param bytes Eight, from a source that nobody can guess; five bits of each are used.
 * @returns Such as `"K7XQ2MPR"`: 40 bits.
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
 * @returns It as {@link codeFrom} writes it, or `undefined` if it is none. A character that codes
 * do not have is not taken for one that looks like it.
 */
export function readCode(text: string): string | undefined {
  const code = text.replace(/[\s\p{Pd}]/gu, "");
  return CODE.test(code) ? code.toUpperCase() : undefined;
}
