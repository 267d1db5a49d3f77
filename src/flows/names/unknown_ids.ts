/**
 * Finds ids in the config that Discord does not know, or that name something else than their place
 * asks for, and tells the owners (P7).
 *
 * A wrong id closes a guild or a channel, or lets a person wait for nothing. The rules alone do not
 * show that, because an id of nothing is no error: the bot may be invited later.
 */

import type { Account } from "../../core/account/account.ts";
import type { ChannelId, GuildId, UserId } from "../../core/discord/ids.ts";
import { titled } from "../../core/checks.ts";
import type { Finding } from "../../core/finding.ts";
import type { GuildNames, Named } from "../../core/inbound/inbound.ts";
import { findKeys, GUILD_PINS } from "../../policy/rules/entries.ts";
import { type ListedId, listedIds } from "../../policy/rules/listed_ids.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import { nameAsCode } from "../../render/name.ts";
import { notice } from "../../render/notices/notices.ts";

/** Answers of Discord about single ids. Each rejects without an answer. */
export interface IdLookUp {
  /** The username; `undefined` if Discord has no such account. */
  readonly user: (id: UserId) => Promise<string | undefined>;
  /** `"hidden"`: it exists, and the bot may not see it. */
  readonly channel: (
    id: ChannelId,
  ) => Promise<{ readonly guildId?: GuildId } | "hidden" | undefined>;
}

/** Maximum number of real objects that stand beside a wrong id. */
const NEAR_MAX = 5;
/** Maximum number of ids that a message or health names; the rest is counted. */
const SHOWN_MAX = 10;
/** Maximum number of questions to Discord for one look at the config. */
const ASKED_MAX = 50;

/** A guild of the bot. */
export interface SearchedGuild extends GuildNames {
  /** Set if its channels and roles are not known, so its lists are empty. */
  readonly isUnread?: true;
}

/** A wrong id of the config. */
export interface WrongId {
  /** Config path of the entry. */
  readonly rule: string;
  /** Its fault, in words. */
  readonly why: string;
}

/** Finds the wrong ids of a config among all of them, in its order. */
type FindWrongIds = (
  policy: AccessPolicy,
  guilds: readonly SearchedGuild[],
) => Promise<readonly WrongId[]>;

/** Creates the search for wrong ids. It asks Discord once about each id. */
export function createFindWrongIds(lookUp: IdLookUp): FindWrongIds {
  /** Discord's answers. An account is never deleted without trace, so they stay true. */
  const answers = new Map<string, unknown>();

  /** Asks Discord once for each id; `"unasked"` without an answer. */
  async function ask<Answer>(
    id: string,
    question: () => Promise<Answer>,
    budget: { left: number },
  ): Promise<Answer | "unasked"> {
    if (answers.has(id)) return answers.get(id) as Answer;
    if (budget.left-- <= 0) return "unasked";
    try {
      const answer = await question();
      answers.set(id, answer);
      return answer;
    } catch {
      return "unasked"; // the next look asks again
    }
  }

  /** The fault of an id, in words; `undefined` if there is none, or if Discord did not answer. */
  async function faultOf(
    listed: ListedId,
    policy: AccessPolicy,
    guilds: readonly SearchedGuild[],
    budget: { left: number },
  ): Promise<string | undefined> {
    const { kind, id, guild: key } = listed;
    const within = key === undefined ? guilds : guilds.filter((guild) => isFor(policy, key, guild));
    const user = () => ask(id, () => lookUp.user(id as string as UserId), budget);
    switch (kind) {
      case "guild": {
        if (guilds.some((guild) => guild.id === id)) return undefined;
        const other = meaningOf(id, guilds) ?? accountText(await user());
        const unlisted = guilds.filter((guild) => !Object.hasOwn(policy.guilds ?? {}, guild.id));
        return `${other ?? "the bot is in no such server"}${nearText(id, unlisted)}`;
      }
      case "channel": {
        if (within.length === 0 || within.some(({ channels }) => has(channels, id))) {
          return undefined; // of an unknown guild, the guild's entry is reported
        }
        const other = meaningOf(id, guilds);
        const near = nearText(id, within.flatMap(({ channels }) => channels));
        if (other !== undefined) return other + near;
        const found = await ask(id, () => lookUp.channel(id), budget);
        if (found === "unasked" || found === "hidden") return undefined;
        // Threads and categories are in no list of channels.
        if (found && within.some((guild) => guild.id === found.guildId)) return undefined;
        return (found ? "that is a channel of another place" : "there is no such channel") + near;
      }
      case "role": {
        if (within.length === 0 || within.some(({ roles }) => has(roles, id))) return undefined;
        if (within.some(({ isUnread }) => isUnread)) return undefined;
        const near = nearText(id, within.flatMap(({ roles }) => roles));
        return `${id}: ${meaningOf(id, guilds) ?? "there is no such role"}${near}`;
      }
      case "user": {
        const other = meaningOf(id, guilds);
        if (other !== undefined) return `${id}: ${other}`;
        if (policy.allowBots && key !== undefined) return undefined; // it may be a webhook's
        return await user() === undefined ? `${id}: Discord knows no such user` : undefined;
      }
    }
  }

  return async (policy, guilds) => {
    const budget = { left: ASKED_MAX };
    const faults: WrongId[] = [];
    for (const listed of listedIds(policy)) {
      const why = await faultOf(listed, policy, guilds, budget);
      if (why !== undefined) faults.push({ rule: listed.rule, why });
    }
    return faults;
  };
}

