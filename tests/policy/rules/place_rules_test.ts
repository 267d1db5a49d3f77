import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { GuildPlace } from "../../../src/core/inbound/inbound.ts";
import { rulesFor } from "../../../src/policy/rules.ts";
import type { ChannelRules, GuildRules } from "../../../src/policy/rules.ts";
import { channelId, guildId, guildPlace } from "../../support/discord/builders.ts";
import { vectorsOf } from "../../support/discord/vectors.ts";
import { GUILD, guild, policy as aPolicy } from "../policies.ts";

/** Rules with the schema's defaults. */
type Written = Readonly<Record<string, Partial<GuildRules>>>;

const policy = (written?: Written) =>
  aPolicy({
    ...(written && {
      guilds: Object.fromEntries(
        Object.entries(written).map(([key, rules]) => [key, guild(rules)]),
      ),
    }),
  });

/** The path that decides whether mentions are required: it shows which entry applies. */
function decidedBy(place: GuildPlace, guilds: Written): string {
  const rules = rulesFor(place, policy(guilds));
  const rule = rules.kind === "closed" ? `closed ${rules.rule}` : rules.requireMention.rule;
  return rule.replace("channels.discord.", "");
}

const inChannel = (name: string, id = "1400000000000000011"): GuildPlace =>
  guildPlace({ channel: { id: channelId(id), name } });
const inGuild = (name: string): GuildPlace => guildPlace({ guild: { id: guildId(GUILD), name } });
const inThread = (name: string): GuildPlace =>
  guildPlace({ thread: { id: channelId("1400000000000000012"), name } });

describe("[P7] rulesFor() › a guild", () => {
  const rules = { requireMention: false };
  const cases: readonly [place: GuildPlace, keys: readonly string[], rule: string][] = [
    [inGuild("Friends"), [GUILD, "friends", "Friends", "*"], `guilds.${GUILD}.requireMention`],
    [inGuild("Friends"), ["friends", "Friends", "*"], "guilds.friends.requireMention"],
    [inGuild("Friends"), ["Friends", "*"], "guilds.Friends.requireMention"],
    [inGuild("Friends"), ["*"], "guilds.*.requireMention"],
    [inGuild("Friends"), ["others"], "closed guilds"],
    [inGuild("C++ & C#"), ["c-c"], "guilds.c-c.requireMention"],
    [inGuild("C++ & C#"), ["c++-&-c#"], 'guilds."c++-&-c#".requireMention'],
    [inGuild("日本語"), ["日本語"], 'guilds."日本語".requireMention'],
    [inGuild("日本語"), [""], "closed guilds"], // two empty slugs are not the same name
    [inGuild("constructor"), ["friends"], "closed guilds"], // no key of the object's own
    [inGuild("__proto__"), ["friends"], "closed guilds"],
    [inGuild("*"), ["friends"], "closed guilds"],
    // A stranger may not get a guild allowed by naming it with a listed guild's id.
    [inGuild("1400000000000000099"), ["1400000000000000099"], "closed guilds"],
  ];
  for (const [place, keys, rule] of cases) {
    it(`"${place.guild.name}" among ${keys.join(", ")}: ${rule}`, () => {
      assert.equal(decidedBy(place, Object.fromEntries(keys.map((key) => [key, rules]))), rule);
    });
  }
});

describe("[P7] rulesFor() › a channel", () => {
  const rules = { requireMention: false };
  const cases: readonly [place: GuildPlace, keys: readonly string[], rule: string][] = [
    [inChannel("help"), ["1400000000000000011", "help", "*"], "channels.1400000000000000011"],
    [inChannel("Help Desk"), ["help-desk", "Help Desk", "*"], "channels.help-desk"],
    [inChannel("Help Desk"), ["Help Desk", "*"], 'channels."Help Desk"'],
    [inChannel("help"), ["#help"], 'channels."#help"'],
    [inChannel("質問"), ["質問", "*"], 'channels."質問"'],
    [inChannel("help"), ["*"], "channels.*"],
    [inChannel("1400000000000000077"), ["1400000000000000077", "*"], "channels.*"],
    [inThread("help"), ["1400000000000000012", "help"], "channels.1400000000000000012"],
    [inThread("notes"), ["help", "notes"], "channels.help"], // [P9] the parent's
    [inThread("notes"), ["*"], "channels.*"],
  ];
  for (const [place, keys, rule] of cases) {
    const { name } = place.thread ?? place.channel;
    it(`"${name}" among ${keys.join(", ")}: ${rule}`, () => {
      const channels = Object.fromEntries(keys.map((key) => [key, rules]));
      const path = `guilds.${GUILD}.${rule}.requireMention`;
      assert.equal(decidedBy(place, { [GUILD]: { channels } }), path);
    });
  }

  it("[P9] never matches a thread's name", () => {
    const channels = { notes: rules };
    const rule = `closed guilds.${GUILD}.channels`;
    assert.equal(decidedBy(inThread("notes"), { [GUILD]: { channels } }), rule);
  });
});

