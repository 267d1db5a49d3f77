import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { imported, refusal } from "./import_support.ts";

describe("[C11] imported agents, models and bindings", () => {
  it("reads the seed's list and today's entries, the default agent first", async () => {
    const agent = 'workspace: "/w", identity: { name: "Krill", emoji: "x" }, sandbox: {}';
    const list = await imported(
      `{ agents: { list: [{ id: "Side" }, { id: "main", default: true, ${agent} }] },
         channels: { discord: {} } }`,
    );
    const entries = await imported(
      `{ agents: { entries: { Side: {}, main: { default: true, ${agent} } } },
         channels: { discord: {} } }`,
    );
    assert.deepEqual(list.value, {
      agents: { list: [{ id: "main", workspace: "/w", name: "Krill" }, { id: "side" }] },
      channels: { discord: {} },
    });
    assert.deepEqual(entries.value, list.value);
    assert.match(list.told.join("\n"), /The id is "side" here/);
  });

  it("reads the defaults of all agents", async () => {
    const { value, told } = await imported(`{ agents: { defaults: {
      model: { primary: "anthropic/claude", fallbacks: ["openai/gpt", "opus"] },
      userTimezone: "Europe/Berlin", maxConcurrent: 99, timeoutSeconds: 300, heartbeat: {},
    } } }`);
    assert.deepEqual(value, {
      agents: {
        defaults: {
          model: { primary: "anthropic/claude", fallbacks: ["openai/gpt"] },
          timezone: "Europe/Berlin",
        },
        maxConcurrentTurns: 64,
        turnTimeoutSec: 300,
      },
    });
    assert.equal(told.length, 3, told.join("\n"));
    const long = await imported(`{ agents: { list: [{ id: "${"_A b".repeat(30)}" }] } }`);
    assert.match(JSON.stringify(long.value), /"id":"(?:a-b_){16}"/);
  });

  it("imports supported providers, without their lists of models", async () => {
    const { value, told } = await imported(`{ models: { mode: "merge", providers: {
      local: { baseUrl: "http://127.0.0.1:1234/v1", api: "openai-completions", models: [{}] },
      claude: { api: "anthropic-messages", apiKey: "\${KEY}", headers: { "x-a": "b" } },
      gemini: { api: "google-generative-ai", apiKey: "\${KEY}" },
      gpt: { api: "openai-responses", baseUrl: "http://\${HOST}/v1" },
      cloud: { api: "bedrock-converse-stream", apiKey: "sk-cloud" },
    } } }`);
    assert.deepEqual(value, {
      models: {
        providers: {
          local: { kind: "openai-compatible", baseUrl: "http://127.0.0.1:1234/v1" },
          claude: { kind: "anthropic", apiKey: "${KEY}", headers: { "x-a": "b" } },
          gemini: { kind: "google", apiKey: "${KEY}" },
          gpt: { kind: "openai-compatible", baseUrl: "http://${HOST}/v1" },
        },
      },
    });
    assert.deepEqual(told.map((line) => line.replace(/^\d+ (\w+) models\.providers\./, "$1 ")), [
      "left local.models: Barnacle asks the server; `models` and `prices` of a provider say the rest",
      "changed gpt.api: Barnacle uses the chat completions API, which such servers support as well",
      "changed gpt.baseUrl: Barnacle replaces variables in secrets only: here, ${…} stays as written",
      'left cloud: Barnacle does not support "bedrock-converse-stream"',
    ]);
  });

  it("imports bindings of Discord only", async () => {
    const { value, told } = await imported(`{
      agents: { list: [{ id: "main" }, { id: "other" }] },
      bindings: [
        { agentId: "main", match: { channel: "discord", peer: { kind: "channel", id: "1" } } },
        { agentId: "main", match: { channel: "discord", guildId: "2", accountId: "*" } },
        { agentId: "main", match: { channel: "discord", peer: { kind: "dm", id: "3" } } },
        { agentId: "main", match: { channel: "telegram" } },
        { agentId: "other", match: { channel: "discord", guildId: "4" } },
        { agentId: "main", match: { channel: "discord", roles: ["5"] } },
        { agentId: "main", match: { channel: "discord", peer: { kind: "direct", id: "*" } } },
        { type: "acp", agentId: "main", match: { channel: "discord", guildId: "7" } },
      ],
    }`);
    assert.deepEqual(value["bindings"], [
      { agentId: "main", match: { channelId: "1" } },
      { agentId: "main", match: { guildId: "2" } },
      { agentId: "main", match: { userId: "3" } },
      { agentId: "other", match: { guildId: "4" } },
    ]);
    assert.match(
      told.join("\n"),
      /changed bindings\[2\]: Here, it also takes this person's messages/,
    );
    assert.match(told.join("\n"), /left bindings\[6\]: Barnacle binds single channels and users/);
    assert.match(told.join("\n"), /left bindings\[7\]: Barnacle has no sessions of other programs/);
  });

  it("gives a binding without an account to the default one, if there are several", async () => {
    const { value } = await imported(`{
      agents: { list: [{ id: "main" }] },
      channels: { discord: { token: "\${A}", accounts: { work: { token: "\${B}" } } } },
      bindings: [
        { agentId: "main", match: { channel: "discord", guildId: "1" } },
        { agentId: "main", match: { channel: "discord", guildId: "2", accountId: "*" } },
        { agentId: "main", match: { channel: "discord", accountId: "work" } },
      ],
    }`);
    assert.deepEqual(value["bindings"], [
      { agentId: "main", match: { accountId: "default", guildId: "1" } },
      { agentId: "main", match: { guildId: "2" } },
      { agentId: "main", match: { accountId: "work" } },
    ]);
  });
});

