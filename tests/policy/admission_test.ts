import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage, Sender } from "../../src/core/inbound/inbound.ts";
import type { KnownFacts } from "../../src/core/inbound/inbox.ts";
import type { AccessPolicy, ChannelRules, DmRules, GroupEntry } from "../../src/policy/rules.ts";
import { directMessage, guildMessage, sender } from "../support/discord/builders.ts";
import {
  ADA,
  admit,
  BOB,
  bot,
  CHANNEL,
  commands,
  dm,
  entries,
  GUILD,
  guild,
  inWords,
  listing,
  policy,
  proxy,
  webhook,
} from "./policies.ts";

/** Verdicts of many rows. */
const NOT_OWNER = "ignore: not-owner by commands.ownerAllowFrom";
const CHOSEN = {
  always: "accept: mention-not-required by /settings activation",
  mention: "ignore: no-mention+ by /settings activation",
};
const COMMAND = "accept: command by commands.text";
const WEBHOOK = "ignore: webhook by allowBots";
const BOT = "ignore: bot by allowBots";
const CODE = "challenge: pairing by dm.policy";
const IN_GROUP = "accept: group-dm-allowed by dm.policy";
const DM_DISABLED = "ignore: dm-disabled by dm.policy";
const DM_OFF = "ignore: dm-disabled by dm.enabled";
const DM_UNLISTED = "ignore: dm-not-allowed by dm.allowFrom";
const DM_LISTED = "accept: dm-allowed by dm.allowFrom";
const DM_PAIRED = "accept: dm-paired by dm.policy";
const DM_OWNER = "accept: dm-allowed by commands.ownerAllowFrom";
const NO_GROUP = "ignore: group-dm-not-listed by dm.groupChannels";
const UNLISTED = `ignore: sender-not-listed by guilds.${GUILD}.users`;
const UNMENTIONED = `ignore: no-mention+ by guilds.${GUILD}.requireMention`;
const MENTIONED = `accept: mentioned by guilds.${GUILD}.requireMention`;
const UNASKED = `accept: mention-not-required by guilds.${GUILD}.requireMention`;

const FREE = listing({ requireMention: false });
const BOBS = listing({ users: entries(BOB) });

describe("direct messages", () => {
  const cases: readonly [name: string, rules: Partial<DmRules>, from: Sender, verdict: string][] = [
    ["[P2] off", { enabled: false }, sender(), DM_OFF],
    ["[P2] disabled", { policy: "disabled" }, sender(), DM_DISABLED],
    ["[P2] off for listed people", { enabled: false, allowFrom: entries("*") }, sender(), DM_OFF],
    [
      "[P2] disabled, even for listed people",
      { policy: "disabled", allowFrom: entries(ADA) },
      sender(),
      DM_DISABLED,
    ],
    ["[P3] pairing, a stranger", {}, sender(), CODE],
    ["[P2] pairing, listed", { allowFrom: entries(ADA) }, sender(), DM_LISTED],
    ["[P2] listed", { policy: "allowlist", allowFrom: entries(BOB, "ada") }, sender(), DM_LISTED],
    ["[P2] a stranger", { policy: "allowlist", allowFrom: entries(BOB) }, sender(), DM_UNLISTED],
    ["[P2] allowlist, empty", { policy: "allowlist" }, sender(), DM_UNLISTED],
    [
      "[P2] open",
      { policy: "open", allowFrom: entries("*") },
      sender(),
      "accept: dm-allowed by dm.policy",
    ],
    ["[P11] open, a bot", { policy: "open" }, bot, BOT],
    ["[P11] a listed bot", { allowFrom: entries(ADA) }, bot, BOT],
    ["[P11] a webhook", { policy: "open" }, webhook, WEBHOOK],
    [
      "[P14] a role, which no person has in a DM",
      { policy: "allowlist", allowFrom: entries("role:Mods") },
      sender(),
      DM_UNLISTED,
    ],
  ];
  for (const [name, rules, from, verdict] of cases) {
    it(`${name}: ${verdict}`, () => {
      const message = directMessage({ sender: from });
      assert.equal(inWords(admit(message, policy({ dm: dm(rules) }))), verdict);
    });
  }
});

