/**
 * Policies with every rule filled in, and verdicts in words, so that a table of rules can be read.
 */

import fc from "fast-check";
import { TEXT_COMMANDS } from "../../src/interactions/registry.ts";
import { openGates } from "../../src/core/tool_names.ts";
import { type ApplicationId, parseSnowflake } from "../../src/core/discord/ids.ts";
import type { InboundMessage, Sender } from "../../src/core/inbound/inbound.ts";
import type { KnownFacts, Verdict } from "../../src/core/inbound/inbox.ts";
import { prepareAdmission } from "../../src/policy/admission.ts";
import {
  type AccessPolicy,
  type AllowEntry,
  type ChannelRules,
  type CommandRules,
  type DmRules,
  type GuildRules,
  parseAllowEntry,
} from "../../src/policy/rules.ts";
import {
  channelId,
  directMessage,
  guildId,
  guildMessage,
  guildPlace,
  roleId,
  sender,
  userId,
} from "../support/discord/builders.ts";

/** The sender of the builders' messages. */
export const ADA = userId("123456789012345678");
export const BOB = userId("987654321098765432");
export const MODS = roleId("1400000000000000003");
/** The guild and the channel of the builders, "Friends of Barnacle" and #help. */
export const GUILD = guildPlace().guild.id;
export const CHANNEL = guildPlace().channel.id;
export const THREAD = channelId("1400000000000000012");

export const bot: Sender = sender({ automaton: "bot" });
export const webhook: Sender = sender({ automaton: "webhook" });
/** A webhook that PluralKit has made; its name and picture are the member's. */
export const proxy: Sender = sender({
  username: "Luna",
  automaton: "webhook",
  applicationId: applicationId("466378653216014359"),
});

/** A guild's rules with the schema's defaults. */
export const guild = (fields: Partial<GuildRules> = {}): GuildRules => ({
  reactionNotifications: "own",
  ...fields,
});

export const dm = (fields: Partial<DmRules> = {}): DmRules => ({
  enabled: true,
  policy: "pairing",
  allowFrom: [],
  groupEnabled: false,
  ...fields,
});

export const commands = (fields: Partial<CommandRules> = {}): CommandRules => ({
  usesAccessGroups: true,
  texts: true,
  ...fields,
});

/** A policy of defaults; its mention pattern is the word "barnacle". */
export const policy = (fields: Partial<AccessPolicy> = {}): AccessPolicy => ({
  dm: dm(),
  groupPolicy: "allowlist",
  groupPolicyRule: "channels.discord.groupPolicy",
  allowBots: false,
  loopGuard: { maxTurns: 6, muteMs: 600_000 },
  asksPluralkit: false,
  commands: commands(),
  approvers: [],
  tools: { global: {}, agents: [], openGates: openGates({}) },
  matchesPattern: (text) => text.includes("barnacle"),
  agentsNamed: () => [],
  router: { agents: [{ id: "main", rule: "agents.list" }], assigned: [], bindings: [] },
  passive: [],
  patternsIn: () => [],
  dedupWindowMs: 5_000,
  ruleOf: (path) => path,
  ...fields,
});

export const listing = (rules: Partial<GuildRules> = {}): Partial<AccessPolicy> => ({
  guilds: { [GUILD]: guild(rules) },
});

export const admit = (
  message: InboundMessage,
  rules: AccessPolicy,
  knownFacts?: KnownFacts,
): Verdict => prepareAdmission(rules, TEXT_COMMANDS)(message, knownFacts);

/** `accept: why` or `ignore: why`, `+` if it is kept as context, and the rule without its prefix. */
export function inWords(verdict: Verdict): string {
  const kept = verdict.kind === "ignore" && verdict.keepAsContext ? "+" : "";
  const rule = verdict.rule.replace("channels.discord.", "");
  return `${verdict.kind}: ${verdict.why}${kept} by ${rule}`;
}

export function entries(...texts: readonly string[]): readonly AllowEntry[] {
  return texts.map((text) => {
    const entry = parseAllowEntry(text);
    if (entry.kind === "problem") throw new RangeError(entry.why);
    return entry;
  });
}

