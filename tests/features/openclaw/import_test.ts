import assert from "node:assert/strict";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { valueAt } from "../../../src/config/text/edit.ts";
import { importConfig } from "../../../src/features/openclaw/command.ts";
import { readOpenClaw } from "../../../src/features/openclaw/read.ts";
import { texts } from "../../config/jsonc_texts.ts";
import { imported, refusal } from "./import_support.ts";

/** A block of the seed's page, as printed there. */
const BLOCK = `{
  channels: {
    discord: {
      enabled: true,
      dm: { enabled: false },
      guilds: {
        YOUR_GUILD_ID: {
          users: ["YOUR_USER_ID"],
          requireMention: true,
          channels: {
            help: { allow: true, requireMention: true },
          },
        },
      },
      retry: {
        attempts: 3,
        minDelayMs: 500,
        maxDelayMs: 30000,
        jitter: 0.1,
      },
    },
  },
}`;

describe("[C11] importConfig()", () => {
  for (
    const [session, expected] of [
      ["", 1],
      ['session: { dmScope: "main" },', 0],
      ['session: { dmScope: "per-peer" },', 0],
    ] as const
  ) {
    it(`[S1] notes ${expected} change of shared memories with ${session || "no session"}`, async () => {
      const { notes } = await importConfig(`{ ${session} channels: { discord: {} } }`);
      const about = notes.filter(({ path }) => path === "session.dmScope");
      assert.equal(about.length, expected);
      assert.ok(
        about.every(({ kind, why }) => kind === "changed" && /OpenClaw's default/.test(why)),
      );
    });
  }

  it("imports one server, one person, one channel", async () => {
    const read = readOpenClaw(BLOCK);
    assert.ok("value" in read);
    const { value, told } = await imported(BLOCK);
    assert.deepEqual(value, JSON.parse(JSON.stringify(read.value)));
    assert.deepEqual(told, [
      "7 changed channels.discord.guilds.YOUR_GUILD_ID: Put the guild's id here",
    ]);
  });

  it("takes over every key of the seed's full config, and of two `guilds` the one that counts", async () => {
    const text = readFileSync(new URL("../../fixtures/config/seed.json5", import.meta.url), "utf8");
    const { value, told } = await imported(text);
    const { guilds, dm, actions, ...rest } = Object(value)["channels"]["discord"];
    assert.deepEqual(rest, {
      enabled: true,
      token: "abc.123",
      groupPolicy: "allowlist",
      mediaMaxMb: 8,
      replyToMode: "off",
    });
    assert.equal(Object.keys(actions).length, 19);
    assert.deepEqual(dm, {
      enabled: true,
      policy: "pairing",
      allowFrom: ["123456789012345678", "steipete"],
      groupEnabled: false,
      groupChannels: ["openclaw-dm"],
    });
    assert.deepEqual(guilds, {
      "*": { requireMention: true },
      "123456789012345678": {
        slug: "friends-of-openclaw",
        requireMention: false,
        reactionNotifications: "own",
        users: ["987654321098765432", "steipete"],
        channels: {
          general: { allow: true },
          help: {
            allow: true,
            requireMention: true,
            users: ["987654321098765432"],
            skills: ["search", "docs"],
            systemPrompt: "Keep answers short.",
          },
        },
      },
    });
    assert.deepEqual(told, [
      '7 left channels.discord.guilds: "guilds" is repeated in line 44; the last one counts',
    ]);
  });

  it("imports a whole file of today", async () => {
    const file = new URL("../../fixtures/config/openclaw_today.json5", import.meta.url);
    const { value, told } = await imported(readFileSync(file, "utf8"));
    assert.deepEqual(value, {
      channels: {
        discord: {
          token: "${DISCORD_BOT_TOKEN}",
          dm: { policy: "allowlist", allowFrom: ["123456789012345678"] },
          groupPolicy: "allowlist",
          chunkMode: "newline",
          streaming: "progress",
          replyToMode: "first",
          mediaMaxMb: 100,
          historyLimit: 30,
          guilds: {
            "323456789012345678": {
              slug: "friends",
              requireMention: true,
              users: ["123456789012345678", "role:223456789012345678"],
              channels: {
                "*": { requireMention: true },
                help: { enabled: true, requireMention: false },
                quiet: { enabled: false, requireMention: true },
              },
            },
          },
        },
      },
      agents: {
        defaults: {
          model: { primary: "anthropic/claude-sonnet", fallbacks: ["openai/gpt-4.1"] },
          timezone: "Europe/Berlin",
        },
        list: [
          { id: "main", name: "Krill", groupChat: { mentionPatterns: ["@?krill"] } },
          { id: "coder" },
        ],
      },
      messages: { ackReaction: "👀", queue: { mode: "collect" } },
      session: { dmScope: "per-peer", reset: { idleMinutes: 240 } },
      commands: { native: "auto", ownerAllowFrom: ["123456789012345678"] },
    });
    const guild = "channels.discord.guilds.323456789012345678";
    assert.deepEqual(told.map((line) => line.replace(/: .*/, "")), [
      "4 left gateway",
      "6 left channels.telegram",
      "12 left channels.discord.allowFrom[1]",
      "15 left channels.discord.streaming.block",
      "16 changed channels.discord.replyToMode",
      "19 left channels.discord.suppressEmbeds",
      "20 left channels.discord.voice",
      `29 left ${guild}.channels.help.autoThread`,
      `30 changed ${guild}.channels.quiet.requireMention`,
      "50 left messages.tts",
      "53 left plugins",
    ]);
  });

  it("reads JSON5 as JSON5: quotes, keys, numbers, escapes, commas", async () => {
    const { value } = await imported(
      "\uFEFF// top\n{ 'messages': { \"ackReaction\": '', groupChat: { historyLimit: 0x10, }, },\n" +
        "agents: { list: [{ id: 'main', prompt: 'no', name: 'It\\'s \\\nhim' }] } }",
    );
    assert.deepEqual(value, {
      messages: { ackReaction: "", groupChat: { historyLimit: 16 } },
      agents: { list: [{ id: "main", name: "It's him" }] },
    });
  });

  it("notes each key that stays behind, with its line and the reason", async () => {
    const { told, value } = await imported(`{
  meta: { lastTouchedVersion: "2026.2.9" },
  gateway: { port: 18789 },
  channels: {
    telegram: { botToken: "secret-of-telegram" },
    discord: { proxy: "http://a", requireMention: false, somethingNew: 1 },
  },
  cron: {},
  hooks: { enabled: true, token: "secret-of-telegram" },
  neverHeardOf: true,
}`);
    assert.deepEqual(value, { channels: { discord: {} } });
    assert.deepEqual(told, [
      "3 left gateway: This is OpenClaw's own server, not the connection to Discord; Barnacle's is `http`",
      "5 left channels.telegram: Barnacle supports Discord only",
      "6 left channels.discord.proxy: Set HTTPS_PROXY in the environment of Barnacle",
      "6 left channels.discord.requireMention: It has no effect there, in OpenClaw or here; write it in a guild",
      "6 left channels.discord.somethingNew: Barnacle has no such key",
      "8 left cron: Barnacle has `barnacle schedules` for that: docs/memory.md",
      "9 left hooks: Barnacle has `hooks` for that: docs/hooks.md",
      "10 left neverHeardOf: Barnacle has no such key",
    ]);
    assert.ok(!told.join().includes("secret-of-telegram"));
  });

  it("imports the model of `agent`, and the web tools as far as they are on", async () => {
    const { value, told } = await imported(`{ channels: { discord: {} },
      agent: { model: "anthropic/claude-sonnet-4-5" },
      tools: { deny: ["exec"], web: {
        search: { provider: "brave", apiKey: "\${BRAVE_KEY}" }, fetch: { enabled: false } } } }`);
    assert.deepEqual(value, {
      channels: { discord: {} },
      agents: { defaults: { model: "anthropic/claude-sonnet-4-5" } },
      search: { kind: "brave", apiKey: "${BRAVE_KEY}" },
      tools: { deny: ["exec", "web_fetch"] },
    });
    assert.deepEqual(told, []);
  });

  const REFUSED: readonly (readonly [what: string, text: string, why: RegExp])[] = [
    ["no JSON5", "{ a: ", /^Unexpected end of input found$/],
    ["no object", "[]", /Expected an object in braces/],
    [
      "a file that includes another",
      "{ channels: { $include: './c.json5' } }",
      /\$include": Copy the other/,
    ],
    ["users that are not a list", guildWith('users: "ada"'), /users: Expected a list/],
    ["an invalid mention rule", guildWith('requireMention: "yes"'), /Expected true or false/],
    ["a guild that is not an object", discordWith("guilds: { '1': true }"), /Expected an object/],
    ["channels that are not an object", guildWith("channels: []"), /channels: Expected an object/],
    ["a channel that is not an object", guildWith("channels: { a: false }"), /Expected an object/],
    ["an unknown policy", discordWith('groupPolicy: "alowlist"'), /accepts allowlist, open/],
    ["an unknown policy for DMs", discordWith('dm: { policy: "no" }'), /accepts pairing/],
    ["accounts that are not an object", discordWith("accounts: []"), /Expected an object/],
    ["guilds of the wrong type", discordWith("guilds: []"), /Expected an object/],
    ["deep nesting", "[".repeat(100_000), /Unexpected end|too deep/],
  ];
  for (const [what, text, why] of REFUSED) {
    it(`imports nothing of ${what}, because it could let in users who were kept out`, async () => {
      assert.match((await refusal(text)).join("\n"), why);
    });
  }

  it("never throws, for any input", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), texts.map(({ text }) => text)), async (text) => {
        const { kind } = await importConfig(text);
        assert.ok(kind === "imported" || kind === "refused");
      }),
      { numRuns: 300 },
    );
  });
});

