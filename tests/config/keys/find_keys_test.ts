import assert from "node:assert/strict";
import { distance } from "fastest-levenshtein";
import { describe, it } from "node:test";
import { findKeys } from "../../../src/config/keys/find_keys.ts";
import { allKeys, keyFacts } from "../../../src/config/keys/key_facts.ts";
import { cases } from "../../support/long_form.ts";
import { keysMeant, meantWords } from "../../../src/config/keys/meanings.ts";

const CASES: readonly (readonly [query: string, by: string, path: string])[] = [
  ["channels.discord.historyLimit", "path", "channels.discord.historyLimit"],
  ["CHANNELS.discord.historylimit", "path", "channels.discord.historyLimit"],
  ['channels.discord.guilds."my guild".users', "path", "channels.discord.guilds.<guild>.users"],
  ["agents.list[3].id", "path", "agents.list[].id"],
  ["guilds.123456789012345678.users", "name", "channels.discord.guilds.<guild>.users"],
  ["history_limit", "name", "channels.discord.historyLimit"],
  ["history limit", "name", "channels.discord.historyLimit"],
  ["retention", "name", "store.retention"],
  ["rateLim", "part", "channels.discord.rateLimit"],
  ["days transcripts", "words", "store.retention.transcriptsDays"],
  ["histroyLimit", "name", "channels.discord.historyLimit"],
  ["histroy limt", "name", "channels.discord.historyLimit"],
  ["budgets.totl", "path", "budgets.total"],
  ["budgts.totl", "path", "budgets.total"],
  ["log.levl", "path", "log.level"],
  ["agents.list.0.promt", "path", "agents.list[].prompt"],
  ["agents.list.0.prompt", "path", "agents.list[].prompt"],
  [
    "chanels.discord.guilds.123456789012345678.user",
    "path",
    "channels.discord.guilds.<guild>.users",
  ],
];

