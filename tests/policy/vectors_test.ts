/**
 * Compares OpenClaw's verdicts with ours, for people who come from there.
 *
 * If our spec deviates, the vector is listed with the reason. The test fails if a listed vector no
 * longer deviates.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commandOf } from "../../src/core/inbound/inbound.ts";
import { TEXT_COMMANDS } from "../../src/interactions/registry.ts";
import { parseSnowflake } from "../../src/core/discord/ids.ts";
import type { InboundMessage, Mention, Place, Sender } from "../../src/core/inbound/inbound.ts";
import {
  type AllowEntry,
  parseAllowEntry,
  prepareAllowlist,
  rulesFor,
} from "../../src/policy/rules.ts";
import { isGroupListed, isOwnerHint, prepareAuthorize } from "../../src/policy/admission.ts";
import type {
  AccessPolicy,
  ChannelRules,
  DmRules,
  GroupEntry,
  GuildRules,
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
import { vectorsOf } from "../support/discord/vectors.ts";
import { admit, commands, dm, guild, policy } from "./policies.ts";

/** Reasons by the vector's name, or by its input as JSON. */
type Otherwise = Readonly<Record<string, string>>;

/** Compares each vector with our verdict. Listed deviations must differ, for the given reason. */
function compare<Input, Expected>(
  file: string,
  fn: string,
  ours: (input: Input) => unknown,
  theirs: (expected: Expected, input: Input) => unknown,
  otherwise: Otherwise = {},
): void {
  const { vectors, options } = vectorsOf<Input, Expected>(file, fn);
  describe(`[P1] OpenClaw's ${fn} (${file})`, options, () => {
    const seen = new Set<string>();
    for (const { name, input, expected } of vectors) {
      const title = name ?? JSON.stringify(input);
      seen.add(title);
      const reason = otherwise[title];
      it(reason === undefined ? title : `${title}: otherwise, since ${reason}`, () => {
        if (reason === undefined) assert.deepEqual(ours(input), theirs(expected, input));
        else assert.notDeepEqual(ours(input), theirs(expected, input));
      });
    }

    it("contains all listed deviations", () => {
      assert.deepEqual(Object.keys(otherwise).filter((title) => !seen.has(title)), []);
    });
  });
}

/**
 * Parses entries as the config would. There, an entry that can match no sender is an error; here,
 * it matches none.
 */
function entriesOf(texts: readonly string[]): readonly AllowEntry[] {
  return texts.map(parseAllowEntry).filter((entry) => entry.kind !== "problem");
}

interface Written {
  readonly groupPolicy?: AccessPolicy["groupPolicy"];
  readonly dm?: Partial<Omit<DmRules, "allowFrom" | "groupChannels">> & {
    readonly allowFrom?: readonly string[];
    readonly groupChannels?: readonly string[];
  };
  readonly guilds?: Readonly<Record<string, WrittenGuild>>;
}
type WrittenGuild = Omit<Partial<GuildRules>, "users" | "channels"> & {
  readonly users?: readonly string[];
  readonly channels?: Readonly<Record<string, WrittenChannel>>;
};
type WrittenChannel = Omit<ChannelRules, "users"> & { readonly users?: readonly string[] };

interface Rest {
  readonly commands?: { readonly useAccessGroups?: boolean };
  readonly messages?: { readonly groupChat?: { readonly mentionPatterns?: readonly string[] } };
}

function policyOf({ dm: dmRules = {}, guilds, groupPolicy }: Written, cfg: Rest = {}) {
  const { allowFrom = [], groupChannels, ...rest } = dmRules;
  const patterns = cfg.messages?.groupChat?.mentionPatterns ?? [];
  return policy({
    ...(groupPolicy && { groupPolicy }),
    dm: dm({
      ...rest,
      allowFrom: entriesOf(allowFrom),
      ...(groupChannels && { groupChannels: groupChannels.map(groupEntry) }),
    }),
    ...(guilds && { guilds: mapped(guilds, guildOf) }),
    commands: commands({ usesAccessGroups: cfg.commands?.useAccessGroups ?? true }),
    matchesPattern: (text) => patterns.some((pattern) => new RegExp(pattern, "i").test(text)),
  });
}