describe("[P6] [P7] rulesFor() › an unknown place", () => {
  const rules = { requireMention: false };
  const OTHER = "1400000000000000099";
  const CHANNEL = "1400000000000000011";
  const THREAD = "1400000000000000012";
  const noNames = { guild: { id: guildId(GUILD), name: GUILD }, isUnknown: true } as const;
  const unknown = guildPlace({ ...noNames, channel: { id: channelId(CHANNEL), name: CHANNEL } });
  /** A thread with a parent of which only the id is available. */
  const orphan = guildPlace({ ...unknown, thread: { id: channelId(THREAD), name: "notes" } });

  const inGuilds: readonly [keys: readonly string[], rule: string][] = [
    [[GUILD], `guilds.${GUILD}.requireMention`],
    [[GUILD, "friends", "*"], `guilds.${GUILD}.requireMention`],
    [["*"], "guilds.*.requireMention"],
    [["*", OTHER], "guilds.*.requireMention"], // its own id is another one
    [["*", "friends"], "closed guilds"], // it may be called so, and "friends" may be closed
    [["*", "123"], "closed guilds"], // no id, but a name that a person may choose
    [[OTHER], "closed guilds"],
    [["friends"], "closed guilds"],
    [[], "closed guilds"],
  ];
  for (const [keys, rule] of inGuilds) {
    it(`in a guild among ${keys.join(", ") || "none"}: ${rule}`, () => {
      const guilds = Object.fromEntries(keys.map((key) => [key, rules]));
      assert.equal(decidedBy(unknown, guilds), rule);
    });
  }

  it("does not match a guild by a name that is its id", () => {
    const guilds = { "123": rules };
    const place = guildPlace({ ...unknown, guild: { id: guildId(GUILD), name: "123" } });
    assert.equal(decidedBy(place, guilds), "closed guilds");
  });

  const inChannels: readonly [place: GuildPlace, keys: readonly string[], rule?: string][] = [
    [unknown, [CHANNEL], `.${CHANNEL}`],
    [unknown, [CHANNEL, "help", "*"], `.${CHANNEL}`],
    [unknown, ["*"], ".*"],
    [unknown, ["*", "help"]], // it may have that name
    [unknown, ["*", OTHER]], // it may be a thread of that one
    [unknown, [OTHER]],
    [unknown, []],
    [orphan, [THREAD, "help", "*"], `.${THREAD}`],
    [orphan, [CHANNEL, "help", "*"], `.${CHANNEL}`],
    [orphan, ["*", OTHER], ".*"], // both its ids are given
    [orphan, ["*", "help"]],
    [orphan, ["*", "notes"]], // the thread's name says nothing of the parent's
  ];
  for (const [place, keys, rule] of inChannels) {
    const name = place.thread ? "a thread" : "a channel";
    it(`as ${name} among ${keys.join(", ") || "none"}: ${rule ?? "closed"}`, () => {
      const channels = Object.fromEntries(keys.map((key) => [key, rules]));
      const path = `guilds.${GUILD}.channels`;
      assert.equal(
        decidedBy(place, { [GUILD]: { channels } }),
        rule === undefined ? `closed ${path}` : `${path}${rule}.requireMention`,
      );
    });
  }

  it("[P8] closes a place whose own entry says so", () => {
    const channels = { [CHANNEL]: { allow: false } };
    const place = rulesFor(unknown, policy({ [GUILD]: { channels } }));
    assert.equal(place.kind === "closed" && place.why, "channel-disabled");
  });
});

