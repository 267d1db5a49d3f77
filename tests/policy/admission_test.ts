import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { GuildPlace, InboundMessage, Sender } from "../../src/core/inbound.ts";
import type { Verdict } from "../../src/core/verdict.ts";
import { prepareAdmission } from "../../src/policy/admission.ts";
import { type AllowEntry, parseAllowEntry } from "../../src/policy/allowlist.ts";
import type { AccessPolicy, ChannelRules, DmRules, GuildRules } from "../../src/policy/rules.ts";
import {
  channelId,
  directMessage,
  guildId,
  guildMessage,
  guildPlace,
  sender,
  userId,
} from "../support/builders.ts";

const ADA = userId("123456789012345678");
const BOB = userId("987654321098765432");
const bot = sender({ automaton: "bot" });
const webhook = sender({ automaton: "webhook" });

const dm = (fields: Partial<DmRules> = {}): DmRules => ({
  enabled: true,
  policy: "pairing",
  allowFrom: [],
  groupEnabled: false,
  ...fields,
});

const policy = (fields: Partial<AccessPolicy> = {}): AccessPolicy => ({
  dm: dm(),
  groupPolicy: "allowlist",
  groupPolicyRule: "channels.discord.groupPolicy",
  allowBots: false,
  matchesPattern: (text) => text.includes("barnacle"),
  ...fields,
});

const admit = (message: InboundMessage, rules: AccessPolicy): Verdict =>
  prepareAdmission(rules)(message);

/** `accept: why` or `ignore: why`, `+` where it is kept as context, and the rule without its prefix. */
function inWords(verdict: Verdict): string {
  const kept = verdict.kind === "ignore" && verdict.keepAsContext ? "+" : "";
  const rule = verdict.rule.replace("channels.discord.", "");
  return `${verdict.kind}: ${verdict.why}${kept} by ${rule}`;
}

function entries(...texts: readonly string[]): readonly AllowEntry[] {
  return texts.map((text) => {
    const entry = parseAllowEntry(text);
    if (entry.kind === "problem") throw new RangeError(entry.why);
    return entry;
  });
}

describe("direct messages", () => {
  const cases: readonly [name: string, rules: Partial<DmRules>, from: Sender, verdict: string][] = [
    ["[P2] off", { enabled: false }, sender(), "ignore: dm-disabled by dm.enabled"],
    ["[P2] disabled", { policy: "disabled" }, sender(), "ignore: dm-disabled by dm.policy"],
    [
      "[P2] off whoever is listed",
      { enabled: false, allowFrom: entries("*") },
      sender(),
      "ignore: dm-disabled by dm.enabled",
    ],
    [
      "[P2] disabled whoever is listed",
      { policy: "disabled", allowFrom: entries(ADA) },
      sender(),
      "ignore: dm-disabled by dm.policy",
    ],
    ["[P2] pairing, a stranger", {}, sender(), "ignore: dm-not-allowed by dm.policy"],
    [
      "[P2] pairing, listed",
      { allowFrom: entries(ADA) },
      sender(),
      "accept: dm-allowed by dm.allowFrom",
    ],
    [
      "[P2] allowlist, listed",
      { policy: "allowlist", allowFrom: entries(BOB, "ada") },
      sender(),
      "accept: dm-allowed by dm.allowFrom",
    ],
    [
      "[P2] allowlist, a stranger",
      { policy: "allowlist", allowFrom: entries(BOB) },
      sender(),
      "ignore: dm-not-allowed by dm.allowFrom",
    ],
    [
      "[P2] allowlist, empty",
      { policy: "allowlist" },
      sender(),
      "ignore: dm-not-allowed by dm.allowFrom",
    ],
    [
      "[P2] open",
      { policy: "open", allowFrom: entries("*") },
      sender(),
      "accept: dm-allowed by dm.policy",
    ],
    ["[P11] open, a bot", { policy: "open" }, bot, "ignore: bot by allowBots"],
    ["[P11] a listed bot", { allowFrom: entries(ADA) }, bot, "ignore: bot by allowBots"],
    ["[P11] a webhook", { policy: "open" }, webhook, "ignore: webhook by allowBots"],
    [
      "[P14] a role, which nobody has in a DM",
      { allowFrom: entries("role:Mods") },
      sender(),
      "ignore: dm-not-allowed by dm.policy",
    ],
  ];
  for (const [name, rules, from, verdict] of cases) {
    it(`${name}: ${verdict}`, () => {
      const message = directMessage({ sender: from });
      assert.equal(inWords(admit(message, policy({ dm: dm(rules) }))), verdict);
    });
  }

  it("[P5] in a group are ignored", () => {
    const message = directMessage({ place: { kind: "group_dm" }, mention: "user" });
    const open = dm({ policy: "open", allowFrom: entries("*") });
    assert.equal(
      inWords(admit(message, policy({ dm: open }))),
      "ignore: group-dm-disabled by dm.groupEnabled",
    );
    assert.equal(
      inWords(admit(message, policy({ dm: { ...open, groupEnabled: true } }))),
      "ignore: rule-not-built by dm.groupEnabled",
    );
  });
});