function guildOf({ users, channels, ...rest }: WrittenGuild): GuildRules {
  return guild({
    ...rest,
    ...(users && { users: entriesOf(users) }),
    ...(channels && {
      channels: mapped(channels, ({ users, ...channel }) => ({
        ...channel,
        ...(users && { users: entriesOf(users) }),
      })),
    }),
  });
}

function groupEntry(text: string): GroupEntry {
  if (text === "*") return { kind: "any" };
  const id = parseSnowflake<"channel">(text.replace(/^channel:/, ""));
  return id ? { kind: "channel", id } : { kind: "name", name: text };
}

function mapped<From, To>(record: Readonly<Record<string, From>>, convert: (from: From) => To) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, convert(value)]));
}

// ---- seed-allowlist

compare<
  { allowList: string[]; userId: string; userName: string; userTag: string },
  boolean
>(
  "seed-allowlist",
  "resolveDiscordUserAllowed",
  ({ allowList, userId: id, userName, userTag }) =>
    prepareAllowlist(entriesOf(allowList))(
      sender({ id: userId(id), username: userName, tag: userTag }),
    ) !== undefined,
  (allowed) => allowed,
  {
    '{"allowList":[],"userId":"123","userName":"Alice","userTag":"Alice#1234"}':
      "an empty list admits no one (P10)",
    '{"allowList":["pk:123"],"userId":"123","userName":"Alice","userTag":"Alice#1234"}':
      "pk: is a PluralKit member, and no account (P4)",
  },
);

compare<
  { allowListRaw: string[]; candidate: { id: string; name?: string; tag?: string } },
  { allowed: boolean }
>(
  "seed-allowlist",
  "resolveDiscordAllowListMatch",
  ({ allowListRaw, candidate: { id, name = "nobody", tag } }) =>
    prepareAllowlist(entriesOf(allowListRaw))(
      sender({ id: userId(id), username: name, ...(tag && { tag }) }),
    ) !== undefined,
  ({ allowed }) => allowed,
);

compare<
  {
    channelConfig: { users?: string[] } | null;
    guildInfo: { users: string[] };
    sender: { id: string; name: string; tag: string };
  },
  string[] | null
>(
  "seed-allowlist",
  "resolveDiscordOwnerAllowFrom",
  ({ channelConfig, guildInfo, sender: { id, name, tag } }) =>
    isOwnerHint(
      guildMessage({ sender: sender({ id: userId(id), username: name, tag }) }),
      policyOf({
        guilds: {
          "*": {
            users: guildInfo.users,
            channels: { "*": channelConfig?.users ? { users: channelConfig.users } : {} },
          },
        },
      }),
    ),
  (owners) => owners !== null,
  {
    '{"channelConfig":null,"guildInfo":{"users":["*","123"]},"sender":{"id":"123","name":"Alice","tag":"Alice#1234"}}':
      "a match by id counts, even if others are allowed (P10)",
  },
);

compare<{ channels: string[]; channelId: string; channelName: string }, boolean>(
  "seed-allowlist",
  "resolveGroupDmAllow",
  ({ channels, channelId: id, channelName }) =>
    isGroupListed(channels.map(groupEntry), channelId(id), channelName),
  (allowed) => allowed,
  {
    '{"channels":[],"channelId":"55","channelName":"x","channelSlug":"x"}':
      "an empty list admits none (P5)",
    '{"channels":["channel:55"],"channelId":"55","channelName":"x","channelSlug":"x"}':
      "the page promises channel:<id>, and so do we (P4)",
  },
);