function discordWith(keys: string): string {
  return `{ channels: { discord: { ${keys} } } }`;
}

function guildWith(keys: string): string {
  return discordWith(`guilds: { "123456789012345678": { ${keys} } }`);
}

describe("[C11] plugins, one of which is today's Discord", () => {
  const TODAY = 'meta: { lastTouchedVersion: "2026.9.6" }';
  const cases: readonly [name: string, plugins: string, isOff: boolean][] = [
    ["its own switch", "entries: { discord: { enabled: false } }", true],
    ["the switch of all", "enabled: false", true],
    ["a list of denied plugins", 'deny: ["telegram", "discord"]', true],
    ["a list of others", 'allow: ["telegram"]', true],
    ["a list with it", 'allow: ["discord"], deny: ["telegram"]', false],
    ["an enabled switch", "enabled: true, entries: { discord: { enabled: true } }", false],
  ];
  for (const [name, plugins, isOff] of cases) {
    it(`${isOff ? "keeps a disabled bot off" : "starts an enabled bot"} by ${name}`, async () => {
      for (const channels of ["", 'channels: { discord: { enabled: true, token: "x" } },']) {
        const { value, told } = await imported(`{ ${TODAY}, ${channels} plugins: { ${plugins} } }`);
        assert.equal(valueAt(value, ["channels", "discord", "enabled"]) === false, isOff);
        assert.equal(told.some((line) => / changed plugins\./.test(line)), isOff);
      }
    });
  }

  it("switches nothing off in a file without plugins", async () => {
    const { value } = await imported("{ channels: { discord: {} }, plugins: { enabled: false } }");
    assert.equal(valueAt(value, ["channels", "discord", "enabled"]), undefined);
  });
});