describe("guilds", () => {
  const listed = listing;
  const help = (rules: ChannelRules = {}) => listing({ channels: { help: rules } });
  const open = { groupPolicy: "open" } as const;
  const mention = { mention: "user" } as const;

  const cases: readonly [string, Partial<AccessPolicy>, Partial<InboundMessage>, string][] = [
    ["[P6] allowlist without guilds", {}, mention, "ignore: guild-not-listed by groupPolicy"],
    ["[P6] open, mentioned", open, mention, "accept: mentioned by guilds.*.requireMention"],
    ["[M1] open, not mentioned", open, {}, "ignore: no-mention+ by guilds.*.requireMention"],
    [
      "[P6] disabled, though listed",
      { ...listed(), groupPolicy: "disabled" },
      mention,
      "ignore: guilds-disabled by groupPolicy",
    ],
    [
      "[P6] open, but others are listed",
      { ...open, guilds: { "1": guild() } },
      mention,
      "ignore: guild-not-listed by guilds",
    ],
    ["[P6] an empty list", { ...open, guilds: {} }, mention, "ignore: guild-not-listed by guilds"],
    ["[P6] listed", listed(), mention, MENTIONED],
    [
      "[P8] no channels",
      listed({ channels: {} }),
      mention,
      `ignore: channel-not-listed by guilds.${GUILD}.channels`,
    ],
    [
      "[P8] other channels, under open too",
      { ...open, ...listed({ channels: { general: {} } }) },
      mention,
      `ignore: channel-not-listed by guilds.${GUILD}.channels`,
    ],
    [
      "[P8] allow: false",
      { ...open, ...help({ allow: false }) },
      mention,
      `ignore: channel-disabled by guilds.${GUILD}.channels.help.allow`,
    ],
    [
      "[P8] enabled: false",
      help({ enabled: false }),
      mention,
      `ignore: channel-disabled by guilds.${GUILD}.channels.help.enabled`,
    ],
    ["[M1] not mentioned", listed(), {}, UNMENTIONED],
    ["[M2] a role of the bot's", listed(), { mention: "role" }, MENTIONED],
    ["[M2] a reply to the bot", listed(), { mention: "reply" }, MENTIONED],
    ["[M2] a pattern", listed(), { text: "hey barnacle" }, MENTIONED],
    [
      "[M2] a pattern, though others are mentioned",
      listed(),
      { text: "barnacle and <@1>", mentionsOthers: true },
      MENTIONED,
    ],
    [
      "[SEC-R6] only others mentioned",
      listed(),
      { text: "@everyone <@&5> <@1>", mentionsOthers: true },
      UNMENTIONED,
    ],
    ["[M3] no mention needed", FREE, {}, UNASKED],
    [
      "[M3] no mention needed, but an intent filter, and the message has no score",
      listed({ requireMention: false, intentFilter: { enabled: true } }),
      {},
      `ignore: no-score+ by guilds.${GUILD}.intentFilter.enabled`,
    ],
    [
      "[I1] an intent filter and a mention",
      listed({ requireMention: false, intentFilter: { enabled: true } }),
      mention,
      MENTIONED,
    ],
    [
      "[I1] an intent filter that the channel turns off",
      listed({
        requireMention: false,
        intentFilter: { enabled: true },
        channels: { help: { intentFilter: { enabled: false } } },
      }),
      {},
      UNASKED,
    ],
    ["[P10] not on the guild's users, though mentioned", BOBS, mention, UNLISTED],
    ["[P10] an empty list", listed({ users: [], requireMention: false }), {}, UNLISTED],
    [
      "[P10] the channel's users replace the guild's",
      listed({ users: entries(BOB), channels: { help: { users: entries(ADA) } } }),
      mention,
      MENTIONED,
    ],
    [
      "[P10] and may be fewer",
      listed({ users: entries(ADA), channels: { help: { users: [] } } }),
      mention,
      `ignore: sender-not-listed by guilds.${GUILD}.channels.help.users`,
    ],
    ["[P11] a bot that mentions", listed(), { ...mention, sender: bot }, BOT],
    ["[P11] a webhook", listed(), { ...mention, sender: webhook }, WEBHOOK],
    ["[M5] nothing at all", FREE, { text: " " }, "ignore: no-content by gateway.intents"],
    [
      "[M5] a reply without its words",
      listed(),
      { text: "", mention: "reply" },
      "ignore: no-content by gateway.intents",
    ],
    ["[M5] a bare mention", listed(), { text: "", ...mention }, MENTIONED],
    [
      "[M5] an attachment without words",
      FREE,
      { text: "", extras: [{ kind: "attachment", text: "cat.png" }] },
      UNASKED,
    ],
    ["[M5] an unlisted sender without words", listed({ users: [] }), { text: "" }, UNLISTED],
  ];
  for (const [name, rules, message, verdict] of cases) {
    it(`${name}: ${verdict}`, () => {
      assert.equal(inWords(admit(guildMessage(message), policy(rules))), verdict);
    });
  }
});

