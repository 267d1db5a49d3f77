import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseTarget, type Target } from "../../../src/core/outbound/target.ts";
import { channelId, guildId, messageId, userId } from "../../support/discord/builders.ts";
import { vectorsOf } from "../../support/discord/vectors.ts";
import { sameData } from "../../support/same_data.ts";

const user = (digits: string): Target => ({ kind: "user", userId: userId(digits) });
const channel = (digits: string): Target => ({ kind: "channel", channelId: channelId(digits) });
const linked = (guild: string, of: string, message?: string): Target => ({
  kind: "channel",
  channelId: channelId(of),
  guildId: guildId(guild),
  ...(message !== undefined && { messageId: messageId(message) }),
});

describe("[S4] parseTarget()", () => {
  const targets: readonly [text: string, target: Target][] = [
    ["user:123", user("123")],
    ["USER:123", user("123")],
    [" user: 123 ", user("123")],
    ["<@123>", user("123")],
    ["<@!123>", user("123")],
    ["@123", user("123")],
    ["discord:user:123", user("123")],
    ["channel:123", channel("123")],
    ["<#123>", channel("123")],
    ["discord:channel:123", channel("123")],
    ["https://discord.com/channels/1/2", linked("1", "2")],
    ["discord.com/channels/1/2/3", linked("1", "2", "3")],
    ["ptb.discord.com/channels/1/2", linked("1", "2")],
    ["https://discord.com/channels/1/2/3", linked("1", "2", "3")],
    ["https://ptb.discord.com/channels/1/2/3/", linked("1", "2", "3")],
    ["https://canary.discordapp.com/channels/1/2?x#y", linked("1", "2")],
    ["<https://discord.com/channels/1/2>", linked("1", "2")],
    [
      "https://discord.com/channels/@me/2/3",
      { ...channel("2"), messageId: messageId("3") } as Target,
    ],
  ];
  for (const [text, target] of targets) {
    it(text, () => sameData(parseTarget(text), target));
  }

  const refused: readonly [text: string, problem: RegExp][] = [
    ["", /no target/],
    ["123", /"123" may be a user or a channel/],
    ["discord:123", /may be a user or a channel/],
    ["ada", /names are not accepted/],
    ["@ada", /names are not accepted/],
    ["#general", /names are not accepted/],
    ["user:ada", /names are not accepted/],
    ["user:", /names are not accepted/],
    [":123", /names are not accepted/],
    ["discord::123", /names are not accepted/],
    ["<@&123>", /is a role/],
    ["guild:123", /names are not accepted/],
    ["user:0", /is not a Discord id/],
    ["channel:99999999999999999999", /is not a Discord id/],
    ["https://discord.com/channels/1/0", /is not a Discord id/],
    ["https://discord.com.evil.example/channels/1/2", /names are not accepted/],
    ["https://evil.example/discord.com/channels/1/2", /names are not accepted/],
    ["user:1 user:2", /names are not accepted/],
    ["a\u001b[31m\n", /"a\\u001b\[31m"/],
  ];
  for (const [text, problem] of refused) {
    it(`refuses ${JSON.stringify(text)}, and shows the right form`, () => {
      const target = parseTarget(text);
      assert.ok(target.kind === "problem");
      assert.match(target.problem, problem);
      assert.match(target.hint, /"user:/);
      assert.match(target.hint, /"channel:/);
      assert.ok(!/\p{Cc}/u.test(target.problem + target.hint));
    });
  }

  it("suggests both forms for a number", () => {
    const target = parseTarget("123");
    assert.ok(target.kind === "problem");
    assert.match(target.hint, /"user:123".*"channel:123"/);
  });
});

describe("[S4] OpenClaw's targets", () => {
  interface Expected {
    readonly kind?: "user" | "channel";
    readonly id?: string;
  }
  /** Targets that we read differently, and why. */
  const OTHERWISE: Readonly<Record<string, string>> = {
    "discord:789": "without a kind it may be either",
    "discord:user:66": "the first release read everything after the first colon as an id",
    "USER:123": "upper case is no other word",
    "<#123>": "it is a channel",
    "https://discord.com/channels/1/2/3": "it is a channel",
  };
  for (const era of ["seed", "latest"]) {
    const { vectors, options } = vectorsOf<readonly [string, unknown?], Expected | null>(
      `${era}-targets`,
      "parseDiscordTarget",
    );
    describe(`[S4] of the ${era} release`, options, () => {
      for (const { input: [text, defaults], expected } of vectors) {
        if (text in OTHERWISE || defaults !== undefined) continue; // there is no default kind
        it(JSON.stringify(text), () => {
          const target = parseTarget(text);
          // OpenClaw reads a text that is no snowflake as a channel's name; we refuse names.
          const isId = /^\d+$/.test(expected?.id ?? "");
          assert.equal(target.kind, isId ? expected?.kind : "problem");
          if (target.kind === "user") assert.equal(target.userId, expected?.id);
          if (target.kind === "channel") assert.equal(target.channelId, expected?.id);
        });
      }
    });
  }
});
