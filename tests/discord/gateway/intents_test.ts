import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GatewayIntents } from "@discordeno/types";
import { toIntents } from "../../../src/discord/gateway/intents.ts";

describe("[G9] toIntents()", () => {
  it("recommends what an agent needs", () => {
    // guilds 0, messages 9, reactions 10, DMs 12, their reactions 13, content 15
    const bits = 1 | 1 << 9 | 1 << 10 | 1 << 12 | 1 << 13 | 1 << 15;
    assert.deepEqual(toIntents("agent_recommended"), { bits, unknown: [] });
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
    it(`knows ${name}`, () => assert.deepEqual(toIntents([name]), { bits, unknown: [] }));
  }

  it("says which names are none, and takes the others", () => {
    assert.deepEqual(toIntents(["guilds", "everything", "Guilds"]), {
      bits: 1,
      unknown: ["everything", "Guilds"],
    });
  });
});