describe("[H9] Discord's announcement of a poll's result", () => {
  const announced = { isAnnouncement: true, mention: "user", text: "barnacle" } as const;
  const open = policy({ ...FREE, dm: dm({ policy: "open", allowFrom: entries("*") }) });
  const cases: readonly [name: string, InboundMessage, AccessPolicy, string][] = [
    ["is context in a guild", guildMessage(announced), open, "ignore: no-mention+"],
    ["is context in a direct message", directMessage(announced), open, "ignore: no-mention+"],
    ["gives no pairing code", directMessage(announced), policy(), "ignore: dm-not-allowed"],
    [
      "is no context of an unlisted person",
      guildMessage(announced),
      policy(BOBS),
      "ignore: sender-not-listed",
    ],
  ];
  for (const [name, message, rules, verdict] of cases) {
    it(name, () => assert.equal(inWords(admit(message, rules)).split(" by ")[0], verdict));
  }
});

describe("known facts beside the message", () => {
  const proxied = sender({ pluralkit: { memberId: "abcde", name: "Luna" }, username: "pk:abcde" });
  const heard = { ...listing(), allowBots: true };
  const called = { sender: bot, mention: "user" } as const;
  const bots = { ...FREE, allowBots: true };
  const asks = { ...FREE, asksPluralkit: true };

  const cases: readonly [
    name: string,
    rules: Partial<AccessPolicy>,
    message: Partial<InboundMessage>,
    verdict: string,
    knownFacts?: KnownFacts,
  ][] = [
    ["[P11] a bot where bots are allowed", bots, { sender: bot }, UNASKED],
    ["[P11] a webhook, too", bots, { sender: webhook }, UNASKED],
    ["[P11] bots must mention the bot as well", heard, { sender: bot }, UNMENTIONED],
    ["[P11] [SEC-R6] a bot's reply", heard, { sender: bot, mention: "reply" }, UNMENTIONED],
    ["[P11] a bot that mentions", heard, called, MENTIONED],
    ["[P10] [P11] a bot that is not on the list", { ...BOBS, allowBots: true }, called, UNLISTED],
    [
      "[P4] [P11] a bot that took a listed name",
      { ...listing({ users: entries("ada") }), allowBots: true },
      called,
      UNLISTED,
    ],
    [
      "[P4] [SEC-R33] a webhook that took a listed name",
      { ...listing({ users: entries("ada") }), allowBots: true },
      { sender: webhook, mention: "user" },
      UNLISTED,
    ],
    ["[P11] a bot in a loop", bots, called, "ignore: loop-guard by loopGuard", { isMuted: true }],
    ["[P11] a person in a loop of bots", bots, {}, UNASKED, { isMuted: true }],
    [
      "[P11] [N3] our own, though bots are allowed",
      bots,
      { sender: bot },
      "ignore: own by router.noSelfTalk",
      { isOurs: true },
    ],
    [
      "[P13] PluralKit's webhook, not asked yet",
      asks,
      { sender: proxy },
      "undecided: pluralkit by pluralkit.enabled",
    ],
    ["[P13] PluralKit's webhook, without PluralKit", FREE, { sender: proxy }, WEBHOOK],
    [
      "[P13] [P8] PluralKit's webhook in a channel that is closed",
      { ...asks, ...listing({ channels: {} }) },
      { sender: proxy },
      `ignore: channel-not-listed by guilds.${GUILD}.channels`,
    ],
    [
      "[SEC-R33] a webhook with the same name and picture",
      asks,
      { sender: { ...proxy, applicationId: webhook.applicationId } as Sender },
      WEBHOOK,
    ],
    ["[P13] a bot of the same application", asks, { sender: { ...proxy, automaton: "bot" } }, BOT],
    ["[P13] PluralKit does not know it", asks, { sender: proxy }, WEBHOOK, { pluralkit: "none" }],
    ["[P13] [SEC-R33] PluralKit down", asks, { sender: proxy }, WEBHOOK, { pluralkit: "failed" }],
    ["[P13] the member", asks, { sender: proxied }, UNASKED, { pluralkit: "found" }],
    [
      "[P13] a message that PluralKit posts does not wait",
      asks,
      { sender: proxied },
      UNASKED,
      { pluralkit: "found", isProxied: true },
    ],
    [
      "[P13] a member by id",
      { ...asks, ...listing({ requireMention: false, users: entries("pk:abcde") }) },
      { sender: proxied },
      UNASKED,
      { pluralkit: "found" },
    ],
    [
      "[P13] a member who is not on the list",
      { ...asks, ...listing({ requireMention: false, users: entries("pk:fghij") }) },
      { sender: proxied },
      UNLISTED,
      { pluralkit: "found" },
    ],
    [
      "[P13] the original of a proxied person",
      asks,
      {},
      "undecided: pluralkit-original by pluralkit.enabled",
      { isProxied: true },
    ],
    [
      "[P13] the original, and PluralKit said nothing in its place",
      asks,
      {},
      UNASKED,
      { isProxied: true, isUnproxied: true },
    ],
    ["[P13] a person that PluralKit does not know", asks, {}, UNASKED, { isProxied: false }],
    ["[P13] the original where PluralKit is not asked", FREE, {}, UNASKED, { isProxied: true }],
    [
      "[P13] an original that would not be UNASKED does not wait",
      { ...listing(), asksPluralkit: true },
      {},
      UNMENTIONED,
      { isProxied: true },
    ],
    [
      "[P13] [P10] an original of an unlisted person does not wait",
      { ...asks, ...listing({ requireMention: false, users: [] }) },
      {},
      UNLISTED,
      { isProxied: true },
    ],
    ["[P3] being paired opens no guild", BOBS, { mention: "user" }, UNLISTED, { isPaired: true }],
  ];
  for (const [name, rules, message, verdict, knownFacts] of cases) {
    it(`${name}: ${verdict}`, () => {
      assert.equal(inWords(admit(guildMessage(message), policy(rules), knownFacts)), verdict);
    });
  }
});

