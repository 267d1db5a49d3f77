/**
 * Remembers for a while what this process knows of channels and people, so that it need not search the
 * tables.
 */

import type { AccountId, ChannelId, UserId } from "../../core/discord/ids.ts";
import type { HowTold } from "../../core/inbound/inbox.ts";
import type { OverheardKey } from "../../core/store/turns.ts";

/** Maximum number of channels and sessions; at the limit, all are forgotten. */
const MAX_QUIET = 8_192;

/** A channel whose context a session has read. */
interface QuietChannel {
  /** Number of messages kept in it since then. */
  kept: number;
  /** For each session, the value of `kept` up to which it has read them all. */
  readonly readUpTo: Map<string, number>;
}

export function createQuietChannels() {
  const accounts = new Map<AccountId, Map<ChannelId, QuietChannel>>();
  let size = 0;

  const channelOf = ({ accountId, channelId }: OverheardKey) =>
    accounts.get(accountId)?.get(channelId);

  function forget(): void {
    accounts.clear();
    size = 0;
  }

  return {
    kept(key: OverheardKey): void {
      const channel = channelOf(key);
      if (channel) channel.kept++;
    },
    /** Whether nothing was kept in the channel since `allRead`. */
    isQuiet(key: OverheardKey, sessionKey: string): boolean {
      const channel = channelOf(key);
      return channel !== undefined && channel.readUpTo.get(sessionKey) === channel.kept;
    },
    /** Notes that the tables hold no context that the session has not read. */
    allRead(key: OverheardKey, sessionKey: string): void {
      if (size >= MAX_QUIET) forget();
      const { accountId, channelId } = key;
      const channels = accounts.get(accountId) ?? new Map<ChannelId, QuietChannel>();
      accounts.set(accountId, channels);
      const channel = channels.get(channelId) ?? { kept: 0, readUpTo: new Map<string, number>() };
      channels.set(channelId, channel);
      if (!channel.readUpTo.has(sessionKey)) size++;
      channel.readUpTo.set(sessionKey, channel.kept);
    },
    /** Forgets all channels; the tables must then be read again. */
    forget,
  };
}

/** Milliseconds until a person or a place may get another notice. */
const AGAIN_MS = 60_000;
/** Number of entries from which the old ones are looked for. */
const MANY = 4_096;
/** Maximum number of entries; the oldest are forgotten first. */
const MAX = 32_768;

interface ToldPerson {
  readonly accountId: AccountId;
  readonly channelId: ChannelId;
  readonly userId: UserId;
}

/**
 * Remembers for a minute who knows that a message of theirs gets no answer (X4).
 *
 * A place has one notice a minute, so that many people do not fill it with notices: the others' own
 * messages get a mark. A restart forgets all of it.
 *
 * Creates memory without entries.
 */
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
  };
}
