/**
 * Decides whether everyone who reads an answer may read its source, by Discord's permissions of
 * this moment. This is the one rule of all tools that read (T4): owners of the bot are readers like
 * others.
 */

import { type UserId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import {
  type Channel,
  isVoice,
  mayAllRead,
  type MemberFacts,
  membersInQuestion,
  missingRight,
  neededIn,
  type Permission,
  type ReadPlace,
} from "../../core/rights/rights.ts";
import { type GuildReads } from "../../discord/rest/requests/guild_reads.ts";
import type { Clock } from "../../lib/clock.ts";

/**
 * Whether all readers of the answer to a message may read a channel, which is no thread; with needs,
 * whether they may see it and have these.
 *
 * @param source Absent: the server; the needs are rights in all of it.
 */
type MayAllRead = (
  answered: {
    readonly place: InboundMessage["place"];
    /** Its only one. */
    readonly reader?: UserId;
  },
  source: Channel | undefined,
  needs?: readonly Permission[],
) => Promise<boolean>;

/** People with overwrites of their own that one call looks at; with more, it shows less. */
const MAX_MEMBERS = 50;

/**
 * Creates the check of one call.
 *
 * @param reads The server of the sources.
 */
export function createReaders(reads: GuildReads, { now }: Clock): MayAllRead {
  const known = new Map<UserId, MemberFacts | undefined>();
  return async ({ place, reader }, source, needs) => {
    if (reader && source) {
      const [seen, member] = [readPlaceOf(source), await reads.member(reader)];
      return !missingRight(await reads.facts(), member, seen, neededIn(seen, needs), now());
    }
    const home = place.kind === "guild" && (await reads.channels()).get(place.channel.id);
    if (!home) return false; // the answer is in another server
    const guild = await reads.facts();
    const [from, to] = [readPlaceOf(home), readPlaceOf(source ?? home)];
    const mayAll = (members: typeof known) => mayAllRead(guild, from, to, members, now(), needs);
    const ids = membersInQuestion(guild, from, to, needs);
    // Roles alone close most channels, and cost no request.
    if (ids.length > 0 && !mayAll(new Map(ids.map((id) => [id, undefined])))) return false;
    for (const id of ids) {
      // The others are not known, so the channel stays closed.
      if (!known.has(id) && known.size < MAX_MEMBERS) known.set(id, await reads.member(id));
    }
    return mayAll(known);
  };
}

/** The facts of a channel that decide who reads it. */
export function readPlaceOf(channel: Channel): ReadPlace {
  return { overwrites: channel.overwrites, isVoice: isVoice(channel) };
}
