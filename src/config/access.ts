/**
 * Makes the access rules of an account, as policy reads them, from its settings, or from a recorded
 * config, to judge an old verdict again (P1).
 *
 * The recorded text has no secrets, and the environment of that time is lost. So no secret is
 * resolved for it, and the account `default` is always included.
 */

import { openGates } from "../core/tool_names.ts";
import type { AccessPolicy, AgentTools, CommandRules, ToolLists } from "../policy/rules.ts";
import type { AccountId } from "../core/discord/ids.ts";
import { entriesIn } from "./schema/server_events.ts";
import { accountsOf, DISCORD, type WrittenAccount } from "./schema/accounts.ts";
import type { AccountSettings, Settings } from "./schema/root.ts";
import { mentionsOf, type MentionTests } from "./mentions.ts";
import { toPassiveAgents, toRouterRules } from "./schema/router.ts";
import { noFile, parseConfig } from "./parse.ts";

export function toAccessPolicy(
  settings: Settings,
  { settings: account, ruleOf }: WrittenAccount,
  { matches, named, patternsIn }: MentionTests,
): AccessPolicy {
  const { dm, guilds, allowBots, pluralkit, intentFilter, execApprovals, actions } = account;
  const { muteMin, ...loopGuard } = account.loopGuard;
  return {
    dm,
    ...groupPolicyOf(settings.channels, account, ruleOf),
    guilds,
    intentFilter,
    allowBots,
    loopGuard: { ...loopGuard, muteMs: muteMin * 60_000 },
    asksPluralkit: pluralkit.enabled,
    commands: commandRules(settings.commands),
    approvers: execApprovals.approvers,
    tools: {
      global: toolLists(settings.tools),
      agents: agentTools(settings.agents),
      openGates: openGates(actions),
      hooks: toolsOfEvents(settings),
    },
    matchesPattern: matches,
    agentsNamed: named,
    router: toRouterRules(settings),
    passive: toPassiveAgents(settings),
    patternsIn,
    dedupWindowMs: settings.router.dedupWindowSec * 1_000,
    ruleOf,
  };
}

function toolsOfEvents({ hooks = {}, agents }: Settings): AccessPolicy["tools"]["hooks"] {
  const events = [
    ...Object.entries(hooks).map(([name, { tools }]) => [name, tools] as const),
    ...Object.entries(entriesIn(agents.list)).map(([name, { tools }]) => [name, tools] as const),
  ];
  return events.length === 0 ? undefined : new Map(events);
}

/** The lists alone, without the section's other keys. */
function toolLists({ allow, alsoAllow, deny }: ToolLists = {}): ToolLists {
  return { allow, alsoAllow, deny };
}

function agentTools({ list }: Settings["agents"]): readonly AgentTools[] {
  return list.flatMap(({ id: agentId, tools }, index) =>
    tools ? [{ agentId, lists: toolLists(tools), rule: `agents.list[${index}].tools` }] : []
  );
}

function commandRules(
  { useAccessGroups, ownerAllowFrom, text }: Settings["commands"],
): CommandRules {
  return { usesAccessGroups: useAccessGroups, owners: ownerAllowFrom, texts: text };
}

/**
 * The guild policy of an account, and the config path that sets it (P6).
 *
 * A bot with nothing but a token is open in every guild, with mentions required. An operator who
 * writes a `channels.discord` has begun to list people and places, so the rest is denied.
 */
function groupPolicyOf(
  { discord, defaults }: Settings["channels"],
  account: AccountSettings,
  ruleOf: (path: string) => string,
): Pick<AccessPolicy, "groupPolicy" | "groupPolicyRule" | "hasNoSection"> {
  const groupPolicyRule = ruleOf(`${DISCORD}.groupPolicy`);
  if (discord) return { groupPolicy: account.groupPolicy ?? "allowlist", groupPolicyRule };
  return defaults.groupPolicy === undefined
    ? { groupPolicy: "open", groupPolicyRule, hasNoSection: true }
    : {
      groupPolicy: defaults.groupPolicy,
      groupPolicyRule: "channels.defaults.groupPolicy",
      hasNoSection: true,
    };
}

/**
 * Where reactions can count, so that the bot asks Discord only for those (H5, G9). In direct
 * messages they always do.
 */
export function reactionPlaces(
  { groupPolicy, guilds, dm }: AccessPolicy,
): { readonly guilds: boolean; readonly direct: boolean } {
  const rules = Object.values(guilds ?? {});
  return {
    guilds: groupPolicy !== "disabled" &&
      (!guilds || rules.some(({ reactionNotifications }) => reactionNotifications !== "off")),
    direct: dm.enabled && dm.policy !== "disabled",
  };
}

/**
 * Makes the policies of all accounts. Never rejects.
 *
 * @param text Recorded text, as `Loaded.text`; `undefined` if there was no file.
 * @param file Its path then. Problems in it are not shown.
 * @returns Empty if this version cannot read the text, because another version wrote it.
 */
export async function policiesIn(text: string | undefined, file = "config.jsonc"): Promise<
  readonly {
    readonly accountId: AccountId;
    /** Names are not resolved yet; see `withNames`. */
    readonly access: AccessPolicy;
  }[]
> {
  const { settings, written } = text === undefined ? noFile() : await parseConfig({ file, text });
  if (!settings) return [];
  const mentions = await mentionsOf(settings);
  return accountsOf(settings, written, true).map((account) => ({
    accountId: account.id,
    access: toAccessPolicy(settings, account, mentions),
  }));
}
