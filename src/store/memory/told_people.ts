/**
 * Remembers for a minute who knows that a message of theirs gets no answer (X4).
 *
 * A place has one notice a minute, so that many people do not fill it with notices: the others' own
 * messages get a mark. A restart forgets all of it.
 */

import type { AccountId, ChannelId, UserId } from "../../core/discord/ids.ts";
import type { HowTold } from "../../core/inbound/inbox.ts";

/** Milliseconds until a person or a place may get another notice. */
const AGAIN_MS = 60_000;
/** Number of entries from which the old ones are looked for. */
const MANY = 4_096;
/** Maximum number of entries; the oldest are forgotten first. */
const MAX = 32_768;
/** Estimated bytes of an entry. */
const ENTRY_BYTES = 140;

/** A person in a place. */
export interface ToldPerson {
  readonly accountId: AccountId;
  readonly channelId: ChannelId;
  readonly userId: UserId;
}

/** Creates memory without entries. */
export function createToldPeople() {
  /** Unix milliseconds of the last notice or mark, by person and by place; the oldest is the first. */
  const told = new Map<string, number>();

  function note(key: string, now: number): void {
    told.delete(key);
    told.set(key, now);
    if (told.size < MANY) return;
    for (const [oldest, at] of told) {
      if (told.size <= MAX && now - at < AGAIN_MS) break;
      told.delete(oldest);
    }
  }

  const isRecent = (key: string, now: number) => now - (told.get(key) ?? -Infinity) < AGAIN_MS;
  const placeOf = ({ accountId, channelId }: ToldPerson) => `${accountId} ${channelId}`;
  const personOf = (person: ToldPerson) => `${placeOf(person)} ${person.userId}`;

  return {
    /** Whether a person got a notice or a mark within the last minute. */
    has: (person: ToldPerson, now: number): boolean => isRecent(personOf(person), now),
    /** Whether a person's place had a notice within the last minute. */
    hasNotice: (person: ToldPerson, now: number): boolean => isRecent(placeOf(person), now),
    /** Notes that a person got a notice or a mark. */
    note(person: ToldPerson, how: HowTold, now: number): void {
      note(personOf(person), now);
      if (how === "notice") note(placeOf(person), now);
    },
    /** Forgets all people: each may get a notice again. */
    forget: (): void => told.clear(),
    /** Estimated bytes of memory. */
    bytes: (): number => told.size * ENTRY_BYTES,
  };
}

/** People who know. */
export type ToldPeople = ReturnType<typeof createToldPeople>;
