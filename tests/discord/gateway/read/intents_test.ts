import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApplicationFlags as Flag, GatewayIntents } from "@discordeno/types";
import {
  chooseIntents,
  flagsGranting,
  type PrivilegedIntent,
  toIntents,
} from "../../../../src/discord/gateway/read/intents.ts";

describe("[G9] toIntents()", () => {
  it("recommends an agent's intents, and members as an optional one", () => {
    // guilds 0, members 1, messages 9, reactions 10, DMs 12, their reactions 13, content 15
    const bits = 1 | 1 << 1 | 1 << 9 | 1 << 10 | 1 << 12 | 1 << 13 | 1 << 15;
    assert.deepEqual(toIntents("agent_recommended"), { bits, optional: 1 << 1, unknown: [] });
  });

  it("[H5] asks for reactions only where they can count", () => {
    const bits = 1 | 1 << 1 | 1 << 9 | 1 << 12 | 1 << 15;
    for (
      const [guilds, direct, more] of [
        [false, false, 0],
        [true, false, 1 << 10],
        [false, true, 1 << 13],
      ] as const
    ) {
      assert.equal(toIntents("agent_recommended", { guilds, direct }).bits, bits | more);
    }
  });

  const names: readonly [string, number][] = [
    ["guilds", GatewayIntents.Guilds],
    ["guild_members", GatewayIntents.GuildMembers],
    ["guild_messages", GatewayIntents.GuildMessages],
    ["message_content", GatewayIntents.MessageContent],
    ["direct_messages", GatewayIntents.DirectMessages],
    ["reactions", GatewayIntents.GuildMessageReactions | GatewayIntents.DirectMessageReactions],
  ];
  for (const [name, bits] of names) {
    it(`recognises ${name}`, () => {
      assert.deepEqual(toIntents([name]), { bits, optional: 0, unknown: [] });
    });
  }

  it("reports unknown names, and uses the others", () => {
    assert.deepEqual(toIntents(["guilds", "everything", "Guilds"]), {
      bits: 1,
      optional: 0,
      unknown: ["everything", "Guilds"],
    });
  });
});

const ALL = toIntents(["guilds", "message_content", "guild_members", "guild_presences"]);
const PRESET = toIntents("agent_recommended");
const CONTENT = GatewayIntents.MessageContent;
const MEMBERS = GatewayIntents.GuildMembers;
const PRESENCES = GatewayIntents.GuildPresences;

describe("[G9] chooseIntents()", () => {
  type Row = readonly [
    name: string,
    wanted: typeof ALL,
    flags: number | undefined,
    without: number,
    missing: readonly PrivilegedIntent[],
    spared: readonly PrivilegedIntent[],
  ];
  const granted = Flag.GatewayMessageContent | Flag.GatewayGuildMembers | Flag.GatewayPresence;
  const limited = Flag.GatewayMessageContentLimited | Flag.GatewayGuildMembersLimited |
    Flag.GatewayPresenceLimited;
  const rows: readonly Row[] = [
    ["takes all if all are granted", ALL, granted, 0, [], []],
    ["counts limited as granted", ALL, limited, 0, [], []],
    [
      "leaves out and names intents that are not granted",
      ALL,
      Flag.GatewayMessageContentLimited,
      MEMBERS | PRESENCES,
      ["guild_members", "guild_presences"],
      [],
    ],
    [
      "leaves out all three, and still connects",
      ALL,
      0,
      CONTENT | MEMBERS | PRESENCES,
      ["message_content", "guild_members", "guild_presences"],
      [],
    ],
    [
      "does not confuse one checkbox with another",
      ALL,
      Flag.Embedded | Flag.ApplicationCommandBadge,
      CONTENT | MEMBERS | PRESENCES,
      ["message_content", "guild_members", "guild_presences"],
      [],
    ],
    ["requests the wanted intents if the flags are unknown", ALL, undefined, 0, [], []],
    [
      "does not miss the preset's members",
      PRESET,
      limited & ~Flag.GatewayGuildMembersLimited,
      MEMBERS,
      [],
      ["guild_members"],
    ],
    ["requests the preset's members if granted", PRESET, limited, 0, [], []],
    [
      "does not risk the preset's members if the flags are unknown",
      PRESET,
      undefined,
      MEMBERS,
      [],
      ["guild_members"],
    ],
    ["reports the preset's content as missing", PRESET, 0, CONTENT | MEMBERS, ["message_content"], [
      "guild_members",
    ]],
    ["requests no intent that is not wanted", toIntents(["guilds"]), granted, 0, [], []],
  ];
  for (const [name, wanted, flags, without, missing, spared] of rows) {
    it(name, () => {
      const bits = wanted.bits & ~without;
      assert.deepEqual(chooseIntents(wanted, flags), { bits, missing, spared });
    });
  }
});

describe("[G9] flagsGranting()", () => {
  it("sets the limited flag, and keeps the limited flags that are set", () => {
    const has = Flag.GatewayGuildMembersLimited | Flag.Embedded | Flag.GatewayPresence;
    assert.equal(
      flagsGranting(["message_content"], has),
      Flag.GatewayGuildMembersLimited | Flag.GatewayMessageContentLimited,
    );
  });

  it("never sets a flag that only Discord may set", () => {
    const settable = Flag.GatewayMessageContentLimited | Flag.GatewayGuildMembersLimited |
      Flag.GatewayPresenceLimited;
    const all = flagsGranting(["message_content", "guild_members", "guild_presences"], 0xff_ffff);
    assert.equal(all, settable);
  });
});
