/**
 * Finds ids in the config that Discord does not know, or that name something else than their place
 * asks for, and names that nothing has (P7).
 *
 * It asks Discord only about ids that no guild of the bot explains, and adds the nearest real
 * objects to each wrong one.
 */

import {
  type ChannelId,
  type GuildId,
  parseSnowflake,
  type UserId,
} from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import { type ListedId, listedIds } from "../../policy/rules/listed_ids.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import { nameAsCode } from "../../render/name.ts";
import { findWrongNames } from "./find_wrong_names.ts";
import { isSlip, nearestFirst, nearText } from "./nearest.ts";
import {
  isFor,
  isNameless,
  meaningOf,
  type SearchedGuild,
  serverText,
  type WrongId,
} from "./searched_guild.ts";
import type { GuildSight } from "./seen_shards.ts";

/** A known person, who has perhaps the id that a wrong one was meant to be. */
export interface PossiblePerson {
  readonly id: UserId;
  /** The username as last read; absent if only Discord can tell it. */
  readonly name?: string;
}

/** Answers of Discord about single ids, and the known people. */
export interface IdLookUp {
  /** The username; `undefined` if Discord has no such account. Rejects without an answer. */
  readonly user: (id: UserId) => Promise<string | undefined>;
  /** `"hidden"`: it exists, and the bot may not see it. Rejects without an answer. */
  readonly channel: (
    id: ChannelId,
  ) => Promise<{ readonly guildId?: GuildId } | "hidden" | undefined>;
  /** Whether there is such a webhook, hidden or not. Rejects without an answer. */
  readonly hasWebhook: (id: UserId) => Promise<boolean>;
  /**
   * People known without a question to Discord. Of several names of a person, the last one counts.
   */
  readonly people: () => Promise<readonly PossiblePerson[]>;
}

/** Maximum number of questions to Discord for one look at the config. */
const ASKED_MAX = 50;

/** Finds the wrong ids of a config among all of them, in its order, and then its wrong names. */
export type FindWrongIds = (
  policy: AccessPolicy,
  guilds: readonly SearchedGuild[],
  more?: {
    /** Absent: the given guilds are all guilds of the bot. */
    readonly sight?: GuildSight;
    /** Further ids of the config. */
    readonly others?: readonly ListedId[];
  },
) => Promise<readonly WrongId[]>;

const ALL_SEEN: GuildSight = { mayMiss: () => false };

/** Creates the search for wrong ids. It asks Discord each question once. */
export function createFindWrongIds(lookUp: IdLookUp): FindWrongIds {
  const startLook = createLooks(lookUp);

  async function possiblePeople(
    named: ReadonlyMap<UserId, string>,
  ): Promise<readonly PossiblePerson[]> {
    const people = new Map<UserId, PossiblePerson>();
    const known = await lookUp.people().catch(() => []); // the store's faults have a row of their own
    for (const one of known) {
      if (one.name !== undefined || !people.has(one.id)) people.set(one.id, one);
    }
    for (const [id, name] of named) people.set(id, { id, name });
    return [...people.values()];
  }

  return async (policy, guilds, { sight = ALL_SEEN, others = [] } = {}) => {
    const look = startLook();
    const found: { readonly listed: ListedId; readonly why: string }[] = [];
    for (const listed of [...listedIds(policy), ...others]) {
      const why = await faultOf(listed, { policy, guilds, sight }, look);
      if (why !== undefined) found.push({ listed, why });
    }
    // By now Discord has named the right people of the config.
    let people: readonly PossiblePerson[] | undefined;
    const faults: WrongId[] = [];
    for (const { listed: { kind, id, rule }, why } of found) {
      const isPerson = kind === "user" && meaningOf(id, guilds) === undefined;
      if (isPerson) people ??= await possiblePeople(look.named);
      const near = isPerson && people ? await nearPeopleText(id, people, look) : "";
      const named = rule.includes(id) ? "" : `${id}: `;
      faults.push({ rule, id, why: named + why + near });
    }
    return [...faults, ...findWrongNames(policy, guilds, sight)];
  };
}

type UserAnswer = { readonly username: string } | "unknown" | "unasked";

/** The questions of one look at the config; `"unasked"` without an answer. */
type IdQuestions = ReturnType<ReturnType<typeof createLooks>>;

/** Creates looks at the config, which share Discord's answers. */
function createLooks(lookUp: IdLookUp) {
  /** Discord's answers. An account is never deleted without trace, so they stay true. */
  const answers = new Map<string, unknown>();
  const named = new Map<UserId, string>();

  return () => {
    let left = ASKED_MAX;

    async function ask<Answer>(
      about: "user" | "channel" | "webhook",
      id: string,
      question: () => Promise<Answer>,
    ): Promise<Answer | "unasked"> {
      const key = `${about} ${id}`;
      if (answers.has(key)) return answers.get(key) as Answer;
      if (left-- <= 0) return "unasked";
      try {
        const answer = await question();
        answers.set(key, answer);
        return answer;
      } catch {
        return "unasked"; // the next look asks again
      }
    }

    return {
      /** The people that Discord has named, in this look and the earlier ones. */
      named: named as ReadonlyMap<UserId, string>,
      async user(id: UserId): Promise<UserAnswer> {
        const answer = await ask("user", id, async (): Promise<UserAnswer> => {
          const username = await lookUp.user(id);
          return username === undefined ? "unknown" : { username };
        });
        if (typeof answer === "object") named.set(id, answer.username);
        return answer;
      },
      channel: (id: ChannelId) => ask("channel", id, () => lookUp.channel(id)),
      hasWebhook: (id: UserId) => ask("webhook", id, () => lookUp.hasWebhook(id)),
    };
  };
}

