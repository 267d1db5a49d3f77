import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type BotFacts,
  type DiscordFacts,
  judgeDiscord,
} from "../../../src/flows/preflight/discord.ts";
import { LOW } from "../../../src/core/discord/gateway.ts";
import type { ModelErrorKind } from "../../../src/core/model.ts";
import type { ModelCheck } from "../../../src/core/model_problem.ts";
import { judgeModel } from "../../../src/flows/preflight/model.ts";
import type { ApplicationId } from "../../../src/core/discord/ids.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const ID: ApplicationId = parseSnowflake<"application">("1500000000000000002")!;

const BOT: BotFacts = { id: ID, name: "barnacle", owner: "ada", guildCount: 2 };

const FACTS: DiscordFacts = {
  application: { kind: "answered", found: BOT },
  tokenShape: "token",
  tokenPlace: "DISCORD_BOT_TOKEN",
  intents: { missing: [], spared: [] },
  hasGuild: { kind: "answered", found: true },
  budget: { left: 990 },
};

const REFUSED: DiscordFacts = {
  application: { kind: "refused" },
  tokenShape: "token",
  tokenPlace: "DISCORD_BOT_TOKEN",
};

function row(facts: DiscordFacts, id: string) {
  const found = judgeDiscord(facts, NOW).find((one) => one.id === id);
  assert.ok(found, `no row ${id}`);
  return found;
}

describe("[G13] judgeDiscord()", () => {
  const failed = { kind: "failed", why: "no answer" } as const;
  const none = { kind: "answered", found: false } as const;
  const told = (kind: "limited" | "foreign" | "failed", why: string): DiscordFacts => ({
    ...REFUSED,
    application: { kind, why },
  });
  const shaped = (tokenShape: DiscordFacts["tokenShape"]) => ({ ...REFUSED, tokenShape });
  const spared = { ...FACTS, intents: { missing: [], spared: ["guild_members"] as const } };
  const alone = { ...FACTS, hasGuild: none, guildNames: [] };
  const names = (count: number) => ({ ...FACTS, guildNames: Array(count).fill("Krill") });
  const found = (bot: Partial<BotFacts>) =>
    ({ kind: "answered", found: { ...BOT, guildCount: undefined, ...bot } }) as const;
  const rows: readonly (readonly [name: string, words: RegExp, facts: DiscordFacts])[] = [
    ["token pass", /to barnacle \(application 15\d+, owned by ada\)/, FACTS],
    ["token fail", /this token \(401\): it was reset/, REFUSED],
    ["token fail", /does not look like a token/, shaped("something else")],
    ["token fail", /looks like the application's client s/, shaped("client secret")],
    ["token fail", /looks like the application's public key/, shaped("public key")],
    ["token warn", /^not checked: no answer → see the network/, {
      ...REFUSED,
      application: failed,
    }],
    ["token warn", /429 → .*wait an hour$/, told("limited", "429")],
    [
      "token warn",
      /another server answers.*with 400 → .*API_URL.*captive portal/,
      told("foreign", "with 400"),
    ],
    ["intents skipped", /^failed with 404$/, told("failed", "failed with 404")], // it did answer
    ["intents pass", /works without the Server Members Intent/, spared], // [G9]
    ["intents skipped", /does not accept the token/, REFUSED],
    ["intents pass", /all intents in the config are granted/, FACTS],
    ["guilds pass", /the bot is in 10: "Krill".*"Krill"$/, names(10)],
    ["guilds pass", /the bot is in 11: "Krill".*"Krill" and 1 more$/, names(11)],
    ["guilds pass", /the bot is in 2$/, FACTS],
    ["guilds pass", /the bot is in one or more$/, { ...FACTS, application: found({}) }],
    ["guilds pass", /the bot is in 2$/, { ...FACTS, hasGuild: failed }],
    ["guilds skipped", /no answer/, { ...FACTS, hasGuild: failed, application: found({}) }],
    ["guilds warn", /in no guild.* → invite it: http/, alone],
    ["identifies pass", /^501 left today .*hours\)$/, { ...FACTS, budget: { left: LOW + 1 } }],
    ["identifies warn", /^500 left today .* → find out/, { ...FACTS, budget: { left: LOW } }],
    ["identifies pass", /^990/, { ...FACTS, budget: { left: 990, heldUntil: NOW } }],
    ["identifies fail", /only 9 .* until 2026-11-20T12:00:01Z/, {
      ...FACTS,
      budget: { left: 9, heldUntil: NOW + 1_000 },
    }],
  ];
  for (const [name, words, facts] of rows) {
    it(`reports ${name} › ${words.source}`, () => {
      const [id, status] = name.split(" ");
      const found = row(facts, `discord.${id}`);
      assert.equal(found.status, status);
      assert.match([found.why, found.fix ?? []].flat().join(" → "), words);
    });
  }
});

describe("[O3] judgeModel()", () => {
  const at = { server: "llm.example" };
  const failing = (kind: ModelErrorKind) =>
    ({ ...at, kind: "failed", message: "no", failure: { kind, modelId: "ollama/qwen" } }) as const;
  const unlisted = { ...at, kind: "unlisted", others: ["a", "b"], isCertain: true } as const;
  const rows: readonly (readonly [status: string, words: RegExp, check: ModelCheck])[] = [
    ["pass", /has ollama\/qwen, and accepts the API key$/, {
      ...at,
      kind: "listed",
      key: "accepted",
    }],
    ["fail", /lists "a", "b" → .*ollama pull qwen/, unlisted],
    ["warn", /lists none, and may accept/, { ...unlisted, others: [], isCertain: false }],
    ["skipped", /^not checked: llm\.example/, { ...at, kind: "no_list" }],
    [
      "fail",
      /fails: its server refuses the API key.* → check the API key/,
      failing("unauthorized"),
    ],
    ["warn", /^no → wait/, failing("rate_limited")],
    ["fail", /^no \(llm\.example\) → .*baseUrl$/, failing("unavailable")],
  ];
  for (const [status, words, check] of rows) {
    it(`${status} › ${words.source}`, () => {
      const found = judgeModel("ollama/qwen", check);
      assert.equal(found.status, status);
      assert.match([found.why, found.fix ?? []].flat().join(" → "), words);
    });
  }
});
