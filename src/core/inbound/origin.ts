/**
 * Where a turn comes from, if not from a message at Discord, and what follows from that.
 *
 * Who makes a message decides its origin, once. Whatever depends on it is a column of {@link TERMS}, or
 * is in the origin itself.
 */

import type { GuildId } from "../discord/ids.ts";
import type { Hooked } from "../hooks/hook.ts";
import type { InboundMessage, Triggered } from "./inbound.ts";

/** How a person has spoken a message in a voice channel (V5). */
export interface Spoken {
  /** Length of the sound. */
  readonly seconds: number;
}

/** A turn of a message's sender alone, with their own accounts (T13a). */
export interface OwnTurn {
  /** The server whose tools it has. */
  readonly server: string;
  /** The channel in which the person asked; absent: direct messages. */
  readonly from?: Pick<InboundMessage, "channelId" | "place"> & { readonly guildId: GuildId };
}

/** The schedule whose run a message is (T12). */
export interface Scheduled {
  /** The store's number of the schedule. */
  readonly scheduleId: number;
  readonly dueAt: number;
  /** The agent that set it, which answers; absent in old ones: N2 decides. */
  readonly agentId?: string;
  /** Set if it began later, because the bot did not run then. */
  readonly isLate?: true;
}

/** Discord lacks a message that has one. */
export type Origin =
  /** A question by a command (K6). */
  | { readonly kind: "command" }
  /** A question by a command, or a message handed over, for the person's own accounts. */
  | { readonly kind: "own" } & OwnTurn
  | { readonly kind: "schedule" } & Scheduled
  /** The run of a passive agent (N1). */
  | { readonly kind: "passive" } & Triggered
  /** Events of another program (W3), or of a server (W7). */
  | { readonly kind: "hook" | "event" } & Hooked
  | { readonly kind: "speech" } & Spoken;

/** What follows from an origin. */
export interface Terms {
  /** What people see while the turn runs; typing with both. Lines would lack the mark of T13a. */
  readonly shows: "drafts and lines" | "drafts" | "nothing";
  /** How it is answered: only messages that are answered alike share a turn; absent: alone (S5). */
  readonly answered?: "in text" | "by voice";
  /** How its author learns that it gets no answer; absent: not there. No mark can reach a command. */
  readonly refused?: "by a mark" | "in words";
  /** Whether people read that it failed, where it would be answered. */
  readonly failed: "told" | "told in direct messages" | "silent";
  /** Set if its words choose no agent and no account (N2). */
  readonly isRouted?: true;
  /** Set if no person causes it now: it takes no one's place in the limit, and no one wrote its text. */
  readonly isUnasked?: true;
}

const TYPED: Terms = {
  shows: "drafts and lines",
  answered: "in text",
  refused: "by a mark",
  failed: "told",
};

/** `discord`: a message without an origin. */
export const TERMS: Readonly<Record<Origin["kind"] | "discord", Terms>> = {
  discord: TYPED,
  command: { ...TYPED, refused: "in words" },
  own: { ...TYPED, refused: "in words", shows: "drafts" },
  // Elsewhere, the owners of the bot learn of a failure.
  schedule: { shows: "drafts and lines", failed: "told in direct messages", isUnasked: true },
  passive: { shows: "nothing", failed: "silent", isRouted: true },
  // With its own words: an alert must not be lost with its model.
  hook: { shows: "nothing", failed: "told", isRouted: true, isUnasked: true },
  event: { shows: "nothing", failed: "silent", isRouted: true, isUnasked: true },
  speech: { shows: "nothing", answered: "by voice", failed: "told" },
};

type WithOrigin = Pick<InboundMessage, "origin">;

export function termsOf({ origin }: WithOrigin): Terms {
  return TERMS[origin?.kind ?? "discord"];
}

/** Whether Discord has the message, so that it can be quoted, marked and edited. */
export function isAtDiscord({ origin }: WithOrigin): boolean {
  return origin === undefined;
}

/** Whether a person wrote its text at Discord, and no one else has read or copied it. */
export function isTyped({ origin }: WithOrigin): boolean {
  return origin === undefined || origin.kind === "command";
}

/** The origin of a message, if it is of that kind. */
export function cameBy<Kind extends Origin["kind"]>(
  { origin }: WithOrigin,
  kind: Kind,
): Extract<Origin, { readonly kind: Kind }> | undefined {
  return origin?.kind === kind ? origin as Extract<Origin, { readonly kind: Kind }> : undefined;
}

/** The events that a message is; `undefined`: it is none. */
export function hookedOf({ origin }: WithOrigin): Hooked | undefined {
  return origin?.kind === "hook" || origin?.kind === "event" ? origin : undefined;
}
