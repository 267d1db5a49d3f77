/** Resolves names in allow lists to ids, and logs the results (P12). */

import type { FoundMember } from "../../core/inbound/inbound.ts";
import type { GuildId } from "../../core/discord/ids.ts";
import type { ResolvedName } from "../../core/names.ts";
import type { UnresolvedName } from "../../policy/rules/pinned.ts";
import type { Log } from "../../lib/log.ts";
import {
  type KnownNames,
  type Matched,
  matchNames,
  searchesFor,
  type UnfoundReason,
} from "./match.ts";

/**
 * Maximum number of member searches at once. A list of a thousand names in a hundred guilds should
 * use ids.
 */
const MAX_SEARCHES = 500;

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
export type FoundMembers = Map<string, readonly FoundMember[]>;

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
  searched: FoundMembers = new Map(),
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

/** Each once, because a name may be in several lists. */
export function newNames(matched: readonly Matched[]): readonly ResolvedName[] {
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