it("[C11] [P10] imported owners have a note for each entry that stays behind, and for a list without any", async () => {
  const { told, value } = await imported('{ commands: { ownerAllowFrom: ["*", "ada"] } }');
  assert.deepEqual(value, { commands: { ownerAllowFrom: [] } });
  assert.deepEqual(told.map((line) => line.slice(2)), [
    "left commands.ownerAllowFrom[0]: Here, an owner is a single user; write the ids",
    "left commands.ownerAllowFrom[1]: Expected a Discord id",
    "changed commands.ownerAllowFrom: No owner of this list could be imported, so the bot has no owner",
  ]);
});

describe("[C11] other imported sections", () => {
  /** Keys, what becomes of them, and the number of notes. */
  const SECTIONS: readonly (readonly [written: string, ours: unknown, notes?: number])[] = [
    ['session: { dmScope: "per-peer", reset: { mode: "daily", atHour: 4 } }', {
      session: { dmScope: "per-peer", reset: "daily" },
    }, 1],
    ['session: { reset: { mode: "idle", idleMinutes: 60 } }', {
      session: { reset: { idleMinutes: 60 } },
    }],
    ["session: { idleMinutes: 30, mainKey: 'x' }", { session: { reset: { idleMinutes: 30 } } }, 1],
    ['commands: { useAccessGroups: false, ownerAllowFrom: ["discord:5", 6, "telegram:7"] }', {
      commands: { useAccessGroups: false, ownerAllowFrom: ["5", "6"] },
    }, 1],
    ['meta: { lastTouchedVersion: "2026.9.6" }, commands: { useAccessGroups: false, text: true }', {
      commands: { text: true },
      channels: { discord: {} },
    }, 2],
    ['tools: { allow: ["exec"], deny: ["x"], exec: { security: "full", ask: "off" } }', {
      tools: { allow: ["exec"], deny: ["x"] },
      exec: { mode: "ask" },
    }, 1],
    ['tools: { allow: [], deny: ["Group:Runtime", "bash", "message", "read"] }', {
      tools: { deny: ["exec", "discord", "read_file"] },
    }, 5],
    ['tools: { profile: "minimal", deny: ["x"] }', { tools: { allow: [], deny: ["x"] } }, 1],
    ['tools: { profile: "coding" }', { tools: { allow: ["group:fs", "exec", "group:memory"] } }, 1],
    ['tools: { profile: "coding", allow: ["bash", "read", "web_fetch"] }', {
      tools: { allow: ["exec", "read_file"] },
    }, 3],
    ['tools: { profile: "messaging", alsoAllow: ["exec"] }', {
      tools: { allow: ["group:discord"], alsoAllow: ["exec"] },
    }, 1],
    ['tools: { profile: "full", deny: ["exec"] }', { tools: { deny: ["exec"] } }],
    ['agents: { list: [{ id: "a", skills: ["x"], tools: { profile: "minimal" } }] }', {
      agents: { list: [{ id: "a", skills: ["x"], tools: { allow: [] } }] },
    }, 1],
    ['tools: { exec: { security: "deny" } }', { exec: { mode: "deny" } }, 1],
    ['logging: { level: "trace", file: "/x" }', { log: { level: "debug" } }, 1],
    [
      'messages: { ackReaction: "none", ackReactionScope: "all", queue: { mode: "queue", cap: 5 } }',
      { messages: { ackReaction: "", ackReactionScope: "all", queue: { mode: "followup" } } },
      1,
    ],
    ['skills: { load: { extraDirs: ["/s"] } }', { skills: { folders: ["/s"] } }],
    ['mcp: { servers: { a: { command: "x", args: ["1"], env: { K: "v" } }, b: {} } }', {
      mcp: { servers: { a: { command: "x", args: ["1"], env: { K: "v" } } } },
    }, 1],
    ['channels: { defaults: { groupPolicy: "disabled" } }', {
      channels: { defaults: { groupPolicy: "disabled" } },
    }],
    ['env: { OPENAI_API_KEY: "sk-secret" }, auth: { profiles: {} }', {}, 2],
  ];
  for (const [written, ours, notes = 0] of SECTIONS) {
    it(written, async () => {
      const { value, told } = await imported(`{ ${written} }`);
      assert.deepEqual([value, told.length], [ours, notes], told.join("\n"));
      assert.ok(!told.join().includes("sk-secret"));
    });
  }

  it("[T2] imports nothing if a profile, or a list of tools, cannot be read", async () => {
    for (const tools of ['{ profile: "x" }', '{ deny: "exec" }']) {
      assert.match((await refusal(`{ tools: ${tools} }`)).join("\n"), /tools\.(?:profile|deny)/);
    }
  });
});