describe("paired people", () => {
  const cases: readonly [string, Partial<DmRules>, Sender, string, KnownFacts?][] = [
    ["[P3] paired", {}, sender(), DM_PAIRED, { isPaired: true }],
    ["[P3] not paired", {}, sender(), CODE, { isPaired: false }],
    [
      "[P2] under allowlist a pairing does not count",
      { policy: "allowlist" },
      sender(),
      DM_UNLISTED,
      { isPaired: true },
    ],
    ["[P2] off though paired", { enabled: false }, sender(), DM_OFF, { isPaired: true }],
    ["[P2] off though paired", { policy: "disabled" }, sender(), DM_DISABLED, { isPaired: true }],
    ["[P2] listed, paired", { allowFrom: entries(ADA) }, sender(), DM_LISTED, { isPaired: true }],
    ["[P11] a bot is never challenged", {}, bot, BOT],
    [
      "[P3] an owner by Discord's word approves themselves by nothing",
      {},
      sender(),
      DM_OWNER,
      { ownsApplication: true },
    ],
    [
      "[P2] an owner by Discord's word, under allowlist",
      { policy: "allowlist" },
      sender(),
      DM_UNLISTED,
      { ownsApplication: true },
    ],
  ];
  for (const [name, rules, from, verdict, knownFacts] of cases) {
    it(`${name}: ${verdict}`, () => {
      const message = directMessage({ sender: from });
      assert.equal(inWords(admit(message, policy({ dm: dm(rules) }), knownFacts)), verdict);
    });
  }

  it("[P11] refuses a bot that is allowed elsewhere", () => {
    const rules = policy({ allowBots: true });
    assert.equal(
      inWords(admit(directMessage({ sender: bot }), rules, { isPaired: true })),
      "ignore: dm-not-allowed by dm.policy",
    );
  });
});

