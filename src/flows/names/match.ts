/**
 * Matches names in the config with ids, by the known guilds and members (P12).
 *
 * A name resolves to an id only if exactly one object has it. With a second candidate it stays a
 * name, and the operator sees the candidates. Policy decides which spellings of a name match, so a
 * name resolves only to an object that its entry matches anyway.
 */

import type { FoundMember, GuildNames, Named, Sender } from "../../core/inbound/inbound.ts";
import {
  type GuildId,
  parseSnowflake,
  type RoleId,
  type Snowflake,
  type UserId,
} from "../../core/discord/ids.ts";
import type { ResolvedName } from "../../core/names.ts";
import { prepareAllowlist } from "../../policy/rules/allowlist.ts";
import { isFormOf } from "../../policy/rules/checks.ts";
import type { UnresolvedName } from "../../policy/rules/pinned.ts";

export interface KnownNames {
  readonly guilds: readonly GuildNames[];
  readonly resolved: readonly ResolvedName[];
  /** Members found for a name in a guild; `undefined` if Barnacle did not search. */
  readonly membersOf: (guildId: GuildId, typed: string) => readonly FoundMember[] | undefined;
  /** Unix time in milliseconds, kept with each resolved name. */
  readonly now: number;
}

/** An object that a name may mean. */
export type NameCandidate = Named<Snowflake>;

/**
 * The result for one name. An entry inside `guilds."*"` has a result for each guild that has the
 * name.
 */
export type Matched =
  | { readonly kind: "resolved"; readonly wanted: UnresolvedName; readonly name: ResolvedName }
  /** A role's name stays a name: no other person can take it. */
  | { readonly kind: "role"; readonly wanted: UnresolvedName; readonly role: Named<RoleId> }
  | {
    readonly kind: "ambiguous";
    readonly wanted: UnresolvedName;
    /** Objects with that name, oldest first. */
    readonly candidates: readonly NameCandidate[];
  }
  | { readonly kind: "unfound"; readonly wanted: UnresolvedName; readonly why: UnfoundReason };

/**
 * Why a name resolved to nothing.
 *
 * - `no-match`: no object in those guilds has the name.
 * - `no-guild`: the bot is not in the entry's guild.
 * - `not-searched`: Barnacle could not search the members, or not all of them.
 */
export type UnfoundReason = "no-match" | "no-guild" | "not-searched";

/**
 * Matches names with objects.
 *
 * @returns For each wanted name, in order, at least one result.
 */
export function matchNames(
  wanted: readonly UnresolvedName[],
  known: KnownNames,
): readonly Matched[] {
  return wanted.flatMap((name): readonly Matched[] => {
    if (name.kind === "guild") return matchGuild(name, known);
    const guilds = guildsFor(name, known);
    if (guilds.length === 0) return unfound(name, "no-guild");
    switch (name.kind) {
      case "channel":
        return matchChannel(name, guilds, known);
      case "role":
        return matchRole(name, guilds);
      case "user":
        return matchUser(name, guilds, known);
    }
  });
}

/** The member searches that the wanted names need, each once. */
export function searchesFor(
  wanted: readonly UnresolvedName[],
  known: Pick<KnownNames, "guilds" | "resolved">,
): readonly { readonly guildId: GuildId; readonly typed: string }[] {
  const searches = wanted.flatMap((name) => {
    const guilds = name.kind === "user" ? guildsFor(name, known) : [];
    return guilds.map(({ id }) =>
      [`${id} ${name.typed}`, { guildId: id, typed: name.typed }] as const
    );
  });
  return [...new Map(searches).values()];
}

/** The guilds that an entry applies to; for an entry about direct messages, all. */
function guildsFor(
  { kind, guild: key }: UnresolvedName,
  { guilds, resolved }: Pick<KnownNames, "guilds" | "resolved">,
): readonly GuildNames[] {
  if (key === undefined) return kind === "user" ? guilds : []; // no one has a role there
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
  return resultOf(wanted, found, ({ id, name }) => {
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
    return resultOf(wanted, found, ({ id, name }) => {
      const resolved: ResolvedName = { kind: "channel", id, guildId, name, typed, at: now };
      return { kind: "resolved", wanted, name: resolved };
    });
  });
}

function matchRole(wanted: UnresolvedName, guilds: readonly GuildNames[]): readonly Matched[] {
  return inEach(wanted, guilds, ({ roles }) => {
    const found = roles.filter(({ name }) => name === wanted.typed);
    return resultOf(
      wanted,
      found,
      ({ id, name }) => ({ kind: "role", wanted, role: { id, name } }),
    );
  });
}

/** The results for a name in each guild that has it. */
function inEach(
  wanted: UnresolvedName,
  guilds: readonly GuildNames[],
  match: (guild: GuildNames) => readonly Matched[],
): readonly Matched[] {
  const matched = guilds.flatMap(match).filter(({ kind }) => kind !== "unfound");
  return matched.length > 0 ? matched : unfound(wanted, "no-match");
}

/**
 * Maximum number of members that Discord returns for a search. Any person may take a nickname that
 * begins like a name. If a thousand do, the search proves nothing.
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
      const sender: Sender = { id, username, roles: [], tag, automaton: isBot ? "bot" : undefined };
      if (entryFor(sender)) found.set(id, { id, name: tag ?? username });
    }
  }
  if (found.size === 0 && !isSearched) return unfound(wanted, "not-searched");
  return resultOf(wanted, [...found.values()], ({ id, name }) => {
    return { kind: "resolved", wanted, name: { kind: "user", id, name, typed, at: now } };
  });
}

function resultOf<Thing extends NameCandidate>(
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