describe("[C4] findKeys()", () => {
  for (const [query, by, path] of CASES) {
    it(`finds ${path} by "${query}"`, () => {
      const [first] = findKeys(query, distance).found;
      assert.equal(first?.key.path, path);
      assert.equal(first?.by, by);
    });
  }

  const GUILD = "channels.discord.guilds.<guild>";
  const PROVIDER = "models.providers.<provider>";
  const TYPED: readonly (readonly [word: string, path: string])[] = [
    ["password", "channels.discord.token"],
    ["credentials", "channels.discord.token"],
    ["key", `${PROVIDER}.apiKey`],
    ["apikey", "search.apiKey"],
    ["API key", "search.apiKey"],
    ["model", "agents.defaults.model"],
    ["ollama", "agents.defaults.model"],
    ["Claude", "agents.defaults.model"],
    ["silence", `${GUILD}.requireMention`],
    ["answers", "approvals.answers"],
    ["drafts", "approvals.answers"],
    ["approval", "approvals"],
    ["offers", "tools.offerExpiresMin"],
    ["webhook", "hooks"],
    ["rss", "feeds"],
    ["Home Assistant", "api.programs"],
    ["quiet", `${GUILD}.requireMention`],
    ["mute", `${GUILD}.requireMention`],
    ["cost", "budgets"],
    ["money", "budgets"],
    ["limit", "budgets"],
    ["daily limit", "budgets"],
    ["servers", "channels.discord.guilds"],
    ["channel", `${GUILD}.channels`],
    ["ban", `${GUILD}.users`],
    ["whitelist", `${GUILD}.users`],
    ["admin", "commands.ownerAllowFrom"],
    ["timezone", "agents.defaults.timezone"],
    ["tz", "agents.defaults.timezone"],
    ["language", "messages.texts"],
    ["prefix", "commands.text"],
    ["personality", "agents.list[].prompt"],
    ["nickname", "agents.list[].name"],
    ["Intents.agent_recommended()", "channels.discord.gateway.intents"],
    ["port", "http.port"],
    ["host", "http.bind"],
    ["logs", "log.level"],
    ["debug", "log.level"],
    ["memory", "memory"],
    ["remember", "memory"],
    ["history", "channels.discord.historyLimit"],
    ["image", "tools.draw"],
    ["voice", "voice"],
    ["tts", "audio.voice"],
    ["privacy", "store.retention"],
    ["email", "alerts"],
    ["prometheus", "http.port"],
    ["internet", "search"],
    ["shell", "exec.mode"],
    ["attachments", "channels.discord.mediaMaxMb"],
    ["typing", "channels.discord.streaming"],
    ["spam", "messages.queue.perUser"],
    ["bots", "channels.discord.allowBots"],
    ["plugins", "mcp.servers"],
    ["reverse proxy", "http.publicUrl"],
    ["Caddy", "http.publicUrl"],
    ["mcp server", "mcp.servers"],
    ["persona", "agents.list[].prompt"],
    ["historyLimit", "channels.discord.historyLimit"],
    ["dm.policy", "channels.discord.dm.policy"],
    ["require mention", `${GUILD}.requireMention`],
    ["ownerAllowFrom", "commands.ownerAllowFrom"],
    ["tokens per day total", "budgets.total.tokensPerDay"],
    ["approve commands", "approvals"],
    ["phone access", "http.publicUrl"],
    ["second bot", "channels.discord.accounts"],
    ["pasword", "channels.discord.token"],
    ["persnality", "agents.list[].prompt"],
  ];
  for (const [word, path] of TYPED) {
    it(`finds ${path} by "${word}", as people call it`, () => {
      assert.equal(findKeys(word, distance).found[0]?.key.path, path);
    });
  }

  /** Names of other programs that are no key here. */
  const PLACES: readonly (readonly [name: string, place: RegExp])[] = [
    ["heartbeat_priority", /heartbeats always go first/],
    ["tool_config.heartbeat_priority", /heartbeats always go first/],
    ["AgentRouter", /"router"/],
    ["RateLimitConfig", /"rateLimit"/],
    ["ReconnectConfig", /"reconnect"/],
    ["async_tool_timeout", /"timeoutSec"/],
    ["token_from_env", /"token"/],
    ["log_level=CONNECTION_DEBUG", /"level" in log/],
    ["validate_env", /`barnacle doctor`/],
    ["generate_invite_url()", /`barnacle invite`/],
    ["run(graceful_shutdown=True)", /always on/],
    ["channels status --probe", /`barnacle status --probe`/],
    ["gateway --force", /`barnacle run --force`/],
    ["configure", /`barnacle setup`/],
    ["message send", /`barnacle send`/],
  ];
  for (const [name, place] of PLACES) {
    it(`says where ${name} is set`, () => {
      assert.match(findKeys(name, distance).elsewhere ?? "", place);
    });
  }

  const QUESTIONS: readonly (readonly [question: string, path: string])[] = [
    ["who may write", `${GUILD}.users`],
    ["Who may write?", `${GUILD}.users`],
    ["who may wrte", `${GUILD}.users`],
    ["who can talk to the bot", `${GUILD}.users`],
    ["let my friends in", `${GUILD}.users`],
    ["only answer when mentioned", `${GUILD}.requireMention`],
    ["who is the owner", "commands.ownerAllowFrom"],
    ["who may approve", "approvals"],
    ["one role only", `${GUILD}.users`],
    ["which model", "agents.defaults.model"],
    ["how much may a person spend", "budgets"],
    ["how long are messages kept", "store.retention"],
    ["delete old messages", "store.retention"],
    ["stop answering bots", "channels.discord.allowBots"],
    ["change the bot's name", "agents.list[].name"],
    ["where are the logs", "log.level"],
    ["send alerts to my phone", "alerts"],
    ["backup every night", "backup"],
    ["histroy limit", "channels.discord.historyLimit"],
  ];
  for (const [question, path] of QUESTIONS) {
    it(`finds ${path} by the question "${question}"`, () => {
      const { found } = findKeys(question, distance);
      assert.equal(found[0]?.key.path, path);
      assert.ok(found.length <= 12, "a person reads them all");
    });
  }

  it("knows only keys that exist, and finds each of them by its word", () => {
    const paths = new Set(allKeys().map(({ path }) => path));
    for (const word of meantWords()) {
      for (const path of keysMeant(word)) assert.ok(paths.has(path), `${word}: ${path}`);
      const { found } = findKeys(word, distance);
      for (const path of keysMeant(word)) {
        assert.ok(found.some(({ key }) => key.path === path), `${word}: ${path}`);
      }
    }
  });

  for (
    const [word, said] of [
      ["proxy", /HTTPS_PROXY/],
      ["HTTPS_PROXY", /HTTPS_PROXY/],
      ["temperature", /no temperature/],
      ["database", /--data/],
      ["avatar", /developer portal/],
      ["reminders", /barnacle schedules/],
      ["update", /barnacle upgrade/],
      ["import from openclaw", /config import/],
      ["move to a new machine", /barnacle restore/],
      ["change the avatar", /developer portal/],
    ] as const
  ) {
    it(`says where "${word}" is set`, () => {
      assert.match(findKeys(word, distance).elsewhere ?? "", said);
    });
  }

  it("lists the bot's texts after other keys", () => {
    const paths = findKeys("alert", distance).found.map(({ key }) => key.path);
    assert.ok(!paths[0]?.startsWith("messages.texts."));
  });

  it("finds every key by its path, and among the first by its name", () => {
    const every = 10 / cases(1, 10); // each takes some milliseconds
    for (const { path, name } of allKeys().filter((_, index) => index % every === 0)) {
      assert.equal(findKeys(path, distance).found[0]?.key.path, path);
      assert.ok(findKeys(name, distance).found.some(({ key }) => key.path === path), path);
    }
  });

  for (
    const query of [
      "",
      " ",
      ".",
      "...",
      "qqqqqqqqqqq",
      '"',
      "[",
      "x".repeat(10_000),
      "\u0000",
      "<script>",
      "([",
      "   ",
    ]
  ) {
    it(`finds nothing by ${JSON.stringify(query.slice(0, 20))}`, () => {
      assert.deepEqual(findKeys(query, distance).found, []);
    });
  }

  it("has facts about every key", () => {
    for (const key of allKeys()) {
      const facts = keyFacts(key);
      assert.doesNotMatch(JSON.stringify(facts), /undefined|\[object/);
      for (const text of [facts.values, facts.default, facts.change, facts.docs]) {
        assert.notEqual(text, "", key.path);
      }
    }
  });
});