/** Random policies and messages of fast-check: few ids and names, so that they match. */
export const drawn = (() => {
  const ids = ["1400000000000000010", "1400000000000000011", "1400000000000000012"] as const;
  const names = ["help", "Help Desk", "日本語", "constructor", "*"] as const;
  const anEntry = fc.constantFrom(
    ...entries(ADA, BOB, "ada", "bob#0001", "*", "role:Mods", `role:${MODS}`, "pk:abcde", "luna"),
  );
  const someEntries = fc.array(anEntry, { maxLength: 3 });
  const option = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  /** Removes keys that were drawn as absent. */
  const tidy = <T extends object>(value: T): T =>
    Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
  const key = fc.constantFrom(...ids, ...names, "help-desk");
  const channelRules = fc.record({
    allow: option(fc.boolean()),
    enabled: option(fc.boolean()),
    requireMention: option(fc.boolean()),
    users: option(someEntries),
  }).map((rules) => tidy(rules) as ChannelRules);
  const guildRules = fc.record({
    requireMention: option(fc.boolean()),
    users: option(someEntries),
    channels: option(fc.dictionary(key, channelRules, { maxKeys: 4 })),
    intentFilter: option(
      fc.record({
        enabled: fc.boolean(),
        alwaysRespondToMentions: option(fc.boolean()),
        openRequests: option(fc.boolean()),
      }).map((keys) => tidy(keys)),
    ),
    reactionNotifications: fc.constantFrom("off", "own", "all", "allowlist" as const),
  }).map((rules) => tidy(rules) as GuildRules);
  const aPolicy: fc.Arbitrary<AccessPolicy> = fc.record({
    dm: fc.record({
      enabled: fc.boolean(),
      policy: fc.constantFrom("pairing", "allowlist", "open", "disabled" as const),
      allowFrom: someEntries,
      groupEnabled: fc.boolean(),
    }),
    groupPolicy: fc.constantFrom("allowlist", "open", "disabled" as const),
    guilds: option(fc.dictionary(key, guildRules, { maxKeys: 4 })),
    allowBots: fc.boolean(),
    asksPluralkit: fc.boolean(),
    usesAccessGroups: fc.boolean(),
    owners: option(someEntries),
    approvers: fc.subarray([ADA, BOB]),
  }).map(({ usesAccessGroups, owners, guilds, ...rules }) =>
    policy({
      ...rules,
      ...(guilds && { guilds }),
      commands: commands({ usesAccessGroups, ...(owners && { owners }) }),
    })
  );
  const aSender: fc.Arbitrary<Sender> = fc.constantFrom(
    sender({ roles: [{ id: MODS, name: "Mods" }] }),
    sender({ id: BOB, username: "bob", tag: "bob#0001" }),
    sender({ id: BOB, username: "pk:abcde", pluralkit: { memberId: "abcde", name: "luna" } }),
    bot,
    webhook,
    proxy,
  );
  const named = <Id>(id: (digits: string) => Id) =>
    fc.record({ id: fc.constantFrom(...ids).map(id), name: fc.constantFrom(...names) });
  const aPlace = fc.record({
    guild: named(guildId),
    channel: named(channelId),
    thread: option(named(channelId)),
  }).map(({ guild, channel, thread }) => guildPlace({ guild, channel, ...(thread && { thread }) }));
  const aMessage: fc.Arbitrary<InboundMessage> = fc.record({
    from: aSender,
    where: fc.constantFrom("dm", "group_dm", "guild", "guild", "guild" as const),
    place: aPlace,
    mention: option(fc.constantFrom("user", "role", "reply" as const)),
    mentionsOthers: fc.boolean(),
    text: fc.constantFrom("", "hello", "barnacle?", "/status", "/new", "/restart", "/approve 1"),
  }).map(({ from, where, place, mention, mentionsOthers, text }) => {
    const fields = { sender: from, text, mentionsOthers, ...(mention && { mention }) };
    if (where === "guild") return guildMessage({ place, ...fields });
    return directMessage({ ...fields, place: { kind: where } });
  });
  const someKnownFacts: fc.Arbitrary<KnownFacts> = fc.record({
    isPaired: option(fc.boolean()),
    pluralkit: option(fc.constantFrom("found", "none", "failed" as const)),
    isProxied: option(fc.boolean()),
    isUnproxied: option(fc.boolean()),
    isOurs: option(fc.constantFrom(true, false, false, false)),
    isMuted: option(fc.boolean()),
    ownsApplication: option(fc.boolean()),
    managesMessages: option(fc.boolean()),
    intent: option(
      fc.record({
        score: fc.constantFrom(0, 0.69, 0.7, 1),
        needsReply: fc.double({ min: 0, max: 1, noNaN: true }),
        top: fc.constant([]),
        repliesToOther: option(fc.constant(true as const)),
      }).map((facts) => tidy(facts)),
    ),
  }).map((knownFacts) => tidy(knownFacts) as KnownFacts);
  return { anEntry, aPolicy, aMessage, someKnownFacts, aSender, aPlace };
})();

function applicationId(digits: string): ApplicationId {
  const id = parseSnowflake<"application">(digits);
  if (!id) throw new RangeError(`No snowflake: ${digits}`);
  return id;
}
