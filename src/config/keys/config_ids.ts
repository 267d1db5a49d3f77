/**
 * Lists the ids that the config names beside the access rules (P7): places of commands and agents,
 * people who check answers, roles with a budget.
 *
 * A wrong one has no effect, and nothing else shows that.
 */

import { pathTo } from "../../core/config_file.ts";
import {
  type ChannelId,
  type GuildId,
  type RoleId,
  toAccountId,
  type UserId,
} from "../../core/discord/ids.ts";
import { pathOfHook } from "../../core/hooks/hook.ts";
import type { ListedId } from "../../policy/rules/listed_ids.ts";
import type { Config } from "../config.ts";

type ConfigWithIds =
  & Pick<Config, "bindings" | "budgets" | "serverEvents" | "tools">
  & {
    readonly discord: Pick<
      Config["discord"],
      "access" | "accountId" | "allowedMentions" | "commands" | "dms"
    >;
  };

/**
 * Lists the ids of an account.
 *
 * @param isOnly Whether it is the only account. Otherwise ids that all accounts share may be those
 * of another account's guilds.
 */
export function configIds(config: ConfigWithIds, isOnly: boolean): readonly ListedId[] {
  const { ruleOf } = config.discord.access;
  const own = ofAccount(config).flatMap((listed) => {
    const rule = ruleOf(listed.rule);
    return isOnly || rule !== listed.rule ? [{ ...listed, rule }] : []; // else all accounts have it
  });
  return [
    ...own,
    ...ofBindings(config, isOnly),
    ...isOnly ? ofAll(config) : [],
  ];
}

/** Ids below `channels.discord`, with the paths that all accounts share. */
function ofAccount(
  { discord: { allowedMentions, commands: { guildId }, dms } }: ConfigWithIds,
): readonly ListedId[] {
  return [
    ...guildId === undefined ? [] : [guildOf(guildId, "channels.discord.commands.guildId")],
    ...allowedMentions.roles.map((id, number) =>
      roleOf(id, pathTo("channels.discord.allowedMentions.roles", number))
    ),
    ...Object.keys(dms).map((id) => personOf(id as UserId, pathTo("channels.discord.dms", id))),
  ];
}

function ofBindings(
  { bindings, discord: { accountId } }: ConfigWithIds,
  isOnly: boolean,
): readonly ListedId[] {
  return (bindings ?? []).flatMap(({ match }, at) => {
    const isOther = match.accountId === undefined
      ? !isOnly
      : toAccountId(match.accountId) !== accountId;
    if (isOther) return [];
    const path = pathTo(pathTo("bindings", at), "match");
    const { guildId, channelId, userId } = match;
    return [
      ...guildId === undefined ? [] : [guildOf(guildId, pathTo(path, "guildId"))],
      ...channelId === undefined ? [] : [channelOf(channelId, pathTo(path, "channelId"))],
      // A guild's: with `allowBots`, it may be the id of a webhook.
      ...userId === undefined ? [] : [{ ...personOf(userId, pathTo(path, "userId")), guild: "*" }],
    ];
  });
}

function ofAll(
  { budgets, tools, serverEvents }: ConfigWithIds,
): readonly ListedId[] {
  return [
    ...Object.entries(serverEvents).flatMap(([hook, { where = [], who = [] }]) =>
      Object.entries({ where, who }).flatMap(([name, ids]) =>
        ids.map((written, at): ListedId => {
          const [kind, id] = written.split(":") as ["guild", GuildId]; // or another kind
          return { kind, id, rule: pathTo(pathTo(pathOfHook(hook), name), at), guild: "*" };
        })
      )
    ),
    ...Object.keys(budgets.perRole).map((id) =>
      roleOf(id as RoleId, pathTo("budgets.perRole", id))
    ),
    ...tools.discord.alsoGuilds.map((id, at) =>
      guildOf(id, pathTo("tools.discord.alsoGuilds", at))
    ),
  ];
}

function guildOf(id: GuildId, rule: string): ListedId {
  return { kind: "guild", id, rule };
}

/** A channel of any guild, or of direct messages. */
function channelOf(id: ChannelId, rule: string): ListedId {
  return { kind: "channel", id, rule };
}

function roleOf(id: RoleId, rule: string): ListedId {
  return { kind: "role", id, rule, guild: "*" };
}

function personOf(id: UserId, rule: string): ListedId {
  return { kind: "user", id, rule };
}