describe("group DMs", () => {
  const named = (name: string): GroupEntry => ({ kind: "name", name });
  const HERE: GroupEntry = { kind: "channel", id: CHANNEL };
  const cases: readonly [string, Partial<DmRules>, string, KnownFacts?][] = [
    ["[P5] by default", {}, "ignore: group-dm-disabled by dm.groupEnabled"],
    [
      "[P5] not opened by open DMs",
      { policy: "open", groupEnabled: false },
      "ignore: group-dm-disabled by dm.groupEnabled",
    ],
    ["[P5] open: anyone, in every group", { policy: "open" }, IN_GROUP],
    ["[P5] listed", { allowFrom: entries(ADA) }, "accept: group-dm-allowed by dm.allowFrom"],
    ["[P5] a paired person", {}, IN_GROUP, { isPaired: true }],
    ["[P5] no code", {}, "ignore: dm-not-allowed by dm.policy", { isPaired: false }],
    ["[P5] a person whose pairing only the store knows: the store decides", {}, CODE],
    ["[P5] no pairing counts", { policy: "allowlist" }, DM_UNLISTED, { isPaired: true }],
    ["[P2] DMs off", { enabled: false }, DM_OFF],
    ["[P2] DMs disabled", { policy: "disabled" }, DM_DISABLED],
    ["[P5] an empty list", { policy: "open", groupChannels: [] }, NO_GROUP],
    ["[P4] [P5] its id", { policy: "open", groupChannels: [HERE] }, IN_GROUP],
    ["[P5] any", { policy: "open", groupChannels: [{ kind: "any" }] }, IN_GROUP],
    ["[P5] [P15] its slug", { policy: "open", groupChannels: [named("night-watch")] }, IN_GROUP],
    ["[P5] its exact name", { policy: "open", groupChannels: [named("Night Watch!")] }, IN_GROUP],
    ["[P5] another name", { policy: "open", groupChannels: [named("watch")] }, NO_GROUP],
    ["[P5] one in a listed group", { policy: "allowlist", groupChannels: [HERE] }, DM_UNLISTED],
  ];
  for (const [name, rules, verdict, knownFacts] of cases) {
    it(`${name}: ${verdict}`, () => {
      const message = directMessage({
        place: { kind: "group_dm", name: "Night Watch!" },
        channelId: CHANNEL,
      });
      const isDefault = name === "[P5] by default";
      const rule = policy({ dm: dm({ ...(!isDefault && { groupEnabled: true }), ...rules }) });
      assert.equal(inWords(admit(message, rule, knownFacts)), verdict);
    });
  }

  it("[P5] does not match a group without a name by name", () => {
    const rules = policy({
      dm: dm({ policy: "open", groupEnabled: true, groupChannels: [named("undefined")] }),
    });
    assert.equal(inWords(admit(directMessage({ place: { kind: "group_dm" } }), rules)), NO_GROUP);
  });

  it("[P11] refuses a bot there", () => {
    const rules = policy({ dm: dm({ policy: "open", groupEnabled: true }) });
    const message = directMessage({ place: { kind: "group_dm" }, sender: bot });
    assert.equal(inWords(admit(message, rules)), BOT);
  });
});