/** The fault of an id, in words; `undefined` if there is none, or if Discord did not answer. */
async function faultOf(
  listed: ListedId,
  { policy, guilds, sight }: {
    readonly policy: AccessPolicy;
    readonly guilds: readonly SearchedGuild[];
    readonly sight: GuildSight;
  },
  look: IdQuestions,
): Promise<string | undefined> {
  const { kind, id, guild: key } = listed;
  const within = key === undefined ? guilds : guilds.filter((guild) => isFor(policy, key, guild));
  if (isUnseen(listed, sight)) return undefined;
  /** Whether a guild that is not seen may have it. */
  const mayMiss = key === "*" && sight.mayMiss();
  switch (kind) {
    case "guild": {
      if (guilds.some((guild) => guild.id === id)) return undefined;
      const other = meaningOf(id, guilds) ??
        accountText(await look.user(id as string as UserId)) ??
        // The channels of a guild that is read are known.
        (guilds.some(({ isUnread }) => isUnread)
          ? placeText(await look.channel(id as string as ChannelId), guilds)
          : undefined);
      const listedToo = listed.isEntry ? policy.guilds ?? {} : {};
      const possible = guilds.filter((guild) =>
        !isNameless(guild) && !Object.hasOwn(listedToo, guild.id)
      );
      return `${other ?? "the bot is in no such server"}${nearText(id, possible)}`;
    }
    case "channel":
      return await channelFault(id, within, guilds, look, {
        mayMiss,
        isAnywhere: key === undefined,
      });
    case "role": {
      if (within.length === 0 || within.some(({ roles }) => has(roles, id))) return undefined;
      if (mayMiss || within.some((guild) => guild.isUnread || sight.mayMiss(guild.id))) {
        return undefined;
      }
      const near = nearText(id, within.flatMap(({ roles }) => roles));
      return `${meaningOf(id, guilds) ?? "there is no such role"}${near}`;
    }
    case "user": {
      const other = meaningOf(id, guilds);
      if (other !== undefined) return other;
      if (await look.user(id) !== "unknown") return undefined;
      if (!policy.allowBots || key === undefined) return "Discord knows no such user";
      if (await look.hasWebhook(id) !== false) return undefined;
      return "Discord knows no such user or webhook";
    }
  }
}

/** Whether an id is that of a guild that is not seen yet, or is in the entry of one. */
function isUnseen({ kind, id, guild: key }: ListedId, sight: GuildSight): boolean {
  if (kind === "guild") return sight.mayMiss(id);
  const guildId = key === undefined ? undefined : parseSnowflake<"guild">(key);
  return guildId !== undefined && sight.mayMiss(guildId);
}

/**
 * @param within The guilds of its entry; none if the bot is in no such guild.
 * @param of `mayMiss`: the entry is also for guilds that are not seen. `isAnywhere`: any channel is
 * right, also one of direct messages.
 */
async function channelFault(
  id: ChannelId,
  within: readonly SearchedGuild[],
  guilds: readonly SearchedGuild[],
  look: IdQuestions,
  { mayMiss, isAnywhere }: { readonly mayMiss: boolean; readonly isAnywhere: boolean },
): Promise<string | undefined> {
  const isListed = ({ channels }: SearchedGuild) => has(channels, id);
  if (within.some(isListed)) return undefined;
  const meant = within.length > 0 ? within : guilds;
  // The id of a real channel needs another guild's entry, and no other id.
  const near = meant.some(isListed) ? "" : nearText(id, meant.flatMap(({ channels }) => channels));
  const other = meaningOf(id, guilds);
  if (other !== undefined) return other + near;
  const found = await look.channel(id);
  if (found === "unasked" || found === "hidden") return undefined;
  if (found === undefined) return `there is no such channel${near}`;
  if (isAnywhere) return undefined;
  const { guildId } = found;
  if (guildId === undefined) return `that is a channel of another place${near}`;
  // Threads and categories are in no list of channels.
  if (within.some((guild) => guild.id === guildId)) return undefined;
  const place = guilds.find((guild) => guild.id === guildId);
  if (place && isNameless(place) && within.length === 0) return undefined; // the entry may mean it
  if (place) return `that is a channel of ${serverText(place)}${within.length > 0 ? near : ""}`;
  // The bot has joined this guild since, or it has an outage, or its shard is not seen.
  if (mayMiss || within.length === 0) return undefined;
  return `that is a channel of another place${near}`;
}

/** `"; nearest: …"`, people with an id that differs by a typing mistake; empty without any. */
async function nearPeopleText(
  wrong: UserId,
  people: readonly PossiblePerson[],
  look: IdQuestions,
): Promise<string> {
  const near = people.filter(({ id }) => id !== wrong && isSlip(wrong, id));
  const real: Named<UserId>[] = [];
  for (const { id, name } of nearestFirst(wrong, near)) {
    const user = name === undefined ? await look.user(id) : { username: name };
    if (typeof user === "object") real.push({ id, name: user.username });
  }
  return nearText(wrong, real);
}

function has(list: readonly Named<string>[], id: string): boolean {
  return list.some((one) => one.id === id);
}

function accountText(user: UserAnswer): string | undefined {
  return typeof user === "object" ? `that is the user ${nameAsCode(user.username)}` : undefined;
}

/** The guild of the bot to which a channel belongs; `undefined` if it belongs to none. */
function placeText(
  found: { readonly guildId?: GuildId } | "hidden" | "unasked" | undefined,
  guilds: readonly SearchedGuild[],
): string | undefined {
  const place = typeof found === "object" && guilds.find(({ id }) => id === found.guildId);
  return place ? `that is a channel of ${serverText(place)}` : undefined;
}
