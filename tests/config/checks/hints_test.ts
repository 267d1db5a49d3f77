import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { discord, load } from "../support.ts";
import { allKeys } from "../../../src/config/keys/find_keys.ts";
import { distance } from "fastest-levenshtein";
import { nearestPath } from "../../../src/config/checks/issues.ts";
import { configSchema } from "../../../src/config/schema/root.ts";

/** The hint of the only error of a file. */
async function hintOf(text: string): Promise<string | undefined> {
  const { problems } = await load(text);
  const errors = problems.filter(({ severity }) => severity === "error");
  assert.equal(errors.length, 1, JSON.stringify(errors));
  return errors[0]?.hint;
}

const budget = (key: string, written: string) =>
  `{"channels":{"discord":{"dm":{"enabled":false}}},"budgets":{"total":{"${key}":"${written}"}}}`;

describe("[C2] the hint of a wrong value", () => {
  const only = "write only the number, without quotes, unit and thousands separators";
  const numbers: readonly (readonly [key: string, written: string, hint: string | undefined])[] = [
    ["tokensPerDay", "1000", "write the number without quotes: 1000"],
    ["tokensPerDay", "1,000,000", "write the number without quotes: 1000000"],
    ["tokensPerDay", "1_000_000", "write the number without quotes: 1000000"],
    ["tokensPerDay", "1 000", "write the number without quotes: 1000"],
    ["moneyPerDay", "1,000.50", "write the number without quotes: 1000.50"],
    ["moneyPerDay", "5 EUR", only],
    ["moneyPerDay", "1,5", only],
    ["moneyPerDay", "five", undefined],
  ];
  for (const [key, written, hint] of numbers) {
    it(`for "${written}" in place of a number`, async () => {
      assert.equal(await hintOf(budget(key, written)), hint);
    });
  }

  const keys = [["tokensPerDay", "`barnacle config explain tokensPerDay` lists its places"], [
    "maxRetries",
    "it belongs in channels.discord.gateway.reconnect",
  ]] as const;
  for (const [key, place] of keys) {
    it(`says that ${key} names an entry of hooks there`, async () => {
      const hint = `here, "${key}" is the name of an entry; as a key, ${place}`;
      assert.equal(
        await hintOf(budget("moneyPerDay", "").replace(/.budgets.*/, `"hooks":{"${key}":5}}`)),
        hint,
      );
    });
  }

  for (const word of ["all", "everyone", "Anyone", "everybody", "*"]) {
    it(`means "open" by "${word}"`, async () => {
      assert.equal(await hintOf(discord(`"groupPolicy":"${word}"`)), 'did you mean "open"?');
    });
  }

  it('does not mean "open" by "allow", or for a key without that value', async () => {
    assert.equal(await hintOf(discord('"groupPolicy":"allow"')), 'did you mean "allowlist"?');
    const log = '{"channels":{"discord":{"dm":{"enabled":false}}},"log":{"level":"all"}}';
    assert.doesNotMatch(await hintOf(log) ?? "", /open/);
  });

  it("shows a list in place of an object", async () => {
    const list = "write a list in square brackets: [ … ]";
    assert.equal(await hintOf('{"channels":{"discord":{"dm":{"allowFrom":{"1":true}}}}}'), list);
    assert.equal(await hintOf('{"exec":{"allow":"ls"}}'), list);
    const key = "sk-proj-abcdefghijklmnop1234567890";
    assert.doesNotMatch(await hintOf(`{"models":{"providers":["${key}"]}}`) ?? key, /abcdef/);
  });
});

it("[C2] a typographic quote within a text without an end › is no cause if the text goes on after it", async () => {
  const { problems: [first] } = await load('{"log":{"level":"“info” or more}}');
  assert.equal(first?.message, "The text has no closing quote");
});

/** Names of the connection guide that Barnacle has as keys of its own. */
const KEYS: readonly string[] = [
  ...["token_from_env", "log_level", "async_tool_timeout", "tcp_keepalive", "tool_config"],
  ...["gateway_options", "rate_limit", "required_vars", "max_retries", "check_network"],
  ...["check_dns", "RateLimitConfig", "ReconnectConfig", "AgentRouter"],
];

/** Names of functions, which Barnacle has as commands or always does. */
const OTHERS: readonly (readonly [name: string, hint: RegExp])[] = [
  ["validate_env", /^remove it: .*preflight.*`barnacle doctor`/],
  ["generate_invite_url", /^remove it: `barnacle invite`/],
  ["graceful_shutdown", /^remove it: .*always/],
  ["heartbeat_priority", /^remove it: .*always/],
];

async function hintFor(name: string): Promise<string> {
  const { problems } = await load(JSON.stringify({ [name]: 1 }));
  return problems.find(({ path }) => path === name)?.hint ?? "";
}

describe("[C13] a name of the connection guide in the config", () => {
  for (const name of KEYS) {
    it(`gets a hint with a key that exists: ${name}`, async () => {
      const hint = await hintFor(name);
      const [, key = "", section = ""] = /^write "(\w+)".* (?:in ([\w.]+)|at the top)/.exec(hint) ??
        [];
      const path = section === "" ? key : `${section}.${key}`;
      assert.ok(allKeys().some((one) => one.path === path), `${name}: ${hint}`);
    });
  }
  for (const [name, pattern] of OTHERS) {
    it(`gets a hint with the way of Barnacle: ${name}`, async () => {
      assert.match(await hintFor(name), pattern);
    });
  }
});

const cases: readonly (readonly [written: string, meant: string | undefined])[] = [
  ["log.levl", "log.level"],
  ["chanels.discord.dm.polcy", "channels.discord.dm.policy"],
  [
    "channels.discord.guilds.friends.requireMentions",
    "channels.discord.guilds.friends.requireMention",
  ],
  ["http", "http"],
  ["nothing.near", undefined],
  ["log.level.deeper", undefined],
];
for (const [written, meant] of cases) {
  it(`[C10] nearestPath() › ${written}: ${meant ?? "none"}`, () => {
    assert.equal(nearestPath(configSchema, written.split("."), distance)?.join("."), meant);
  });
}