describe("text commands", () => {
  const [restart, status, fresh] = [{ text: "/restart" }, { text: "/status" }, { text: "/new" }];
  const deny = { text: "/approve 1 deny" };
  const bob = sender({ id: BOB });
  const [owns, later, paired] = [{ ownsApplication: true }, { rightsLater: true }, {
    isPaired: true,
  }];
  const owners = { commands: commands({ owners: entries(ADA) }) };
  const open = { commands: commands({ usesAccessGroups: false }) };

  const inGuild: readonly [
    name: string,
    rules: Partial<AccessPolicy>,
    message: Partial<InboundMessage>,
    verdict: string,
    knownFacts?: KnownFacts,
  ][] = [
    ["[K2] an owner's choice to answer all", {}, {}, CHOSEN.always, { activation: "always" }],
    ["[K2] and of mentions", FREE, {}, CHOSEN.mention, { activation: "mention" }],
    ["[M4] needs no mention", {}, status, COMMAND],
    ["[M4] whatever its case", {}, { text: " /Status " }, COMMAND],
    ["[M4] another's mention", {}, { text: "/status", mentionsOthers: true }, UNMENTIONED],
    ["[M4] [K1] only as a whole", {}, { text: "see /status" }, UNMENTIONED],
    ["[M4] a command that takes no words, with words", {}, { text: "/status now" }, UNMENTIONED],
    ["[M4] not one that only begins alike", {}, { text: "/statusbar" }, UNMENTIONED],
    ["[M4] without text commands", { commands: commands({ texts: false }) }, status, UNMENTIONED],
    ["[P10] of an unlisted person", BOBS, status, UNLISTED],
    ["[K3] the same if the lists do not apply to commands", { ...BOBS, ...open }, status, COMMAND],
    ["[K3] not their talk", { ...BOBS, ...open }, { text: "status", mention: "user" }, UNLISTED],
    [
      "[K3] nor a command that mentions another person",
      { ...BOBS, ...open },
      { text: "/status", mentionsOthers: true, mention: "reply" },
      UNLISTED,
    ],
    [
      "[K3] nor a place that is closed",
      { ...open, ...listing({ channels: { help: { enabled: false } } }) },
      status,
      `ignore: channel-disabled by guilds.${GUILD}.channels.help.enabled`,
    ],
    [
      "[K3] commands for the session need the right to manage messages",
      {},
      fresh,
      "ignore: not-manager by commands.ownerAllowFrom",
    ],
    ["[K3] who does", {}, fresh, COMMAND, { managesMessages: true }],
    ["[K3] or an owner", owners, fresh, COMMAND],
    ["[K3] an owner's needs one", {}, restart, NOT_OWNER, { managesMessages: true }],
    [
      "[K3] its turn refuses one with a mention, and says so",
      owners,
      { text: "/restart", mention: "user", sender: bob },
      COMMAND,
      later,
    ],
    [
      "[K3] the same if no mention is required",
      { ...owners, ...FREE },
      { text: "/restart", sender: bob },
      COMMAND,
      later,
    ],
    [
      "[K3] without a mention it may be meant for another bot",
      owners,
      { text: "/restart", sender: bob },
      NOT_OWNER,
      later,
    ],
    [
      "[K3] nor does a turn refuse one that mentions another person, too",
      owners,
      { text: "/restart", mention: "user", mentionsOthers: true, sender: bob },
      NOT_OWNER,
      later,
    ],
    ["[K3] also if no mention is required", FREE, restart, NOT_OWNER],
    ["[K3] also in a reply to the bot", {}, { text: "/restart", mention: "reply" }, NOT_OWNER],
    ["[K3] with another mention", FREE, { text: "/restart", mentionsOthers: true }, NOT_OWNER],
    ["[K3] also if the lists do not apply to commands", open, restart, NOT_OWNER],
    ["[P10] users are no owners", listing({ users: entries(ADA) }), restart, NOT_OWNER],
    ["[P10] a listed owner", owners, restart, COMMAND],
    ["[P10] Discord's owner, if none is listed", {}, restart, COMMAND, owns],
    [
      "[P10] Discord's owner, where others are listed",
      { commands: commands({ owners: entries(BOB) }) },
      restart,
      NOT_OWNER,
      owns,
    ],
    ["[P10] no owners", { commands: commands({ owners: [] }) }, restart, NOT_OWNER, owns],
    ["[K3] an approver's", owners, deny, "ignore: not-approver by execApprovals.approvers"],
    ["[K3] who is", { approvers: [ADA] }, deny, COMMAND],
    [
      "[P11] a bot of an owner's id is no owner",
      { ...owners, ...listing(), allowBots: true },
      { text: "/restart", sender: bot },
      NOT_OWNER,
    ],
    [
      "[I1] no intent filter holds a command back",
      listing({ requireMention: false, intentFilter: { enabled: true } }),
      status,
      COMMAND,
    ],
  ];
  for (const [name, rules, message, verdict, knownFacts] of inGuild) {
    it(`${name}: ${verdict}`, () => {
      const all = policy({ ...listing(), ...rules });
      assert.equal(inWords(admit(guildMessage(message), all, knownFacts)), verdict);
    });
  }

  const direct: readonly [string, Partial<AccessPolicy>, string, string, KnownFacts?][] = [
    ["[K3] a stranger's", {}, "/status", CODE],
    ["[K3] a stranger's that needs an owner", {}, "/restart", CODE],
    ["[K3] a paired person's", {}, "/new", DM_PAIRED, paired],
    ["[K3] an owner's command, of a paired person", {}, "/restart", NOT_OWNER, paired],
    [
      "[K3] whose turn refuses it, and says so",
      { commands: commands({ owners: entries(BOB) }) },
      "/restart",
      DM_PAIRED,
      { isPaired: true, rightsLater: true },
    ],
    ["[K3] [P10] an owner need not be paired to give an owner's", owners, "/restart", DM_OWNER],
    ["[K3] nor to give another", owners, "/status", DM_OWNER],
    [
      "[A4] nor an approver for theirs",
      { approvers: [ADA] },
      "/approve 1 deny",
      "accept: allowed by execApprovals.approvers",
    ],
    ["[K3] without lists", open, "/status", "accept: command by commands.useAccessGroups"],
    ["[K3] without lists, an owner's", open, "/restart", CODE],
    [
      "[P2] where DMs are disabled, an owner's",
      { ...owners, dm: dm({ policy: "disabled" }) },
      "/restart",
      DM_DISABLED,
    ],
  ];
  for (const [name, rules, text, verdict, knownFacts] of direct) {
    it(`in a DM: ${name}: ${verdict}`, () => {
      assert.equal(inWords(admit(directMessage({ text }), policy(rules), knownFacts)), verdict);
    });
  }
});

it("[C6] names the key that the account sets, and not the inherited one", () => {
  const ruleOf = (path: string) =>
    path.replace("channels.discord", "channels.discord.accounts.work");
  const { rule } = admit(guildMessage(), policy({ ...listing(), ruleOf }));
  assert.equal(rule, `channels.discord.accounts.work.guilds.${GUILD}.requireMention`);
});