const reactionTo = (guildRules: WrittenGuild, from: Sender, on: "own" | "other") =>
  prepareAuthorize(policyOf({ guilds: { "*": guildRules } }), TEXT_COMMANDS)({
    kind: "reaction",
    place: guildPlace(),
    channelId: guildPlace().channel.id,
    sender: from,
    on,
  }).kind === "accept";

compare<
  {
    botId?: string;
    messageAuthorId: string;
    userId: string;
    userName: string;
    userTag: string;
    memberRoleIds: string[];
    mode?: GuildRules["reactionNotifications"];
    guildInfo?: { users?: string[]; roles?: string[] };
  },
  boolean
>(
  "seed-allowlist",
  "shouldEmitDiscordReactionNotification",
  ({ botId, messageAuthorId, userId: id, userName, userTag, memberRoleIds, mode, guildInfo }) =>
    reactionTo(
      {
        ...(mode && { reactionNotifications: mode }),
        ...(guildInfo?.users && { users: guildInfo.users }),
      },
      sender({
        id: userId(id),
        username: userName,
        tag: userTag,
        roles: memberRoleIds.map((role) => ({ id: roleId(role) })),
      }),
      botId === messageAuthorId ? "own" : "other",
    ),
  (emitted) => emitted,
  {
    '{"botId":"900","messageAuthorId":"900","userId":"123","userName":"Alice","userTag":"Alice#1234","memberRoleIds":[],"mode":"all","guildInfo":{"users":["999"]}}':
      "users come first in every mode (H5, P10)",
  },
);

// ---- mention gating

interface Gating {
  readonly requireMention: boolean;
  readonly canDetectMention: boolean;
  readonly wasMentioned: boolean;
  readonly implicitMention: boolean;
  readonly hasAnyMention: boolean;
  readonly allowTextCommands: boolean;
  readonly hasControlCommand: boolean;
  readonly commandAuthorized: boolean;
}

const NEVER_BLIND = "a bot that cannot detect mentions answers no one";

function isSkipped(gating: Gating): boolean {
  const mention: Mention | undefined = gating.wasMentioned
    ? "user"
    : gating.implicitMention
    ? "reply"
    : undefined;
  const rules = policy({
    guilds: { "*": guild({ requireMention: gating.requireMention }) },
    commands: commands({ texts: gating.allowTextCommands }),
  });
  const message = guildMessage({
    text: gating.hasControlCommand ? "/new" : "hello",
    mentionsOthers: gating.hasAnyMention,
    ...(mention && { mention }),
  });
  return admit(message, rules, { managesMessages: gating.commandAuthorized }).kind !== "accept";
}

compare<Gating, { shouldSkip: boolean }>(
  "seed-mention-gating",
  "resolveMentionGatingWithBypass",
  isSkipped,
  ({ shouldSkip }) => shouldSkip,
  {
    '{"isGroup":true,"requireMention":true,"canDetectMention":false,"wasMentioned":false,"implicitMention":false,"hasAnyMention":false,"allowTextCommands":true,"hasControlCommand":false,"commandAuthorized":false}':
      NEVER_BLIND,
  },
);

compare<
  {
    facts: {
      canDetectMention: boolean;
      wasMentioned: boolean;
      hasAnyMention: boolean;
      implicitMentionKinds: string[];
    };
    policy: {
      requireMention: boolean;
      allowTextCommands: boolean;
      hasControlCommand: boolean;
      commandAuthorized: boolean;
    };
  },
  { shouldSkip: boolean }
>(
  "latest-mention-gating",
  "resolveInboundMentionDecision",
  ({ facts, policy }) =>
    isSkipped({
      ...facts,
      ...policy,
      implicitMention: facts.implicitMentionKinds.includes("reply_to_bot"),
    }),
  ({ shouldSkip }) => shouldSkip,
  {
    '{"facts":{"canDetectMention":false,"wasMentioned":false,"hasAnyMention":false,"implicitMentionKinds":[]},"policy":{"isGroup":true,"requireMention":true,"allowTextCommands":true,"hasControlCommand":false,"commandAuthorized":false}}':
      NEVER_BLIND,
  },
);

