/**
 * Looks up the facts about a user that access rules may need: id, username, roles, and whether the
 * user owns the bot.
 */

import type { Env } from "../../lib/env.ts";
import { type BotConfig, forAccount } from "../../config/config.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { Role } from "../../core/inbound/inbound.ts";
import type { GuildIndex } from "../../discord/gateway/decode/guild_index.ts";
import { namedRoles } from "../../discord/gateway/decode/senders.ts";
import { createMembers, createReadRoles } from "../../discord/rest/requests/members.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { printable } from "../../lib/text/quoted.ts";
import { unresolvedNames } from "../../policy/rules/pinned.ts";
import { prepareAsksRoles } from "../../policy/places.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import type { NamedUser } from "./hypothetical.ts";
import type { FoundPlace } from "../../cli/verdict/place.ts";
import { apiOf, type Discord, openDiscord, tokenIn } from "../../cli/shared/discord.ts";
import type { Store } from "../../store/store.ts";

interface FactsToLookUp {
  readonly user: NamedUser;
  readonly place: FoundPlace;
  readonly index: GuildIndex;
  readonly policy: AccessPolicy;
  /** Roles of the command line; absent if it names none. */
  readonly roles?: readonly Role[];
  readonly needsOwner: boolean;
  /** Whether to skip requests to Discord. */
  readonly isOffline: boolean;
}

interface LookUpPorts {
  readonly config: BotConfig;
  readonly accountId: AccountId;
  /** Absent if there is no store yet. */
  readonly store: Store | undefined;
  readonly env: Env;
}

export interface UserFacts {
  /** Id and username, as far as known. */
  readonly user: NamedUser;
  /** Roles; empty if unknown. */
  readonly roles: readonly Role[];
  readonly ownsApplication: boolean;
  /** Missing facts that a rule may need, in words. */
  readonly unknown: readonly string[];
}

/** Asks the store, then Discord for missing facts. */
export async function lookUpUser(asked: FactsToLookUp, ports: LookUpPorts): Promise<UserFacts> {
  const discord = asked.isOffline ? undefined : discordOf(ports);
  const unknown: string[] = [];
  try {
    const user = await userOf(asked, ports, discord, unknown);
    return {
      user,
      roles: await rolesOf(asked, user, discord, unknown),
      ownsApplication: await owns(asked, user, discord, unknown),
      unknown,
    };
  } finally {
    discord?.stop();
  }
}

/** Discord; `undefined` if the account has no valid token. */
export function discordOf(
  { config, accountId, env }: Pick<LookUpPorts, "config" | "accountId" | "env">,
): Discord | undefined {
  const api = apiOf(env);
  const account = config.accounts.find((other) => other.accountId === accountId);
  const token = account && tokenIn(forAccount(config, account));
  return token === undefined || "problem" in api ? undefined : openDiscord(token, api.base);
}

async function userOf(
  { user, place, index, policy }: FactsToLookUp,
  { store, accountId }: LookUpPorts,
  discord: Discord | undefined,
  unknown: string[],
): Promise<NamedUser> {
  const known = await knownUsers(store, accountId);
  const { id, username } = user;
  if (id !== undefined) {
    const knownUser = known.find((other) => other.id === id);
    if (knownUser) return knownUser;
    if (unresolvedNames(policy).some(({ kind }) => kind === "user")) {
      unknown.push(
        "unknown username of the sender: entries that are names match no one in this test",
      );
    }
    return user;
  }
  if (username === undefined) return user;
  const isTheirs = (name: string | undefined): boolean =>
    name?.toLowerCase() === username.toLowerCase();
  const guilds = place.guildId ? [place.guildId] : Array.from(index.keys());
  const members = discord && createMembers(discord.api);
  for (const guildId of members ? guilds : []) {
    try {
      const candidates = await members?.search(guildId, username.replace(/#\d{4}$/, "")) ?? [];
      const member = candidates.find((other) => isTheirs(other.username) || isTheirs(other.tag));
      if (member) return { id: member.userId, username: member.tag ?? member.username };
    } catch (error) {
      unknown.push(`Discord cannot look up ${printable(username)}: ${reasonOf(error)}`);
      break;
    }
  }
  const knownUser = known.find((other) => isTheirs(other.username));
  if (knownUser) return knownUser;
  unknown.push(
    `unknown id of ${printable(username)}: entries that are ids match no one in this test`,
  );
  return user;
}

async function knownUsers(
  store: Store | undefined,
  accountId: AccountId,
): Promise<readonly Required<NamedUser>[]> {
  if (!store) return [];
  const names = await store.pairing.namesOf(accountId);
  return [
    ...names.flatMap((name) => name.kind === "user" ? [{ id: name.id, username: name.name }] : []),
    ...(await store.pairing.paired(accountId)).map(({ userId, username }) => ({
      id: userId,
      username,
    })),
    ...(await store.pairing.requests(accountId, Date.now())).map(({ userId, username }) => ({
      id: userId,
      username,
    })),
  ];
}

async function rolesOf(
  { place: { place, guildId }, index, policy, roles }: FactsToLookUp,
  { id }: NamedUser,
  discord: Discord | undefined,
  unknown: string[],
): Promise<readonly Role[]> {
  if (roles || place.kind !== "guild" || !guildId) return roles ?? [];
  if (!prepareAsksRoles(policy)(place)) return [];
  if (discord && id !== undefined) {
    try {
      const ids = await createReadRoles(discord.api)(guildId, id);
      return namedRoles(ids, index.get(guildId));
    } catch (error) {
      unknown.push(`Discord does not return the sender's roles: ${reasonOf(error)}`);
      return [];
    }
  }
  unknown.push("unknown roles of the sender, which a rule here needs: name them with --role");
  return [];
}

async function owns(
  { needsOwner, policy }: FactsToLookUp,
  { id }: NamedUser,
  discord: Discord | undefined,
  unknown: string[],
): Promise<boolean> {
  if (!needsOwner || policy.commands.owners) return false;
  if (discord && id !== undefined) {
    try {
      return (await discord.applications.me()).ownerIds.includes(id);
    } catch (error) {
      unknown.push(`Discord does not return the bot's owners: ${reasonOf(error)}`);
      return false;
    }
  }
  unknown.push("unknown owners of the bot: list them in commands.ownerAllowFrom");
  return false;
}

function reasonOf(error: unknown): string {
  if (error instanceof RestError) return printable(error.message);
  throw error;
}
