/**
 * Resolves names in allow lists to ids, as the bot sees its guilds, and stores the results (P12).
 *
 * A name resolves to an id only if exactly one object has it. With a second candidate it stays a
 * name, and the operator sees the candidates. Once an entry is resolved it means that id, over
 * restarts and renames. A later holder of the name gets nothing by it (P4). So a result counts only
 * if the search was complete. Otherwise the name stays a name, and the log says so once. Nothing
 * waits for it.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import {
  type GuildId,
  parseSnowflake,
  type RoleId,
  type Snowflake,
  type UserId,
} from "../../core/discord/ids.ts";
import type { FoundMember, GuildNames, Named, Sender } from "../../core/inbound/inbound.ts";
import type { ResolvedName } from "../../core/names.ts";
import { namesOfGuild } from "../../discord/gateway/decode/decode.ts";
import type { RequestOptions, RestApi } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/exchange.ts";
import { searchMembers } from "../../discord/rest/requests/guild_reads.ts";
import type { Log } from "../../lib/log.ts";
import {
  isFormOf,
  prepareAllowlist,
  type UnresolvedName,
  unresolvedNames,
} from "../../policy/rules.ts";
import { namesLookedUp } from "../owners/owner_ids.ts";
import { createRetryQueue } from "../retry_queue.ts";

/** How long to gather changed guilds before looking at them, in milliseconds. */
const GATHER_MS = 1_000;
/**
 * How long to wait for the guilds that READY listed, in milliseconds; a guild with an outage is not
 * awaited further.
 */
const GATHER_MAX_MS = 15_000;

/**
 * Maximum number of member searches at once. A list of a thousand names in a hundred guilds should
 * use ids.
 */
const MAX_SEARCHES = 500;

/** Maximum characters of a user name at Discord. */
const MAX_USERNAME = 32;

/** Members found by earlier searches, by `"<guild> <name>"`. */
type FoundMembers = Map<string, readonly FoundMember[]>;

const stateOf = perAccount("access", (account) => ({
  retries: createRetryQueue("Cannot resolve the names in the config", account),
  /** Keys of warnings so far. */
  warned: new Set<string>(),
  searched: new Map() as FoundMembers,
  isConnected: false,
  cancel: undefined as (() => void) | undefined,
}));

/** The gateway is ready, so the guilds are known. */
export function connected(account: BotAccount): void {
  stateOf(account).isConnected = true;
  resolveSoon(account);
}

/** The config has changed: all names are searched again. */
export function resolveAgain(account: BotAccount): void {
  const { searched, warned } = stateOf(account);
  searched.clear();
  warned.clear();
  guildsChanged(account);
}

/** A batch has changed guilds, so a missing name may exist now. */
export function guildsChanged(account: BotAccount): void {
  if (stateOf(account).isConnected) resolveSoon(account);
}

/** Searches no more; the store keeps the results. */
export async function stopResolving(account: BotAccount): Promise<void> {
  const { cancel, retries } = stateOf(account);
  cancel?.();
  namesLookedUp(account);
  await retries.stop();
}

/** Whether no other guild is awaited, which may have the same names. */
function isWhole(account: BotAccount): boolean {
  const isAwaiting = account.reader.index.values().some(({ isAwaited }) => isAwaited);
  return stateOf(account).isConnected && !isAwaiting;
}

/** Looks for names in every guild that may have them, because a missing name is reported. */
function resolveSoon(account: BotAccount, waitedMs = GATHER_MS): void {
  const state = stateOf(account);
  state.cancel ??= account.schedule(() => {
    state.cancel = undefined;
    if (!isWhole(account) && waitedMs < GATHER_MAX_MS) {
      return resolveSoon(account, waitedMs + GATHER_MS);
    }
    state.retries.add(() => resolve(account).finally(() => namesLookedUp(account)));
  }, GATHER_MS);
}

async function resolve(account: BotAccount): Promise<void> {
  const { accountId, policy, reader, store: { pairing }, now, keeper } = account;
  const { searched, warned } = stateOf(account);
  const resolved = await pairing.namesOf(accountId);
  const wanted = unresolvedNames(policy().policy)
    .filter(({ kind }) => kind !== "guild" || isWhole(account)); // another guild may have the name
  const guilds = reader.index.values().filter(({ isAwaited }) => !isAwaited).map(namesOfGuild)
    .toArray();
  const options = { priority: "background" } as const; // people wait for other requests
  const known = { guilds, resolved, now: now() };
  const resolution = await resolveNames(wanted, known, account.rest, options, searched);
  const found = newNames(resolution.matched);
  if (found.length > 0) {
    await pairing.saveNames(accountId, found);
    await keeper.resolved(await pairing.namesOf(accountId));
  }
  const { log } = account.forPart("access");
  logMatched(resolution, warned, log); // the log says what the policy already does
}

