/**
 * Finds out which ids the names in allowlists are, and keeps that (P12).
 *
 * An entry that was found to be an id is that id from then on, over restarts and
 * renames. So an answer counts only where it is whole: what could not be asked
 * leaves the name a name, which is said once. Nobody waits for any of it.
 *
 * A channel that was deleted never comes back under its id, so its name is free
 * again. Not so a guild that the bot was taken out of, and never a person: who
 * bears that name next is a stranger (P4).
 *
 * @module
 */

import type { AccountId, GuildId } from "../../core/discord/ids.ts";
import type { ResolvedName } from "../../core/names.ts";
import type { UnresolvedName } from "../../policy/pinned.ts";
import { createRetryQueue, type RetryQueuePorts } from "../retry_queue.ts";
import {
  type FoundMember,
  type GuildNames,
  type KnownNames,
  type Matched,
  matchNames,
  searchesFor,
} from "./match.ts";
import { type Resolution, sayMatched } from "./report.ts";

/** Searches of one look, at most: a list of a thousand names in a hundred guilds is better ids. */
export const MAX_SEARCHES = 500;

/** Characters of a username; nobody has a longer one. */
const MAX_USERNAME = 32;

export interface SearchPorts {
  /** Members whose names begin with something; nobody waits for it. */
  readonly searchMembers: (guildId: GuildId, query: string) => Promise<readonly FoundMember[]>;
  /** Whether an error is Discord's no, as it is without the intent for members. */
  readonly isRefused: (error: unknown) => boolean;
}

/** What was found in a guild for a name, by `"<guild> <name>"`: asked once, and added to. */
export type Searched = Map<string, readonly FoundMember[]>;

/**
 * Searches for what is not searched yet, and matches.
 *
 * @throws What {@link SearchPorts.searchMembers} throws, unless it is Discord's no.
 */
export async function resolveNames(
  wanted: readonly UnresolvedName[],
  known: Omit<KnownNames, "membersOf">,
  { searchMembers, isRefused }: SearchPorts,
  searched: Searched = new Map(),
): Promise<Resolution> {
  let refused: unknown;
  let left = MAX_SEARCHES;
  for (const { guildId, typed } of searchesFor(wanted, known)) {
    const key = keyOf(guildId, typed);
    const query = queryOf(typed);
    if (searched.has(key)) continue;
    if (query.length > MAX_USERNAME) {
      searched.set(key, []); // Discord would refuse the question; PluralKit's members may be so named
      continue;
    }
    if (left-- === 0) break;
    try {
      searched.set(key, await searchMembers(guildId, query));
    } catch (error) {
      if (!isRefused(error)) throw error;
      refused = error;
      break; // it would be refused elsewhere as well, and each no counts at Discord
    }
  }
  const membersOf: KnownNames["membersOf"] = (guildId, typed) =>
    searched.get(keyOf(guildId, typed));
  const matched = matchNames(wanted, { ...known, membersOf });
  return { matched, ...(refused !== undefined && { refused }) };
}

function keyOf(guildId: GuildId, typed: string): string {
  return `${guildId} ${typed}`;
}

/** Discord knows names, and no tags. */
function queryOf(typed: string): string {
  return typed.replace(/#\d{4}$/, "");
}

export interface NamesPorts extends SearchPorts, RetryQueuePorts {
  readonly accountId: AccountId;
  /** Of the policy of this moment, what is still matched by name. */
  readonly unresolved: () => readonly UnresolvedName[];
  /** Those of which all is known; not those that are to come, or in an outage. */
  readonly guilds: () => readonly GuildNames[];
  readonly store: {
    namesOf(accountId: AccountId): Promise<readonly ResolvedName[]>;
    saveNames(accountId: AccountId, names: readonly ResolvedName[]): Promise<void>;
    forgetNames(accountId: AccountId, which: readonly ResolvedName[]): Promise<void>;
  };
  /** These are all names that are ids now: the policy is to go by them. */
  readonly onResolved: (names: readonly ResolvedName[]) => Promise<void>;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

export interface Names {
  /** READY has come, or a guild: more may be known than before. */
  look(): void;
  /** The config was read again: everybody is looked for once more. */
  lookAnew(): void;
  /** Looks for nothing more; what was found is stored. */
  stop(): Promise<void>;
}

export function createNames(ports: NamesPorts): Names {
  const { accountId, store, onResolved, now, log } = ports;
  const retries = createRetryQueue("Cannot find out which ids the names in the config are", ports);
  let searched: Searched = new Map();
  let isPlanned = false;
  /** Warnings that were given, by their words. */
  const said = new Set<string>();

  async function look(): Promise<void> {
    const guilds = ports.guilds();
    const before = await store.namesOf(accountId);
    const lost = before.filter((name) => isDeleted(name, guilds));
    const kept = before.filter((name) => !lost.includes(name));
    const known = { guilds, resolved: kept, now: now() };
    const resolution = await resolveNames(ports.unresolved(), known, ports, searched);
    const found = newNames(resolution.matched);
    if (lost.length > 0) await store.forgetNames(accountId, lost);
    if (found.length > 0) await store.saveNames(accountId, found);
    for (const { typed, id } of lost) {
      log.info("A channel of the config was deleted: its entry is for the name again", {
        typed,
        id,
      });
    }
    sayMatched(resolution, said, log);
    if (lost.length + found.length > 0) await onResolved(await store.namesOf(accountId));
  }

  function plan(): void {
    if (isPlanned) return;
    isPlanned = true;
    retries.add(() => {
      isPlanned = false; // what comes to be known from here on is worth another look
      return look();
    });
  }

  return {
    look: plan,
    lookAnew() {
      searched = new Map();
      said.clear();
      plan();
    },
    stop: retries.stop,
  };
}

/** Whether a channel is not there any more, in a guild that is. */
function isDeleted(name: ResolvedName, guilds: readonly GuildNames[]): boolean {
  if (name.kind !== "channel") return false;
  const guild = guilds.find(({ id }) => id === name.guildId);
  return guild !== undefined && !guild.channels.some(({ id }) => id === name.id);
}

/** Each once: a name may stand in several lists. */
function newNames(matched: readonly Matched[]): readonly ResolvedName[] {
  const names = matched.flatMap((one) => one.kind === "resolved" ? [one.name] : []);
  return [
    ...new Map(names.map((name) => [`${name.kind} ${name.id} ${name.typed}`, name])).values(),
  ];
}
