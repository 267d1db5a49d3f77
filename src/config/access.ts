/**
 * Makes the access rules of an account, as policy reads them, from its settings.
 *
 * @module
 */

import { parseSnowflake } from "../core/discord/ids.ts";
import { openGates } from "../core/tool_names.ts";
import { type AllowEntry, parseAllowEntry } from "../policy/rules/allowlist.ts";
import type {
  AccessPolicy,
  ChannelRules,
  CommandRules,
  DmRules,
  GroupEntry,
  GuildRules,
  PlaceToolRules,
  ToolLists,
} from "../policy/rules/rules.ts";
import { type Account, DISCORD } from "./schema/accounts.ts";
import { parseGroupEntry } from "./schema/group_entry.ts";
import type { AccountSettings, Settings } from "./schema/root.ts";

type GuildSettings = NonNullable<AccountSettings["guilds"]>[string];
type ChannelSettings = NonNullable<GuildSettings["channels"]>[string];

/** As zod writes optional keys. */
type OptionalLists = { readonly [Key in keyof ToolLists]?: ToolLists[Key] | undefined };

const MINUTE_MS = 60_000;

/**
 * Makes the rules of one account.
 *
 * @param matchesPattern Whether a text addresses the bot by a pattern; see `mention.ts`.
 */
export function toAccessPolicy(
  settings: Settings,
  { settings: account, ruleOf }: Account,
  matchesPattern: (text: string) => boolean,
): AccessPolicy {
  const { dm, guilds, allowBots, loopGuard, pluralkit, intentFilter, execApprovals, actions } =
    account;
  return {
    dm: dmRules(dm),
    ...groupPolicyOf(settings.channels, account, ruleOf),
    guilds: guilds
      ? mapped(guilds, (guild) => guildRules(guild, intentFilter?.enabled === true))
      : undefined,
    allowBots,
    loopGuard: { maxTurns: loopGuard.maxTurns, muteMs: loopGuard.muteMin * MINUTE_MS },
    asksPluralkit: pluralkit.enabled,
    commands: commandRules(settings.commands),
    approvers: (execApprovals?.approvers ?? []).map((id) => parseSnowflake<"user">(id))
      .filter((id) => id !== undefined),
    tools: {
      global: toolLists(settings.tools),
      agent: toolLists(settings.agents.list[0]?.tools),
      openGates: openGates(actions ?? {}),
    },
    matchesPattern,
    ruleOf,
  };
}

/** The rules for commands, which all accounts share. */
export function commandRules(
  { useAccessGroups, ownerAllowFrom, text }: Settings["commands"],
): CommandRules {
  return {
    usesAccessGroups: useAccessGroups,
    owners: ownerAllowFrom ? entries(ownerAllowFrom) : undefined,
    texts: text,
  };
}

/**
 * The guild policy of an account, and the config path that sets it (P6).
 *
 * A bot with nothing but a token is open in guilds that an owner has joined, with mentions
 * required. An operator who writes a `channels.discord` has begun to list people and places, so the
 * rest is denied.
 */
function groupPolicyOf(
  { discord, defaults }: Settings["channels"],
  account: AccountSettings,
  ruleOf: (path: string) => string,
): Pick<AccessPolicy, "groupPolicy" | "groupPolicyRule" | "needsOwnerInGuild"> {
  const groupPolicyRule = ruleOf(`${DISCORD}.groupPolicy`);
  if (discord) return { groupPolicy: account.groupPolicy ?? "allowlist", groupPolicyRule };
  return defaults.groupPolicy === undefined
    ? { groupPolicy: "open", groupPolicyRule, needsOwnerInGuild: true }
    : { groupPolicy: defaults.groupPolicy, groupPolicyRule: "channels.defaults.groupPolicy" };
}

/**
 * Where reactions can count, so that the bot asks Discord only for those (H5, G9). In direct
 * messages they always do.
 */
export function reactionPlaces(
  { groupPolicy, guilds, dm }: Pick<AccessPolicy, "groupPolicy" | "guilds" | "dm">,
): { readonly guilds: boolean; readonly direct: boolean } {
  const rules = Object.values(guilds ?? {});
  return {
    guilds: groupPolicy !== "disabled" &&
      (!guilds || rules.some(({ reactionNotifications }) => reactionNotifications !== "off")),
    direct: dm.enabled && dm.policy !== "disabled",
  };
}

function dmRules(
  { enabled, policy, allowFrom, groupEnabled, groupChannels }: AccountSettings["dm"],
): DmRules {
  return {
    enabled,
    policy,
    allowFrom: entries(allowFrom),
    groupEnabled,
    groupChannels: groupChannels ? groups(groupChannels) : undefined,
  };
}

function guildRules(guild: GuildSettings, filtered: boolean): GuildRules {
  const { slug, requireMention, users, channels, reactionNotifications, intentFilter } = guild;
  const intents = intentFilter?.enabled ?? (filtered || undefined);
  return {
    slug,
    requireMention,
    users: users ? entries(users) : undefined,
    channels: channels ? mapped(channels, channelRules) : undefined,
    ...placeTools(guild),
    reactionNotifications,
    threads: guild.threads,
    intentFilter: intents,
  };
}

function channelRules(channel: ChannelSettings): ChannelRules {
  const { allow, enabled, requireMention, users, systemPrompt, skills, intentFilter } = channel;
  return {
    allow,
    enabled,
    requireMention,
    users: users ? entries(users) : undefined,
    systemPrompt,
    skills,
    ...placeTools(channel),
    threads: channel.threads,
    intentFilter: intentFilter?.enabled,
  };
}

function placeTools(
  { tools, toolsBySender }: Pick<ChannelSettings, "tools" | "toolsBySender">,
): PlaceToolRules {
  return {
    tools: tools ? toolLists(tools) : undefined,
    toolsBySender: toolsBySender
      ? Object.entries(toolsBySender).flatMap(([key, lists]) => {
        const who = parseAllowEntry(key);
        return who.kind === "problem" ? [] : [{ key, who, lists: toolLists(lists) }];
      })
      : undefined,
  };
}

function toolLists({ allow, alsoAllow, deny }: OptionalLists = {}): ToolLists {
  return { allow, alsoAllow, deny };
}

/** The schema has refused entries that match no one; should one get here, it lets no one in. */
function entries(written: readonly string[]): readonly AllowEntry[] {
  return written.map(parseAllowEntry).filter((entry) => entry.kind !== "problem");
}

function groups(written: readonly string[]): readonly GroupEntry[] {
  return written.map(parseGroupEntry).filter((entry) => entry.kind !== "problem");
}

/** Has no prototype, so a channel named `constructor` finds no rule. */
function mapped<From, To>(
  record: Readonly<Record<string, From>>,
  convert: (value: From) => To,
): Readonly<Record<string, To>> {
  const result: Record<string, To> = Object.create(null);
  for (const [name, value] of Object.entries(record)) result[name] = convert(value);
  return result;
}