/**
 * Runs the searches that are missing, and matches the names.
 *
 * @param searched Results of earlier searches; new ones are added.
 * @throws {RestError} If Discord does not answer.
 */
async function resolveNames(
  wanted: readonly UnresolvedName[],
  known: Omit<KnownNames, "membersOf">,
  rest: RestApi,
  options: RequestOptions,
  searched: FoundMembers,
): Promise<Resolution> {
  let refused: unknown;
  let searchesLeft = MAX_SEARCHES;
  for (const { guildId, typed } of searchesFor(wanted, known)) {
    const key = keyOf(guildId, typed);
    const query = queryOf(typed);
    if (searched.has(key)) continue;
    if (query.length > MAX_USERNAME) {
      searched.set(key, []); // Discord would refuse the search; PluralKit members may have such names
      continue;
    }
    if (searchesLeft-- === 0) break;
    try {
      searched.set(key, await searchMembers(rest, guildId, query, options));
    } catch (error) {
      if (!(error instanceof RestError) || error.kind !== "forbidden") throw error;
      refused = error;
      break; // other guilds would refuse it as well, and Discord counts each refusal
    }
  }
  const membersOf: KnownNames["membersOf"] = (guildId, typed) =>
    searched.get(keyOf(guildId, typed));
  const matched = matchNames(wanted, { ...known, membersOf });
  return { matched, refused };
}

function keyOf(guildId: GuildId, typed: string): string {
  return `${guildId} ${typed}`;
}

/** The search text: Discord searches names, not tags. */
function queryOf(typed: string): string {
  return typed.replace(/#\d{4}$/, "");
}

/** Each once, because a name may be in several lists. */
function newNames(matched: readonly Matched[]): readonly ResolvedName[] {
  const names = matched.flatMap((result) => result.kind === "resolved" ? [result.name] : []);
  return [
    ...new Map(names.map((name) => [`${name.kind} ${name.id} ${name.typed}`, name])).values(),
  ];
}

interface Resolution {
  readonly matched: readonly Matched[];
  /** Discord's error, if it refused the search of members; else absent. */
  readonly refused?: unknown;
}

const WHY: Readonly<Record<UnfoundReason, string>> = {
  "no-match": "nothing that the bot sees has that name",
  "no-guild": "the bot is not in that guild",
  "not-searched": "Barnacle could not search all members",
};

/**
 * Logs results; each warning only once.
 *
 * @param warned Keys of earlier warnings; new ones are added.
 */
function logMatched({ matched, refused }: Resolution, warned: Set<string>, log: Log): void {
  const warn = (event: string, fields: Readonly<Record<string, unknown>>, key: string): void => {
    if (warned.has(key)) return;
    warned.add(key);
    log.warn(event, fields);
  };

  if (refused !== undefined) {
    const event =
      "Discord does not let this bot search members, so user names in allow lists stay " +
      "names, which others may take: use ids, or enable the Server Members Intent in the " +
      "developer portal";
    warn(event, { error: refused }, "refused");
  }
  for (const result of matched) logOne(result, refused !== undefined, warn, log);
}

function logOne(
  result: Matched,
  isRefused: boolean,
  warn: (event: string, fields: Readonly<Record<string, unknown>>, key: string) => void,
  log: Log,
): void {
  const { kind, wanted: { typed, rule } } = result;
  const key = `${kind} ${rule} ${typed}`;
  switch (kind) {
    case "resolved": {
      const { id, name } = result.name;
      return log.info("A name in the config was resolved to an id", { typed, rule, id, name });
    }
    case "role":
      return; // a role's name is enough
    case "ambiguous": {
      const candidates = result.candidates.map(({ id, name }) => `${name} (${id})`);
      const event = result.wanted.kind === "guild"
        ? "A guild's name in the config has several matches, so it opens none of them; use the id"
        : "A name in the config has several matches. It is compared as a name; use the id instead";
      return warn(event, { typed, rule, candidates }, key);
    }
    case "unfound":
      if (isRefused && result.why === "not-searched") return; // one warning covers all of them
      return warn(
        "A name in the config has no match. It is compared as a name",
        { typed, rule, why: WHY[result.why] },
        `${key} ${result.why}`,
      );
  }
}

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
 * Matches names with the known guilds and members. Policy decides which spellings of a name match, so a
 * name resolves only to an object that its entry matches anyway.
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
