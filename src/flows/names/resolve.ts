/**
 * Resolves names in allow lists to ids, and stores the results (P12).
 *
 * Once an entry is resolved it means that id, over restarts and renames. So a result counts only if
 * the search was complete. Otherwise the name stays a name, and the log says so once. Nothing waits
 * for it.
 *
 * A deleted channel never returns under its id, so its name may be resolved again. The same is not
 * true for a guild that removed the bot, and never for a person: the next owner of that name is
 * another person (P4).
 */

import type { FoundMember, GuildNames } from "../../core/inbound/inbound.ts";
import { type GuildId, parseSnowflake } from "../../core/discord/ids.ts";
import type { ResolvedName } from "../../core/names.ts";
import type { UnresolvedName } from "../../policy/rules/pinned.ts";
import { createRetryQueue } from "../retry_queue.ts";
import type { Log } from "../../lib/log.ts";
import {
  type KnownNames,
  type Matched,
  matchNames,
  searchesFor,
  type UnfoundReason,
} from "./match.ts";
import type { Account } from "../../core/account/account.ts";
import type { Emits } from "../../core/account/events.ts";
import type { PolicyKeeper } from "../judging/policy_keeper.ts";
import type { ResolvedNames } from "../../store/pairing/pairing.ts";

/**
 * Maximum number of member searches at once. A list of a thousand names in a hundred guilds should
 * use ids.
 */
export const MAX_SEARCHES = 500;

/** Maximum characters of a user name at Discord. */
const MAX_USERNAME = 32;

/** Everything that a search needs from outside. */
export interface SearchPorts {
  /** Searches a guild for members whose names begin with `query`. */
  readonly searchMembers: (guildId: GuildId, query: string) => Promise<readonly FoundMember[]>;
  /** Whether an error is a refusal by Discord, as without the members intent. */
  readonly isRefused: (error: unknown) => boolean;
}

/** Members found by earlier searches, by `"<guild> <name>"`. New results are added. */
type Searched = Map<string, readonly FoundMember[]>;

/**
 * Runs the searches that are missing, and matches the names.
 *
 * @param searched Results of earlier searches; new ones are added.
 * @throws {unknown} The error of {@link SearchPorts.searchMembers}, unless Discord refused.
 */
export async function resolveNames(
  wanted: readonly UnresolvedName[],
  known: Omit<KnownNames, "membersOf">,
  { searchMembers, isRefused }: SearchPorts,
  searched: Searched = new Map(),
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
      searched.set(key, await searchMembers(guildId, query));
    } catch (error) {
      if (!isRefused(error)) throw error;
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

/** Creates the flow for one account. Searches nothing before {@link Names.resolve}. */
export function createNames(
  ports:
    & (
      & Pick<
        Account<{ readonly pairing: ResolvedNames }>,
        "schedule" | "random" | "log" | "accountId" | "now" | "store"
      >
      & Emits<"namesLookedUp">
    )
    & SearchPorts
    & {
      /** Names in the current policy without an id. */
      readonly unresolved: () => readonly UnresolvedName[];
      /** Guilds with complete facts, without those that are awaited or in an outage. */
      readonly guilds: () => readonly GuildNames[];
      /**
       * Whether these are all guilds of the process. Otherwise one in an outage may have the same name.
       */
      readonly isWhole: () => boolean;
      /** Whether the bot may be in a guild that is none of these. */
      readonly mayMiss: (id: GuildId) => boolean;
      /** Gets all resolved names, so that the policy uses their ids. */
      readonly keeper: Pick<PolicyKeeper, "resolved">;
    },
) {
  const { accountId, store: { pairing: store }, keeper, events, now, log } = ports;
  const retries = createRetryQueue("Cannot resolve the names in the config", ports);
  let searched: Searched = new Map();
  let isPlanned = false;
  const warned = new Set<string>();

  async function resolve(): Promise<void> {
    const guilds = ports.guilds();
    const before = await store.namesOf(accountId);
    const deleted = before.filter((name) => isDeleted(name, guilds));
    const remaining = before.filter((name) => !deleted.includes(name));
    const known = { guilds, resolved: remaining, now: now() };
    const wanted = ports.unresolved().filter(({ kind, guild = "" }) => {
      if (kind === "guild") return ports.isWhole();
      const id = parseSnowflake<"guild">(guild);
      return id === undefined || !ports.mayMiss(id);
    });
    const resolution = await resolveNames(wanted, known, ports, searched);
    const found = newNames(resolution.matched);
    if (deleted.length > 0) await store.forgetNames(accountId, deleted);
    if (found.length > 0) await store.saveNames(accountId, found);
    for (const { typed, id } of deleted) {
      log.info("A channel in the config was deleted: its entry matches by name again", {
        typed,
        id,
      });
    }
    if (deleted.length + found.length > 0) await keeper.resolved(await store.namesOf(accountId));
    logMatched(resolution, warned, log); // the log says what the policy already does
  }

  function plan(): void {
    if (isPlanned) return;
    isPlanned = true;
    retries.add(() => {
      isPlanned = false; // later facts are worth another search
      return resolve().finally(events.emit.namesLookedUp);
    });
  }

  return {
    /** Stores names that were resolved without a search. The policy has them already. */
    keep(names: readonly ResolvedName[]): void {
      retries.addFirst(async () => {
        await store.saveNames(accountId, names);
        await keeper.resolved(await store.namesOf(accountId));
      });
    },
    /** Tells that READY or a GUILD_CREATE has arrived, so that more names may be found. */
    resolve: plan,
    /** Tells that the config has changed: all names are searched again. */
    resolveAgain(): void {
      searched = new Map();
      warned.clear();
      plan();
    },
    /** Searches no more; the store keeps the results. */
    async stop(): Promise<void> {
      events.emit.namesLookedUp();
      await retries.stop();
    },
  };
}

export type Names = ReturnType<typeof createNames>;

/** Whether a channel no longer exists in its guild. */
function isDeleted(name: ResolvedName, guilds: readonly GuildNames[]): boolean {
  if (name.kind !== "channel") return false;
  const guild = guilds.find(({ id }) => id === name.guildId);
  return guild !== undefined && !guild.channels.some(({ id }) => id === name.id);
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
export function logMatched({ matched, refused }: Resolution, warned: Set<string>, log: Log): void {
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