describe("guilds", () => {
  const ID = "1400000000000000010";
  const listed = (rules: GuildRules = {}): Partial<AccessPolicy> => ({ guilds: { [ID]: rules } });
  const help = (rules: ChannelRules = {}): Partial<AccessPolicy> =>
    listed({ channels: { help: rules } });
  const G = `guilds.${ID}`;
  const open = { groupPolicy: "open" } as const;
  const mention = { mention: "user" } as const;

  const cases: readonly [
    name: string,
    rules: Partial<AccessPolicy>,
    message: Partial<InboundMessage>,
    verdict: string,
  ][] = [
    [
      "[P6] allowlist without guilds",
      {},
      mention,
      "ignore: guild-not-listed by groupPolicy",
    ],
    [
      "[P6] open without guilds, mentioned",
      open,
      mention,
      "accept: mentioned by guilds.*.requireMention",
    ],
    [
      "[M1] open without guilds, not mentioned",
      open,
      {},
      "ignore: no-mention+ by guilds.*.requireMention",
    ],
    [
      "[P6] disabled, though listed",
      { ...listed(), groupPolicy: "disabled" },
      mention,
      "ignore: guilds-disabled by groupPolicy",
    ],
    [
      "[P6] open, but others are listed",
      { ...open, guilds: { "1": {} } },
      mention,
      "ignore: guild-not-listed by guilds",
    ],
    [
      "[P6] open, but the list is empty",
      { ...open, guilds: {} },
      mention,
      "ignore: guild-not-listed by guilds",
    ],
    ["[P6] listed", listed(), mention, `accept: mentioned by ${G}.requireMention`],
    [
      "[P8] no channels",
      listed({ channels: {} }),
      mention,
      `ignore: channel-not-listed by ${G}.channels`,
    ],
    [
      "[P8] other channels, under open too",
      { ...open, ...listed({ channels: { general: {} } }) },
      mention,
      `ignore: channel-not-listed by ${G}.channels`,
    ],
    [
      "[P8] allow: false",
      { ...open, ...help({ allow: false }) },
      mention,
      `ignore: channel-disabled by ${G}.channels.help.allow`,
    ],
    [
      "[P8] enabled: false",
      help({ enabled: false }),
      mention,
      `ignore: channel-disabled by ${G}.channels.help.enabled`,
    ],
    ["[M1] not mentioned", listed(), {}, `ignore: no-mention+ by ${G}.requireMention`],
    [
      "[M2] a role of the bot's",
      listed(),
      { mention: "role" },
      `accept: mentioned by ${G}.requireMention`,
    ],
    [
      "[M2] a reply to the bot",
      listed(),
      { mention: "reply" },
      `accept: mentioned by ${G}.requireMention`,
    ],
    [
      "[M2] a pattern",
      listed(),
      { text: "hey barnacle" },
      `accept: mentioned by ${G}.requireMention`,
    ],
    [
      "[M2] a pattern, though others are mentioned",
      listed(),
      { text: "barnacle and <@1>", mentionsOthers: true },
      `accept: mentioned by ${G}.requireMention`,
    ],
    [
      "[SEC-R6] only others mentioned",
      listed(),
      { text: "@everyone <@&5> <@1>", mentionsOthers: true },
      `ignore: no-mention+ by ${G}.requireMention`,
    ],
    [
      "[M3] no mention needed",
      listed({ requireMention: false }),
      {},
      `accept: mention-not-required by ${G}.requireMention`,
    ],
    [
      "[M3] no mention needed, but an intent filter is written",
      listed({ requireMention: false, intentFilter: true }),
      {},
      `ignore: rule-not-built+ by ${G}.intentFilter`,
    ],
    [
      "[I1] an intent filter and a mention",
      listed({ requireMention: false, intentFilter: true }),
      mention,
      `accept: mentioned by ${G}.requireMention`,
    ],
    [
      "[I1] an intent filter that the channel turns off",
      listed({
        requireMention: false,
        intentFilter: true,
        channels: { help: { intentFilter: false } },
      }),
      {},
      `accept: mention-not-required by ${G}.requireMention`,
    ],
    [
      "[P10] not on the guild's users, though mentioned",
      listed({ users: entries(BOB) }),
      mention,
      `ignore: sender-not-listed by ${G}.users`,
    ],
    [
      "[P10] nobody on the list",
      listed({ users: [], requireMention: false }),
      {},
      `ignore: sender-not-listed by ${G}.users`,
    ],
    [
      "[P10] the channel's users replace the guild's",
      listed({ users: entries(BOB), channels: { help: { users: entries(ADA) } } }),
      mention,
      `accept: mentioned by ${G}.requireMention`,
    ],
    [
      "[P10] and may be fewer",
      listed({ users: entries(ADA), channels: { help: { users: [] } } }),
      mention,
      `ignore: sender-not-listed by ${G}.channels.help.users`,
    ],
    [
      "[P11] a bot that mentions",
      listed(),
      { ...mention, sender: bot },
      "ignore: bot by allowBots",
    ],
    ["[P11] a webhook", listed(), { ...mention, sender: webhook }, "ignore: webhook by allowBots"],
    [
      "[P11] a bot where bots are allowed",
      { ...listed(), allowBots: true },
      { ...mention, sender: bot },
      "ignore: rule-not-built by allowBots",
    ],
    [
      "[M5] no words and nothing else",
      listed({ requireMention: false }),
      { text: " " },
      "ignore: no-content by gateway.intents",
    ],
    [
      "[M5] a reply without its words",
      listed(),
      { text: "", mention: "reply" },
      "ignore: no-content by gateway.intents",
    ],
    [
      "[M5] a bare mention",
      listed(),
      { text: "", ...mention },
      `accept: mentioned by ${G}.requireMention`,
    ],
    [
      "[M5] an attachment without words",
      listed({ requireMention: false }),
      { text: "", extras: [{ kind: "attachment", text: "cat.png" }] },
      `accept: mention-not-required by ${G}.requireMention`,
    ],
    [
      "[M5] an unlisted sender without words",
      listed({ users: [] }),
      { text: "" },
      `ignore: sender-not-listed by ${G}.users`,
    ],
  ];
  for (const [name, rules, message, verdict] of cases) {
    it(`${name}: ${verdict}`, () => {
      assert.equal(inWords(admit(guildMessage(message), policy(rules))), verdict);
    });
  }
});