compare<[text: string], boolean>(
  "seed-mention-gating",
  "hasControlCommand",
  ([text]) => commandOf(text, TEXT_COMMANDS) !== undefined,
  (isOne) => isOne,
  {
    '["/t high"]': "a command has one name (K2)",
    '["/id"]': "a command has one name (K2)",
    '["/model gpt-5"]': "it is a setting of `/settings` (K2)",
  },
);

// ---- seed-channel-config

compare<
  {
    guild?: { id: string; name: string };
    guildId?: string;
    guildEntries?: Record<string, WrittenGuild>;
  },
  WrittenGuild | null
>(
  "seed-channel-config",
  "resolveDiscordGuildEntry",
  ({ guild: named, guildId: id, guildEntries }) => {
    const place = guildPlace(
      named
        ? { guild: { id: guildId(named.id), name: named.name } }
        : { guild: { id: guildId(id ?? "1"), name: id ?? "1" }, isUnknown: true },
    );
    const rules = rulesFor(place, policyOf(guildEntries ? { guilds: guildEntries } : {}));
    return rules.kind === "open" ? { requireMention: rules.requireMention.value } : null;
  },
  (entry) => entry && { requireMention: entry.requireMention ?? true },
);

compare<
  {
    isGuildMessage: boolean;
    isThread: boolean;
    guildInfo?: { requireMention?: boolean };
    channelConfig?: { requireMention?: boolean };
  },
  boolean
>(
  "seed-channel-config",
  "resolveDiscordShouldRequireMention",
  ({ isGuildMessage, isThread, guildInfo = {}, channelConfig }) => {
    if (!isGuildMessage) {
      return admit(directMessage(), policy({ dm: dm({ policy: "open" }) })).kind !== "accept";
    }
    const { requireMention } = channelConfig ?? {};
    const rules = policyOf({
      guilds: {
        "*": {
          ...guildInfo,
          channels: { "*": requireMention === undefined ? {} : { requireMention } },
        },
      },
    });
    const thread = { id: channelId("1400000000000000012"), name: "t" };
    const place = guildPlace(isThread ? { thread } : {});
    return admit(guildMessage({ place }), rules).kind !== "accept";
  },
  (isRequired) => isRequired,
);

// ---- seed-slash-authorization

const SLASH = "dispatchDiscordCommandInteraction";

compare<
  {
    dm?: boolean;
    groupDm?: boolean;
    user?: { id: string; username: string };
    command?: string;
    cfg?: Rest;
    discordConfig: Written;
  },
  readonly { content: string }[]
>(
  "seed-slash-authorization",
  SLASH,
  ({ dm: isDm, groupDm, user = { id: "123", username: "alice" }, cfg, discordConfig }) => {
    const place: Place = isDm ? { kind: "dm" } : groupDm ? { kind: "group_dm" } : guildPlace({
      guild: { id: guildId("1"), name: "Friends of OpenClaw" },
      channel: { id: channelId("10"), name: "general" },
    });
    return prepareAuthorize(policyOf(discordConfig, cfg), TEXT_COMMANDS)({
      kind: "slash",
      place,
      channelId: channelId("10"),
      sender: sender({ id: userId(user.id), username: user.username }),
      needs: "everyone",
    }).kind === "accept";
  },
  ([reply]) => reply?.content.startsWith("Choose") === true,
  {
    "guild, no allowlists at all (open)": "anyone who may talk may give commands for everyone (K3)",
    "useAccessGroups false, users miss": "the lists do not hold for commands then (K3)",
  },
);

// ---- seed-reactions

compare<
  { guilds?: Record<string, WrittenGuild>; user?: { id: string }; botUserId: string },
  { systemEvents: readonly string[] }