describe("[P7] rulesFor() › single keys", () => {
  const joined = (place: GuildPlace, guild: Partial<GuildRules>) => {
    const rules = rulesFor(place, policy({ [GUILD]: guild }));
    assert.ok(rules.kind === "open");
    return rules;
  };

  it("prefers an explicit entry to *, and * to the guild", () => {
    const { requireMention, users, systemPrompt } = joined(inChannel("help"), {
      requireMention: true,
      users: [{ kind: "anyone" }],
      channels: {
        help: { systemPrompt: "short" },
        "*": { requireMention: false, systemPrompt: "x" },
      },
    });
    assert.equal(systemPrompt, "short");
    assert.deepEqual(requireMention, {
      value: false,
      rule: `channels.discord.guilds.${GUILD}.channels.*.requireMention`,
    });
    assert.equal(users?.rule, `channels.discord.guilds.${GUILD}.users`);
  });

  it("[P8] keeps a listed channel open despite *", () => {
    const guild = { channels: { help: {}, "*": { allow: false, enabled: false } } };
    assert.equal(joined(inChannel("help"), guild).kind, "open");
    assert.equal(rulesFor(inChannel("other"), policy({ [GUILD]: guild })).kind, "closed");
  });

  it("[P9] gives a listed thread nothing of its parent", () => {
    const rules = joined(inThread("notes"), {
      requireMention: false,
      channels: {
        "1400000000000000012": {},
        help: { requireMention: true, users: [], systemPrompt: "parent" },
      },
    });
    assert.equal(rules.requireMention.value, false);
    assert.deepEqual(rules.users?.value, undefined);
    assert.equal(rules.systemPrompt, undefined);
  });

  it("[P10] treats an empty list as a list", () => {
    const guild = { users: [{ kind: "anyone" } as const], channels: { help: { users: [] } } };
    assert.deepEqual(joined(inChannel("help"), guild).users?.value, []);
  });

  it("[M1] requires mentions by default", () => {
    const { requireMention } = joined(inChannel("help"), {});
    assert.deepEqual(requireMention, {
      value: true,
      rule: `channels.discord.guilds.${GUILD}.requireMention`,
    });
  });

  it("[S2] returns the guild's slug with the rules", () => {
    assert.equal(joined(inChannel("help"), { slug: "crew" }).guildSlug, "crew");
  });
});

describe("[P7] OpenClaw's channel rules", () => {
  interface Input {
    readonly guildInfo: { readonly channels: Record<string, ChannelRules> };
    readonly channelId: string;
    readonly channelName: string;
    readonly scope: "thread" | "channel";
    readonly parentId?: string;
    readonly parentName?: string;
  }
  interface Expected {
    readonly allowed: boolean;
    readonly enabled?: boolean;
    readonly requireMention?: boolean;
    readonly matchKey?: string;
  }
  const { vectors, options } = vectorsOf<Input, Expected>(
    "seed-channel-config",
    "resolveDiscordChannelConfigWithFallback",
  );
  const place = ({ scope, channelId: id, channelName, parentId, parentName }: Input) => {
    const own = { id: channelId(id), name: channelName };
    const parent = { id: channelId(parentId ?? "999"), name: parentName ?? "no-such" };
    return guildPlace(scope === "thread" ? { thread: own, channel: parent } : { channel: own });
  };

  describe("[P7] each", options, () => {
    for (const [index, { input, expected }] of vectors.entries()) {
      it(`${index}: ${input.channelName} in ${Object.keys(input.guildInfo.channels).join(", ")}`, () => {
        const rules = rulesFor(place(input), policy({ [GUILD]: input.guildInfo }));
        assert.equal(rules.kind === "open", expected.allowed && expected.enabled !== false);
        if (rules.kind === "closed" || !expected.matchKey) return;
        // If OpenClaw's entry lacks a value, ours takes it from "*" (P7: the page says "defaults").
        const own = expected.requireMention ?? input.guildInfo.channels["*"]?.requireMention ??
          true;
        assert.equal(rules.requireMention.value, own);
      });
    }
  });
});
