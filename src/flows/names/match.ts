/**
 * Which names of the config are which ids, of what is known of guilds and their members (P12).
 *
 * A name is an id where it is exactly one thing's: a second candidate leaves it a
 * name, and is named to the operator. What a name may be written as is policy's
 * to say, so nothing is found here that the entry would not have let in.
 *
 * @module
 */

import {
  type ChannelId,
  type GuildId,
  parseSnowflake,
  type RoleId,
  type Snowflake,
  type UserId,
} from "../../core/discord/ids.ts";
import type { Named, Sender } from "../../core/inbound/inbound.ts";
import type { ResolvedName } from "../../core/names.ts";
import { prepareAllowlist } from "../../policy/allowlist.ts";
import { isFormOf } from "../../policy/entries.ts";
import type { UnresolvedName } from "../../policy/pinned.ts";

/** A guild, as far as names go. */
export interface GuildNames extends Named<GuildId> {
  /** Without threads, which have no entries by name. */
  readonly channels: readonly Named<ChannelId>[];
  readonly roles: readonly Named<RoleId>[];
}

/** Somebody whom Discord names for what was asked; it asks nicknames, too. */
export interface FoundMember {
  readonly userId: UserId;
  readonly username: string;
  /** `"ada#1234"`; only accounts that still have a discriminator have one. */
  readonly tag?: string;
  /** Set of a bot, whose username many may have. */
  readonly isBot?: true;
}

/** All that names are matched against. */
export interface KnownNames {
  readonly guilds: readonly GuildNames[];
  /** What was found to be an id before: nothing else is. */
  readonly resolved: readonly ResolvedName[];
  /** Who was found for a name in a guild; `undefined` where that was not asked. */
  readonly membersOf: (guildId: GuildId, typed: string) => readonly FoundMember[] | undefined;
  /** Unix time in milliseconds. */
  readonly now: number;
}

/** What a name may be: an id, and what people call it. */
export type Candidate = Named<Snowflake>;

/** What became of one name; of an entry of `guilds."*"`, of each guild in which it is something. */
export type Matched =
  | { readonly kind: "resolved"; readonly wanted: UnresolvedName; readonly name: ResolvedName }
  /** A role's name stays one: roles have no names that strangers could take. */
  | { readonly kind: "role"; readonly wanted: UnresolvedName; readonly role: Named<RoleId> }
  | {
    readonly kind: "ambiguous";
    readonly wanted: UnresolvedName;
    /** Oldest first. */
    readonly candidates: readonly Candidate[];
  }
  | { readonly kind: "unfound"; readonly wanted: UnresolvedName; readonly why: UnfoundReason };

/**
 * - `no-match`: there is nothing of that name where it was looked for.
 * - `no-guild`: the guild that the entry is for is not among the bot's.
 * - `not-searched`: members could not be searched, or not all of them.
 */
export type UnfoundReason = "no-match" | "no-guild" | "not-searched";

/** @returns For each name that is wanted, in order, at least one. */
export function matchNames(
  wanted: readonly UnresolvedName[],
  known: KnownNames,
): readonly Matched[] {
  return wanted.flatMap((one): readonly Matched[] => {
    if (one.kind === "guild") return matchGuild(one, known);
    const guilds = guildsFor(one, known);
    if (guilds.length === 0) return unfound(one, "no-guild");
    switch (one.kind) {
      case "channel":
        return matchChannel(one, guilds, known);
      case "role":
        return matchRole(one, guilds);
      case "user":
        return matchUser(one, guilds, known);
    }
  });
}

/** In which guilds somebody of which name is to be looked for, each once. */
export function searchesFor(
  wanted: readonly UnresolvedName[],
  known: Pick<KnownNames, "guilds" | "resolved">,
): readonly { readonly guildId: GuildId; readonly typed: string }[] {
  const searches = wanted.flatMap((one) => {
    const guilds = one.kind === "user" ? guildsFor(one, known) : [];
    return guilds.map(({ id }) =>
      [`${id} ${one.typed}`, { guildId: id, typed: one.typed }] as const
    );
  });
  return [...new Map(searches).values()];
}

