import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { turnRulesOf, type TurnRulesPorts } from "../../src/bot/turn_rules.ts";
import { directMessage, guildMessage, guildPlace, sender, userId } from "../support/builders.ts";
import { loadTestConfig } from "../support/config.ts";

const GUILD = guildPlace().guild.id;
const CHANNEL = guildPlace().channel.id;

const OWNER = userId("987654321098765000");
const MB = 1_000_000;
const PORTS: TurnRulesPorts = {
  cleanSecrets: (text) => text.replaceAll("hunter2", "[redacted]"),
  uploadLimit: (guildId) => (guildId === undefined ? 10 : 50) * MB,
  ownerHint: ({ sender }) => sender.id === OWNER,
};

describe("turnRulesOf()", () => {
  it("[H1] brings context into channels, and none into direct messages", async () => {
    const rules = turnRulesOf(await loadTestConfig({ historyLimit: 7 }), PORTS);
    assert.equal(rules(guildMessage()).historyLimit, 7);
    assert.equal(rules(directMessage()).historyLimit, 0);
  });

  it("[H2] bounds the turns of a direct message, by user where that is written", async () => {
    const bob = userId("987654321098765432");
    const rules = turnRulesOf(
      await loadTestConfig({ dmHistoryLimit: 9, dms: { [bob]: { historyLimit: 3 } } }),
      PORTS,
    );
    assert.equal(rules(directMessage()).userTurns, 9);
    assert.equal(rules(directMessage({ sender: sender({ id: bob }) })).userTurns, 3);
    assert.equal(rules(guildMessage()).userTurns, undefined);
  });

  it("[P10] tells the model who is named on the place's list, by id", async () => {
    const rules = turnRulesOf(await loadTestConfig(), PORTS);
    const owner = guildMessage({ sender: sender({ id: OWNER }) });
    assert.equal(rules(owner).instructions.ownerId, OWNER);
    assert.equal(rules(guildMessage()).instructions.ownerId, undefined);
  });

  it("[S6] has the agent's words everywhere, and a channel's only there", async () => {
    const config = await loadTestConfig({
      guilds: { [GUILD]: { channels: { [CHANNEL]: { systemPrompt: "Only about krill." } } } },
    }, { agents: { list: [{ id: "main", name: "Barney", prompt: "Be kind." }] } });
    const rules = turnRulesOf(config, PORTS);
    const common = { hasTables: true, hasReplyTags: false };
    assert.deepEqual(rules(guildMessage()).instructions, {
      ...common,
      agentName: "Barney",
      agentPrompt: "Be kind.",
      channelPrompt: "Only about krill.",
    });
    assert.deepEqual(rules(directMessage()).instructions, {
      ...common,
      agentName: "Barney",
      agentPrompt: "Be kind.",
    });
  });

  it("[R2] hands over how an answer is cut, and how long it may take", async () => {
    const config = await loadTestConfig(
      { textChunkLimit: 500, maxLinesPerMessage: 5, chunkMode: "newline" },
      { agents: { turnTimeoutSec: 30 } },
    );
    const { chunks, timeoutMs } = turnRulesOf(config, PORTS)(guildMessage());
    const { limit, maxLines, mode } = chunks;
    assert.deepEqual({ limit, maxLines, mode }, { limit: 500, maxLines: 5, mode: "newline" });
    assert.equal(timeoutMs, 30_000);
  });

  it("[R3] [R5] [R6] [R9] hands over how an answer looks", async () => {
    const config = await loadTestConfig({ replyToMode: "first" }, {
      messages: { maxChunks: 3, tables: "bullets", linkHosts: ["example.org"] },
    });
    const rules = turnRulesOf(config, PORTS)(guildMessage());
    assert.equal(rules.chunks.maxChunks, 3);
    assert.equal(rules.tables, "bullets");
    assert.deepEqual(rules.linkHosts, ["example.org"]);
    assert.equal(rules.replyToMode, "first");
    assert.equal(rules.instructions.hasReplyTags, true, "the model is told of them");
    assert.equal(rules.cleanSecrets("hunter2"), "[redacted]");
  });

  const limits = [["what the config allows", 8, 8, 8], [
    "what Discord allows",
    80,
    50,
    10,
  ]] as const;
  for (const [what, mediaMaxMb, inGuild, inDm] of limits) {
    it(`[R12] bounds a file by ${what}`, async () => {
      const rules = turnRulesOf(await loadTestConfig({ mediaMaxMb }), PORTS);
      assert.equal(rules(guildMessage()).maxFileBytes, inGuild * MB);
      assert.equal(rules(directMessage()).maxFileBytes, inDm * MB);
    });
  }

  it("[H3] falls back to this machine's time zone", async () => {
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const rules = turnRulesOf(await loadTestConfig(), PORTS);
    assert.equal(rules(directMessage()).timezone, here);
  });
});