/** A row for each wrong id; the last one counts those that are not shown. */
export function wrongIdFindings(
  check: "access:ids" | "access.ids",
  faults: readonly WrongId[],
): readonly Finding[] {
  return faults.slice(0, SHOWN_MAX).map(({ rule, why }, index): Finding => ({
    ...titled(check),
    status: "warn",
    why: `${rule}: ${why}${index === SHOWN_MAX - 1 ? restOf(faults.length) : ""}`,
  }));
}

/**
 * Creates the report for one account. It tells the owners of each id once in the life of the process.
 */
export function createUnknownIds(
  { texts, log }: Pick<Account, "texts" | "log">,
  lookUp: IdLookUp,
  tellOwners: (text: string) => Promise<void>,
) {
  const findWrongIds = createFindWrongIds(lookUp);
  const told = new Set<string>();
  let findings: readonly Finding[] = [];

  return {
    /** Looks at all ids of the config. */
    async check(policy: AccessPolicy, guilds: readonly SearchedGuild[]): Promise<void> {
      const faults = await findWrongIds(policy, guilds);
      findings = wrongIdFindings("access:ids", faults);
      const fresh = faults.filter(({ rule }) => !told.has(rule));
      if (fresh.length === 0) return;
      for (const { rule, why } of fresh) {
        told.add(rule);
        log.warn("An ID in the config means nothing at Discord", { rule, why });
      }
      const lines = fresh.slice(0, SHOWN_MAX).map(({ rule, why }) => `\n- \`${rule}\`: ${why}`);
      const list = lines.join("") + restOf(fresh.length);
      await tellOwners(notice("idsUnknown", { list }, texts()));
    },
    /** The wrong ids as of the last look. */
    findings: (): readonly Finding[] => findings,
  };
}

/** How many are not shown, behind the last that is; empty if all are. */
function restOf(count: number): string {
  return count > SHOWN_MAX ? `; and ${count - SHOWN_MAX} more` : "";
}

function has(list: readonly Named<string>[], id: string): boolean {
  return list.some((one) => one.id === id);
}

/** Whether a guild entry is for a guild. */
function isFor({ guilds = {} }: AccessPolicy, key: string, guild: GuildNames): boolean {
  return key === "*" || findKeys(guilds, guild, GUILD_PINS).includes(key);
}

/** The object of the bot's guilds that has an id; `undefined` if there is none. */
function meaningOf(id: string, guilds: readonly GuildNames[]): string | undefined {
  for (const guild of guilds) {
    if (guild.id === id) return `that is the server ${nameAsCode(guild.name)}`;
    const channel = guild.channels.find((one) => one.id === id);
    const role = guild.roles.find((one) => one.id === id);
    const [kind, found] = channel ? ["channel", channel] : ["role", role];
    if (found) {
      const where = `${nameAsCode(guild.name)} (${guild.id})`;
      return `that is the ${kind} ${nameAsCode(found.name)} of the server ${where}`;
    }
  }
  return undefined;
}

function accountText(username: string | undefined): string | undefined {
  return username === undefined || username === "unasked"
    ? undefined
    : `that is the user ${nameAsCode(username)}`;
}

/** `"; nearest: …"`, those whose digits agree longest with the id; empty without any. */
function nearText(id: string, real: readonly Named<string>[]): string {
  const nearest = [...real].sort((a, b) => closeness(id, b.id) - closeness(id, a.id));
  const named = nearest.slice(0, NEAR_MAX).map((one) => `${nameAsCode(one.name)} (${one.id})`);
  return named.length === 0 ? "" : `; nearest: ${named.join(", ")}`;
}

/** Number of equal digits at both ends: a slip of the pen changes few of them. */
function closeness(one: string, other: string): number {
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  while (start < shorter && one[start] === other[start]) start++;
  let end = 0;
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end++;
  return start + end;
}