/** The guilds that an entry of the config is for; of a direct message's, all. */
function guildsFor(
  { kind, guild: key }: UnresolvedName,
  { guilds, resolved }: Pick<KnownNames, "guilds" | "resolved">,
): readonly GuildNames[] {
  if (key === undefined) return kind === "user" ? guilds : []; // nobody has a role in one
  if (key === "*") return guilds;
  const isIt = resolved.find((name) => name.kind === "guild" && name.typed === key);
  const id = isIt?.id ?? parseSnowflake<"guild">(key);
  if (id) return guilds.filter((guild) => guild.id === id);
  const named = guilds.filter(({ name }) => isFormOf(key, name));
  return named.length === 1 ? named : [];
}

function matchGuild(wanted: UnresolvedName, { guilds, now }: KnownNames): readonly Matched[] {
  const { typed } = wanted;
  const found = guilds.filter(({ name }) => isFormOf(typed, name));
  return one(wanted, found, ({ id, name }) => {
    return { kind: "resolved", wanted, name: { kind: "guild", id, name, typed, at: now } };
  });
}

function matchChannel(
  wanted: UnresolvedName,
  guilds: readonly GuildNames[],
  { now }: KnownNames,
): readonly Matched[] {
  const { typed } = wanted;
  return inEach(wanted, guilds, ({ id: guildId, channels }) => {
    const found = channels.filter(({ name }) => isFormOf(typed, name));
    return one(wanted, found, ({ id, name }) => {
      const resolved: ResolvedName = { kind: "channel", id, guildId, name, typed, at: now };
      return { kind: "resolved", wanted, name: resolved };
    });
  });
}

function matchRole(wanted: UnresolvedName, guilds: readonly GuildNames[]): readonly Matched[] {
  return inEach(wanted, guilds, ({ roles }) => {
    const found = roles.filter(({ name }) => name === wanted.typed);
    return one(wanted, found, ({ id, name }) => ({ kind: "role", wanted, role: { id, name } }));
  });
}

/** What a name is in each guild in which it is something. */
function inEach(
  wanted: UnresolvedName,
  guilds: readonly GuildNames[],
  match: (guild: GuildNames) => readonly Matched[],
): readonly Matched[] {
  const matched = guilds.flatMap(match).filter(({ kind }) => kind !== "unfound");
  return matched.length > 0 ? matched : unfound(wanted, "no-match");
}

/**
 * Discord tells no more of them: anybody may take a nickname that begins like a name, and a thousand
 * who do must not make it seem that there is nobody of that name.
 */
export const MAX_FOUND = 1_000;

function matchUser(
  wanted: UnresolvedName,
  guilds: readonly GuildNames[],
  { membersOf, now }: KnownNames,
): readonly Matched[] {
  const { typed } = wanted;
  const entryFor = prepareAllowlist([{ kind: "name", name: typed }]);
  const found = new Map<UserId, Named<UserId>>();
  let isSearched = true;
  for (const { id: guildId } of guilds) {
    const members = membersOf(guildId, typed);
    isSearched &&= members !== undefined && members.length < MAX_FOUND;
    for (const { userId: id, username, tag, isBot } of members ?? []) {
      const sender: Sender = {
        id,
        username,
        roles: [],
        ...(tag !== undefined && { tag }),
        ...(isBot && { automaton: "bot" }),
      };
      if (entryFor(sender)) found.set(id, { id, name: tag ?? username });
    }
  }
  if (found.size === 0 && !isSearched) return unfound(wanted, "not-searched");
  return one(wanted, [...found.values()], ({ id, name }) => {
    return { kind: "resolved", wanted, name: { kind: "user", id, name, typed, at: now } };
  });
}

function one<Thing extends Candidate>(
  wanted: UnresolvedName,
  found: readonly Thing[],
  matched: (thing: Thing) => Matched,
): readonly Matched[] {
  const [first, ...others] = found;
  if (!first) return unfound(wanted, "no-match");
  if (others.length === 0) return [matched(first)];
  const candidates = found.map(({ id, name }) => ({ id, name }))
    .sort((a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1));
  return [{ kind: "ambiguous", wanted, candidates }];
}

function unfound(wanted: UnresolvedName, why: UnfoundReason): readonly Matched[] {
  return [{ kind: "unfound", wanted, why }];
}
