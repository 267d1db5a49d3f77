import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { prepareTurnRules } from "../../../src/flows/turn/turn_rules.ts";
import type { Config } from "../../../src/config/config.ts";
import { withNames } from "../../../src/policy/rules/pinned.ts";
import type { ChannelId } from "../../../src/core/discord/ids.ts";
import type { Tool } from "../../../src/core/turn/tool.ts";
import {
  channelId,
  directMessage,
  guildMessage,
  guildPlace,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { loadTestConfig } from "../../support/config.ts";
import { toolNamed } from "../../support/model/tools.ts";
import { sameData } from "../../support/same_data.ts";

const GUILD = guildPlace().guild.id;
const CHANNEL = guildPlace().channel.id;

const OWNER = userId("987654321098765000");
const MB = 1_000_000;
const FILELESS = channelId("1400000000000000999");

const TOOLS: readonly Tool[] = [];

const NO_FILES: readonly never[] = [];

const PORTS = {
  cleanSecrets: (text: string) => text.replaceAll("hunter2", "[redacted]"),
  uploadLimit: (guildId?: string) => (guildId === undefined ? 10 : 50) * MB,
  takesFiles: ({ channelId }: { channelId: string }) => channelId !== FILELESS,
  tools: () => TOOLS,
  instructionFiles: () => NO_FILES,
  skills: () => [],
  isOwner: ({ sender }: { sender: { id: string } }) => sender.id === OWNER,
};

/** @param policy That of the config, if absent. */
const rulesBy = (config: Config, policy = config.discord.access) =>
  prepareTurnRules(config, config.agentList[0], { ...PORTS, policy: () => policy });

describe("prepareTurnRules()", () => {
  it("[H1] adds context in channels, but not in direct messages", async () => {
    const rules = rulesBy(await loadTestConfig({ historyLimit: 7 }));
    assert.equal(rules(guildMessage()).historyLimit, 7);
    assert.equal(rules(directMessage()).historyLimit, 0);
  });

  it("[R15] knows the currency of footers", async () => {
    const config = await loadTestConfig({}, { models: { currency: "EUR" } });
    assert.equal(rulesBy(config)(guildMessage()).currency, "EUR");
  });

  it("[R15] adds a footer for owners of the bot, and not for people whom a place's list names", async () => {
    const listed = sender();
    const lists = { dm: { allowFrom: [listed.id] }, guilds: { [GUILD]: { users: [listed.id] } } };
    const config = await loadTestConfig(lists, { messages: { footer: "owners" } });
    const rules = rulesBy(config);
    for (const message of [guildMessage, directMessage]) {
      assert.equal(rules(message({ sender: listed })).hasFooter, false);
      assert.equal(rules(message({ sender: sender({ id: OWNER }) })).hasFooter, true);
    }
  });

  it("[N1] [R15] names below an answer the agent that is not the first, if the config says so", async () => {
    const list = [{ id: "main", name: "Barney" }, { id: "research", name: "Quill" }, {
      id: "night",
    }];
    const signatures = async (agentName: boolean) => {
      const config = await loadTestConfig({}, { agents: { list }, messages: { agentName } });
      return config.agentList.map((agent) => {
        const ports = { ...PORTS, policy: () => config.discord.access };
        return prepareTurnRules(config, agent, ports)(guildMessage()).signature;
      });
    };
    assert.deepEqual(await signatures(true), [undefined, "Quill", "night"]);
    assert.deepEqual(await signatures(false), [undefined, undefined, undefined]);
  });

  it("[R12a] forbids files in a place that takes none", async () => {
    const rules = rulesBy(await loadTestConfig());
    assert.equal(rules(guildMessage()).takesNoFiles, undefined);
    assert.equal(rules(guildMessage({ channelId: FILELESS })).takesNoFiles, true);
  });

  it("gives all turns of a place the same rules, until something that they depend on changes", async () => {
    const config = await loadTestConfig({}, { messages: { footer: "owners" } });
    const place = guildPlace();
    const facts = { tools: TOOLS, limit: 50 * MB };
    const rules = prepareTurnRules(config, config.agentList[0], {
      ...PORTS,
      tools: () => facts.tools,
      uploadLimit: () => facts.limit,
      policy: () => config.discord.access,
    });
    const first = rules(guildMessage({ place }));
    assert.equal(rules(guildMessage({ place, text: "again" })), first);
    assert.equal(rules(guildMessage({ place, sender: sender({ id: OWNER }) })).hasFooter, true);
    assert.equal(rules(guildMessage({ place, channelId: FILELESS })).takesNoFiles, true);
    facts.limit = MB;
    assert.equal(rules(guildMessage({ place })).maxFileBytes, MB);
    facts.tools = [toolNamed("remind")];
    assert.deepEqual(rules(guildMessage({ place })).tools, facts.tools);
    assert.equal(rules(guildMessage({ place })).instructions.hasTools, true);
    assert.equal(rules(guildMessage({ place })).where, first.where);
  });

  it("[H2] limits the turns of a direct message, per user if configured", async () => {
    const bob = userId("987654321098765432");
    const rules = rulesBy(
      await loadTestConfig({ dmHistoryLimit: 9, dms: { [bob]: { historyLimit: 3 } } }),
    );
    assert.equal(rules(directMessage()).userTurns, 9);
    assert.equal(rules(directMessage({ sender: sender({ id: bob }) })).userTurns, 3);
    assert.equal(rules(guildMessage()).userTurns, undefined);
  });

  it("[P10] gives the model the ids on the place's allow list", async () => {
    const rules = rulesBy(await loadTestConfig({ guilds: { [GUILD]: { users: [OWNER] } } }));
    const owner = guildMessage({ sender: sender({ id: OWNER }) });
    assert.equal(rules(owner).ownerId, OWNER);
    assert.equal(rules(guildMessage()).ownerId, undefined);
  });

  it("[S6] adds the agent's prompt everywhere, and a channel's prompt only there", async () => {
    const config = await loadTestConfig({
      guilds: { [GUILD]: { channels: { [CHANNEL]: { systemPrompt: "Only about krill." } } } },
    }, { agents: { list: [{ id: "main", name: "Barney", prompt: "Be kind." }] } });
    const rules = rulesBy(config);
    const common = { hasTables: true, hasReplyTags: false, hasTools: false };
    sameData(rules(guildMessage()).instructions, {
      ...common,
      agentName: "Barney",
      agentPrompt: "Be kind.",
      channelPrompt: "Only about krill.",
    });
    sameData(rules(directMessage()).instructions, {
      ...common,
      agentName: "Barney",
      agentPrompt: "Be kind.",
    });
  });

  it("[P12] [S6] adds a channel's prompt after the channel is renamed", async () => {
    const config = await loadTestConfig({
      guilds: { [GUILD]: { channels: { help: { systemPrompt: "Only about krill." }, "*": {} } } },
    });
    const name = { typed: "help", name: "help", at: 1 };
    const pinned = withNames(config.discord.access, [
      { ...name, kind: "channel", id: CHANNEL, guildId: GUILD },
    ]);
    const rules = rulesBy(config, pinned);
    const channelPrompt = (id: ChannelId, name: string) =>
      rules(guildMessage({ place: guildPlace({ channel: { id, name } }) }))
        .instructions.channelPrompt;
    assert.equal(channelPrompt(CHANNEL, "renamed"), "Only about krill.");
    assert.equal(channelPrompt(channelId("1499999999999999999"), "help"), undefined);
  });

  it("[R2] passes on how to split an answer, and its time limit", async () => {
    const config = await loadTestConfig(
      { textChunkLimit: 500, maxLinesPerMessage: 5, chunkMode: "newline" },
      { agents: { turnTimeoutSec: 30 } },
    );
    const { chunks, timeoutMs } = rulesBy(config)(guildMessage());
    const { limit, maxLines, mode } = chunks;
    assert.deepEqual({ limit, maxLines, mode }, { limit: 500, maxLines: 5, mode: "newline" });
    assert.equal(timeoutMs, 30_000);
  });

  it("[R3] [R5] [R6] [R9] passes on how to render an answer", async () => {
    const config = await loadTestConfig({ replyToMode: "first" }, {
      messages: { maxChunks: 3, tables: "bullets", linkHosts: ["example.org"] },
    });
    const rules = rulesBy(config)(guildMessage());
    assert.equal(rules.chunks.maxChunks, 3);
    assert.equal(rules.tables, "bullets");
    assert.deepEqual(rules.linkHosts, ["example.org"]);
    assert.equal(rules.replyToMode, "first");
    assert.equal(rules.instructions.hasReplyTags, true, "the model sees them");
    assert.equal(rules.cleanSecrets("hunter2"), "[redacted]");
  });

  const limits = [["what the config allows", 8, 8, 8], [
    "what Discord allows",
    80,
    50,
    10,
  ]] as const;
  for (const [what, mediaMaxMb, inGuild, inDm] of limits) {
    it(`[R12] limits a file by ${what}`, async () => {
      const rules = rulesBy(await loadTestConfig({ mediaMaxMb }));
      assert.equal(rules(guildMessage()).maxFileBytes, inGuild * MB);
      assert.equal(rules(directMessage()).maxFileBytes, inDm * MB);
    });
  }

  it("[H3] defaults to this machine's time zone", async () => {
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const rules = rulesBy(await loadTestConfig());
    assert.equal(rules(directMessage()).timezone, here);
  });
});
