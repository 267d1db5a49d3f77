/**
 * Notes of the agent's memory, and who may see them (T14, SEC-R4).
 *
 * A note belongs to the space in which it was written: a guild, a group, or the direct messages of
 * one person. No turn outside of this space sees it. A note of an age-restricted channel has a key of
 * its own, so only turns in such channels see it (H9).
 */

import type { ChannelId, MessageId, UserId } from "../discord/ids.ts";
import type { InboundMessage } from "../inbound/inbound.ts";

export const NOTE_SCOPES = ["member", "channel", "guild", "agent"] as const;

/**
 * Whose notes they are.
 *
 * - `member`: of one person in a guild, seen only in this person's turns there.
 * - `channel`: of a channel, a thread, a group, or the direct messages of a person.
 * - `guild`: of all channels of a guild; only owners write them.
 * - `agent`: of all direct messages of owners; only owners write and see them.
 */
export type NoteScope = (typeof NOTE_SCOPES)[number];

export interface Note {
  /** The store's number, which is never used again. */
  readonly id: number;
  /** The agent whose turns see it. */
  readonly agentId: string;
  readonly scope: NoteScope;
  readonly scopeKey: string;
  readonly space: string;
  /** The channel or thread in which it was written. */
  readonly channelId: ChannelId;
  /** The person in whose turn it was written. */
  readonly authorId: UserId;
  readonly text: string;
  /** Messages that it came from; if one is deleted, so is the note. */
  readonly sources: readonly MessageId[];
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface NewNote extends Omit<Note, "id" | "createdAt" | "updatedAt"> {
  /** Identifies the call that saves it, so that a repeated call saves no second one. */
  readonly callKey: string;
  /** Whether it stays if a message goes that its turn has only read (H6a). */
  readonly isOwnWords: boolean;
}

/** Whether each word of a note stands in some texts. */
export function hasOnlyWordsOf(note: string, texts: readonly string[]): boolean {
  const wordsOf = (text: string) => text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return new Set(wordsOf(note)).isSubsetOf(new Set(texts.flatMap(wordsOf)));
}

/** Maximum number of notes with one key. */
export const MAX_NOTES = 200;
/** Maximum characters of a note. */
export const MAX_NOTE_CHARS = 1_000;

/** The facts of a message that decide which notes its turn sees. */
type NoteAsker = Pick<InboundMessage, "place" | "channelId" | "guildId" | "sender">;

/** The space of a message: notes never leave it. */
export function spaceOf({ place, channelId, sender }: NoteAsker): string {
  switch (place.kind) {
    case "guild":
      return `guild:${place.guild.id}`;
    case "group_dm":
      return `group:${channelId}`;
    case "dm":
      return `dm:${sender.id}`;
  }
}

/**
 * The key of a scope, for a message.
 *
 * @returns `undefined` if the place has no such scope: `guild` outside of guilds, `agent` outside of
 * direct messages.
 */
export function scopeKeyOf(scope: NoteScope, asker: NoteAsker): string | undefined {
  const { place, channelId, sender } = asker;
  switch (scope) {
    case "member":
      return `member:${spaceOf(asker)}:${memberOf(sender)}${ageLimitOf(place)}`;
    case "channel":
      return `channel:${channelId}`; // it has one age limit
    case "guild":
      return place.kind === "guild" ? `${spaceOf(asker)}${ageLimitOf(place)}` : undefined;
    case "agent":
      return place.kind === "dm" ? "agent" : undefined;
  }
}

/** The keys of all notes that a turn may see. */
export function visibleKeys(asker: NoteAsker, isOwner: boolean): readonly string[] {
  const keys = NOTE_SCOPES.flatMap((scope) => {
    const key = scope === "agent" && !isOwner ? undefined : scopeKeyOf(scope, asker);
    return key === undefined ? [] : [key];
  });
  const { place } = asker;
  if (place.kind !== "guild" || !place.isAgeRestricted) return keys;
  const { isAgeRestricted: _, ...unrestricted } = place;
  return [...new Set([...keys, ...visibleKeys({ ...asker, place: unrestricted }, isOwner)])];
}

function ageLimitOf(place: NoteAsker["place"]): string {
  return place.kind === "guild" && place.isAgeRestricted ? ":age-restricted" : "";
}

/** Members of a PluralKit system share an account, and are different people. */
function memberOf({ id, pluralkit }: NoteAsker["sender"]): string {
  return pluralkit ? `${id}/pk:${pluralkit.memberId}` : id;
}