describe("[P1] laws of admission", () => {
  const ids = ["1400000000000000010", "1400000000000000011", "1400000000000000012"] as const;
  const names = ["help", "Help Desk", "日本語", "constructor", "*"] as const;
  const anEntry = fc.constantFrom(...entries(ADA, BOB, "ada", "*", "role:Mods"));
  const someEntries = fc.array(anEntry, { maxLength: 3 });
  const option = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  /** Without the keys that were drawn as absent. */
  const tidy = <T extends object>(value: T): T =>
    Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
  const channelRules = fc.record({
    allow: option(fc.boolean()),
    enabled: option(fc.boolean()),
    requireMention: option(fc.boolean()),
    users: option(someEntries),
  }).map((rules) => tidy(rules) as ChannelRules);
  const key = fc.constantFrom(...ids, ...names, "help-desk");
  const guildRules = fc.record({
    requireMention: option(fc.boolean()),
    users: option(someEntries),
    channels: option(fc.dictionary(key, channelRules, { maxKeys: 4 })),
    intentFilter: option(fc.boolean()),
  }).map((rules) => tidy(rules) as GuildRules);
  const aPolicy: fc.Arbitrary<AccessPolicy> = fc.record({
    dmPolicy: fc.constantFrom("pairing", "allowlist", "open", "disabled" as const),
    allowFrom: someEntries,
    groupPolicy: fc.constantFrom("allowlist", "open", "disabled" as const),
    guilds: option(fc.dictionary(key, guildRules, { maxKeys: 4 })),
  }).map(({ dmPolicy, allowFrom, groupPolicy, guilds }) =>
    policy({ dm: dm({ policy: dmPolicy, allowFrom }), groupPolicy, ...(guilds && { guilds }) })
  );
  const aSender = fc.constantFrom(
    sender(),
    sender({ id: BOB, username: "bob" }),
    bot,
    webhook,
  );
  const named = <Id>(id: (digits: string) => Id) =>
    fc.record({ id: fc.constantFrom(...ids).map(id), name: fc.constantFrom(...names) });
  const aMessage: fc.Arbitrary<InboundMessage> = fc.record({
    from: aSender,
    isDirect: fc.boolean(),
    guild: named(guildId),
    channel: named(channelId),
    thread: option(named(channelId)),
    mention: option(fc.constantFrom("user", "role", "reply" as const)),
    text: fc.constantFrom("", "hello", "barnacle?"),
  }).map(({ from, isDirect, guild, channel, thread, mention, text }) => {
    const fields = { sender: from, text, ...(mention && { mention }) };
    if (isDirect) return directMessage(fields);
    return guildMessage({
      place: guildPlace({ guild, channel, ...(thread && { thread }) }),
      ...fields,
    });
  });

  it("an entry more on a list denies nobody", () => {
    fc.assert(fc.property(aPolicy, aMessage, anEntry, (rules, message, entry) => {
      const before = admit(message, rules);
      const longer = (list?: readonly AllowEntry[]) => list && { users: [...list, entry] };
      const guilds = rules.guilds && Object.fromEntries(
        Object.entries(rules.guilds).map(([name, guild]) => [name, {
          ...guild,
          ...longer(guild.users),
          ...(guild.channels && {
            channels: Object.fromEntries(
              Object.entries(guild.channels).map((
                [id, one],
              ) => [id, { ...one, ...longer(one.users) }]),
            ),
          }),
        }]),
      );
      const after = admit(message, {
        ...rules,
        dm: { ...rules.dm, allowFrom: [...rules.dm.allowFrom, entry] },
        ...(guilds && { guilds }),
      });
      if (before.kind === "accept") assert.equal(after.kind, "accept");
    }));
  });

  it("disabled allows nobody", () => {
    fc.assert(fc.property(aPolicy, aMessage, (rules, message) => {
      const closed = {
        ...rules,
        groupPolicy: "disabled",
        dm: { ...rules.dm, policy: "disabled" },
      } as const;
      assert.equal(admit(message, closed).kind, "ignore");
    }));
  });

  it("the order of keys does not matter", () => {
    const reversed = <T>(entries: Readonly<Record<string, T>>): Record<string, T> =>
      Object.fromEntries(Object.entries(entries).reverse());
    fc.assert(fc.property(aPolicy, aMessage, (rules, message) => {
      const guilds = rules.guilds && reversed(
        Object.fromEntries(
          Object.entries(rules.guilds).map(([name, guild]) => [name, {
            ...guild,
            ...(guild.channels && { channels: reversed(guild.channels) }),
          }]),
        ),
      );
      assert.deepEqual(
        admit(message, { ...rules, ...(guilds && { guilds }) }),
        admit(message, rules),
      );
    }));
  });

  it("no automaton is answered, and nothing of it is kept", () => {
    fc.assert(fc.property(aPolicy, aMessage, fc.boolean(), (rules, message, allowBots) => {
      const verdict = admit({ ...message, sender: bot }, { ...rules, allowBots });
      assert.ok(verdict.kind === "ignore" && !verdict.keepAsContext);
    }));
  });

  it("[P10] nothing of a sender who is not listed is kept", () => {
    fc.assert(fc.property(aPolicy, aMessage, (rules, message) => {
      const verdict = admit(message, rules);
      if (verdict.kind === "accept" || !verdict.keepAsContext) return;
      assert.ok(verdict.why === "no-mention" || verdict.why === "rule-not-built");
      assert.equal(message.place.kind, "guild");
    }));
  });

  it("[P7] an unknown place is never more open than it would be if it were known", () => {
    /** All that can be known too little of a place; a thread that is not known looks like a channel. */
    const lessKnown = (place: GuildPlace): readonly GuildPlace[] => {
      const { guild, channel, thread } = place;
      const nameless = <Id extends string>({ id }: { readonly id: Id }) => ({ id, name: id });
      return [guild, nameless(guild)].flatMap((known) => [
        { kind: "guild", guild: known, channel: nameless(thread ?? channel), isUnknown: true },
        { ...place, guild: known, channel: nameless(channel), isUnknown: true },
      ]);
    };
    let accepted = 0;
    fc.assert(
      fc.property(aPolicy, aMessage, (rules, message) => {
        fc.pre(message.place.kind === "guild");
        const known = admit(message, rules);
        for (const place of lessKnown(message.place)) {
          const verdict = admit({ ...message, place }, rules);
          if (verdict.kind === "accept") accepted += 1;
          const isTurnedAway = verdict.kind === "ignore" && !verdict.keepAsContext &&
            (verdict.why === "guild-not-listed" || verdict.why === "channel-not-listed");
          if (!isTurnedAway) assert.deepEqual(verdict, known);
        }
      }),
      { numRuns: 2_000 },
    );
    assert.ok(accepted > 0, "the law says something");
  });

  it("asked again it says the same", () => {
    fc.assert(fc.property(aPolicy, aMessage, (rules, message) => {
      const prepared = prepareAdmission(rules);
      assert.deepEqual(prepared(message), prepared(message));
    }));
  });
});
