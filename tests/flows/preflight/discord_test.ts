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
  for (const shape of ["client secret", "public key"] as const) {
    it(`reports a ${shape} that was copied instead of a token`, () => {
      const { why } = row({ ...REFUSED, tokenShape: shape }, "discord.token");
      assert.match(why, new RegExp(`looks like the application's ${shape}`));
    });
  }

  const failed = { kind: "failed", why: "no answer" } as const;
  const none = { kind: "answered", found: false } as const;
  const alone = { ...FACTS, hasGuild: none, guildNames: [] };
  const names = (count: number) => ({ ...FACTS, guildNames: Array(count).fill("Krill") });
  const found = (bot: Partial<BotFacts>) =>
    ({ kind: "answered", found: { ...BOT, guildCount: undefined, ...bot } }) as const;
  const rows: readonly (readonly [name: string, words: RegExp, facts: DiscordFacts])[] = [
    ["token pass", /to barnacle \(application 15\d+, owned by ada\)/, FACTS],
    ["token fail", /this token \(401\): it was reset/, REFUSED],
    ["token fail", /does not look like a token/, { ...REFUSED, tokenShape: "something else" }],
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

  it("does not blame the token for a network failure, or for Cloudflare", () => {
    const down = { ...REFUSED, application: { kind: "failed", why: "no answer" } as const };
    assert.equal(row(down, "discord.token").status, "warn");
    const answered = "GET /applications/@me failed with 404: no reason given";
    const odd = { ...REFUSED, application: { kind: "failed", why: answered } as const };
    assert.equal(row(odd, "discord.intents").why, answered, "it did answer");
    const limited = { ...REFUSED, application: { kind: "limited", why: "429" } as const };
    const { status, fix } = row(limited, "discord.token");
    assert.equal(status, "warn");
    assert.match(fix ?? "", /wait an hour/);
  });

  it("says that another server answers in Discord's place", () => {
    const why = "GET /applications/@me failed with 400: no reason given";
    const facts = { ...REFUSED, application: { kind: "foreign", why } as const };
    const token = row(facts, "discord.token");
    assert.equal(token.status, "warn");
    assert.match(token.why, /another server answers in Discord's place.*failed with 400/);
    assert.match(token.fix ?? "", /DISCORD_API_URL.*captive portal/);
    assert.doesNotMatch(token.fix ?? "", /wait an hour/);
  });

  it("[G9] does not warn if only the preset's members intent is missing", () => {
    const facts: DiscordFacts = { ...FACTS, intents: { missing: [], spared: ["guild_members"] } };
    const { status, why } = row(facts, "discord.intents");
    assert.equal(status, "pass");
    assert.match(why, /works without the Server Members Intent/);
  });
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