>(
  "seed-reactions",
  "handleDiscordReactionEvent",
  ({ guilds, user, botUserId }) => {
    const isOurs = user?.id === botUserId;
    return prepareAuthorize(
      policyOf({ groupPolicy: "open", ...(guilds && { guilds }) }),
      TEXT_COMMANDS,
    )({
      kind: "reaction",
      place: guildPlace({ guild: { id: guildId("1"), name: "Friends of OpenClaw" } }),
      channelId: channelId("10"),
      sender: sender({ id: userId(user?.id ?? "123"), username: "alice" }),
      on: "own",
    }, { isOurs }).kind === "accept";
  },
  ({ systemEvents }) => systemEvents.length > 0,
  { "all + users list not containing sender": "users come first in every mode (H5, P10)" },
);

// ---- seed-preflight-scenarios

interface Preflight {
  readonly dm: boolean;
  readonly groupDm: boolean;
  readonly channel?: { readonly id: string; readonly name?: string; readonly parentId?: string };
  readonly guild: { readonly id: string; readonly name: string } | null;
  readonly author: { readonly id: string; readonly username: string; readonly bot?: boolean };
  readonly content: string;
  readonly mentions: readonly { readonly id: string }[];
  readonly roles: readonly unknown[];
  readonly referencedAuthorId: string | null;
  readonly botUserId: string | null;
  readonly cfg: Rest;
  readonly discordConfig: Written;
  readonly groupPolicy: AccessPolicy["groupPolicy"];
}

const PARENTS: Readonly<Record<string, string>> = { "10": "general", "11": "help" };

function placeOf({ dm: isDm, groupDm, channel, guild }: Preflight): Place {
  if (isDm || !guild || !channel) {
    const { name } = channel ?? {};
    return groupDm ? { kind: "group_dm", ...(name !== undefined && { name }) } : { kind: "dm" };
  }
  const own = { id: channelId(channel.id), name: channel.name ?? "" };
  const { parentId } = channel;
  return guildPlace({
    guild: { id: guildId(guild.id), name: guild.name },
    channel: parentId === undefined
      ? own
      : { id: channelId(parentId), name: PARENTS[parentId] ?? "" },
    ...(parentId !== undefined && { thread: own }),
  });
}

/** Finds mentions as the reader does: decode_test.ts tests that. */
function messageOf(scenario: Preflight): InboundMessage {
  const { author, content, mentions, roles, referencedAuthorId, channel } = scenario;
  const botId = scenario.botUserId ?? "900";
  const isMentioned = mentions.some(({ id }) => id === botId);
  const mention = isMentioned ? "user" : referencedAuthorId === botId ? "reply" : undefined;
  const place = placeOf(scenario);
  return (place.kind === "guild" ? guildMessage : directMessage)({
    place,
    channelId: channelId(channel?.id ?? "404"),
    sender: sender({
      id: userId(author.id),
      username: author.username,
      ...(author.bot && { automaton: "bot" }),
    }),
    text: content,
    mentionsOthers: roles.length > 0 || mentions.some(({ id }) => id !== botId),
    ...(mention && { mention }),
  });
}

compare<Preflight, { accepted: boolean }>(
  "seed-preflight-scenarios",
  "preflightDiscordMessage",
  (scenario) => {
    const { author, botUserId, cfg, discordConfig, groupPolicy } = scenario;
    const rules = policyOf({ ...discordConfig, groupPolicy }, cfg);
    return admit(messageOf(scenario), rules, { isOurs: author.id === botUserId }).kind === "accept";
  },
  ({ accepted }) => accepted,
  {
    "channel users [] clears guild users": "an empty list admits no one (P10)",
    "bot id unknown -> gate off": NEVER_BLIND,
    "group dm allowlisted by slug": "who writes in a group is judged as in a DM (P5)",
    "channelId not fetchable (treated as?)":
      "a message without a guild is a DM, regardless of a look-up (P2)",
  },
);
