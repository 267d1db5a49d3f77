import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BotConfig, type DiscordConfig, forAccount } from "../../../src/config/config.ts";
import { missingToken } from "../../../src/config/load.ts";
import { botConfigOf, configOf, problemLines, type World } from "../support.ts";
import { sameData } from "../../support/same_data.ts";

/** A file with these keys of `channels.discord`, and without other problems. */
const file = (keys: string): string =>
  `{"channels":{"discord":{${keys}}},"session":{"dmScope":"per-peer"}}`;

async function accountOf(text: string, id: string, world?: World): Promise<DiscordConfig> {
  const { accounts } = await botConfigOf(text, world);
  const found = accounts.find(({ accountId }) => accountId === id);
  assert.ok(found, `there is no account ${id}`);
  return found;
}

const idsOf = ({ accounts }: BotConfig): readonly string[] => accounts.map((one) => one.accountId);

describe("[C6] the accounts of a config", () => {
  const NAMED = '"accounts":{"Work":{"token":"w"},"play":{"token":"p"}}';
  const cases: readonly (readonly [
    name: string,
    text: string | undefined,
    env: Record<string, string>,
    ids: readonly string[],
  ])[] = [
    ["nothing at all", undefined, {}, ["default"]],
    ["a token of the environment", undefined, { DISCORD_BOT_TOKEN: "t" }, ["default"]],
    ["a section without accounts", file(""), {}, ["default"]],
    ["accounts and no other token", file(NAMED), {}, ["work", "play"]],
    ["accounts and a blank variable", file(NAMED), { DISCORD_BOT_TOKEN: " " }, ["work", "play"]],
    ["the environment's", file(NAMED), { DISCORD_BOT_TOKEN: "t" }, ["default", "work", "play"]],
    ["beside the token above", file(`"token":"t",${NAMED}`), {}, ["default", "work", "play"]],
    ["an account named default", file('"accounts":{"a":{"token":"a"},"Default":{}}'), {}, [
      "default",
      "a",
    ]],
  ];
  for (const [name, text, env, ids] of cases) {
    it(`are ${ids.join(", ")} with ${name}`, async () => {
      assert.deepEqual(idsOf(await botConfigOf(text, { env })), ids);
    });
  }

  it("inherit key by key at every depth, and lists as a whole", async () => {
    const text = file(`"historyLimit":7,"textChunkLimit":900,
      "dm":{"policy":"allowlist","allowFrom":["1","2"]},
      "gateway":{"compress":false,"reconnect":{"maxRetries":3}},
      "guilds":{"a":{"requireMention":false,"users":["1"],"channels":{"x":{},"y":{"allow":false}}}},
      "accounts":{"work":{"token":"w","textChunkLimit":500,"dm":{"allowFrom":["3"]},
        "gateway":{"reconnect":{"backoffMaxSec":9}},
        "guilds":{"a":{"users":[],"channels":{"y":{"requireMention":true}}},"b":{}}}}`);
    const work = await accountOf(text, "work");
    assert.deepEqual([work.historyLimit, work.textChunkLimit], [7, 500]);
    sameData(work.access.dm, {
      enabled: true,
      policy: "allowlist",
      allowFrom: [{ kind: "user", id: "3" }],
      groupEnabled: false,
    });
    assert.equal(work.gateway.compress, false);
    assert.deepEqual(
      [work.gateway.reconnect.maxRetries, work.gateway.reconnect.backoffMaxSec],
      [3, 9],
    );
    const own = "reactionNotifications";
    sameData(structuredClone(work.access.guilds), {
      a: {
        [own]: "own",
        requireMention: false,
        users: [],
        channels: { x: {}, y: { allow: false, requireMention: true } },
      },
      b: { [own]: "own" },
    });
  });

  it("take defaults for unwritten keys only, and not over inherited ones", async () => {
    const text = file('"dm":{"enabled":false},"accounts":{"work":{"token":"w","dm":{}}}');
    assert.equal((await accountOf(text, "work")).access.dm.enabled, false);
  });

  it("never inherit the token", async () => {
    const env = { DISCORD_BOT_TOKEN: "env" };
    for (const token of ["", '"token":"above",']) {
      const config = await botConfigOf(file(`${token}"accounts":{"work":{}}`), { env });
      const [first, work] = config.accounts;
      assert.equal(first?.token?.reveal(), token === "" ? "env" : "above");
      assert.equal(work?.token, undefined);
      const missing = missingToken(forAccount(config, work!));
      assert.equal(missing?.path, "channels.discord.accounts.work.token");
      assert.match(missing?.message ?? "", /account "work" has no bot token/);
      assert.equal(missingToken(forAccount(config, first!)), undefined);
    }
  });

  it("[C7] need no token if they are off", async () => {
    const config = await botConfigOf(file('"accounts":{"a":{"enabled":false}}'));
    assert.deepEqual(config.accounts.map(({ enabled }) => enabled), [false]);
    assert.equal(missingToken(forAccount(config, config.accounts[0]!)), undefined);
  });

  it("inherit `enabled`, unless they set it", async () => {
    const text = file(
      '"enabled":false,"accounts":{"a":{"token":"a"},"b":{"token":"b","enabled":true}}',
    );
    const { accounts } = await botConfigOf(text);
    assert.deepEqual(accounts.map(({ enabled }) => enabled), [false, true]);
  });

  it("are one, default, whose own keys override those above", async () => {
    const env = { DISCORD_BOT_TOKEN: "env" };
    const section = (token: string) => `"accounts":{"default":{${token}"historyLimit":3}}`;
    const tokenOf = async (text: string) => {
      const account = await accountOf(text, "default", { env });
      assert.equal(account.historyLimit, 3);
      return account.token?.reveal();
    };
    assert.equal(await tokenOf(file(`"token":"above",${section('"token":"own",')}`)), "own");
    assert.equal(await tokenOf(file(`"token":"above",${section("")}`)), "above");
    assert.equal(await tokenOf(file(section(""))), "env");
    const named = await accountOf(file(`"name":"Above",${section("")}`), "default", { env });
    assert.equal(named.name, "Above");
  });

  it("have their own name, and inherit all secrets but the token", async () => {
    const text = file(`"name":"Above",
      "pluralkit":{"enabled":true,"token":"pk","apiUrl":"http://127.0.0.1:9/v2/"},
      "accounts":{"a":{"name":"Ann","token":"a"},"b":{"token":"b","pluralkit":{"token":"own"}}}`);
    const [a, b] = (await botConfigOf(text)).accounts;
    assert.deepEqual([a?.name, b?.name], ["Ann", undefined]);
    assert.deepEqual([a?.pluralkit.token?.reveal(), b?.pluralkit.token?.reveal()], ["pk", "own"]);
    assert.deepEqual([a?.pluralkit.enabled, a?.pluralkit.apiUrl], [true, "http://127.0.0.1:9/v2"]);
  });

  it("[C5] replace an inherited secret as a whole, in whichever form", async () => {
    const forms = ['{"file":"/k"}', '"${KEY}"', '"value"'];
    for (const above of forms) {
      for (const own of forms) {
        const text = file(`"pluralkit":{"token":${above}},"accounts":{
          "a":{"token":"a"},"b":{"token":"b","pluralkit":{"token":${own}}}}`);
        const world = { env: { KEY: "of env" }, files: { "/k": "of file" } };
        const read = (await botConfigOf(text, world)).accounts.map(({ pluralkit }) =>
          pluralkit.token?.reveal()
        );
        const values = ["of file", "of env", "value"];
        assert.deepEqual(read, [values[forms.indexOf(above)], values[forms.indexOf(own)]]);
      }
    }
  });

  const errors: readonly (readonly [name: string, text: string, told: readonly string[]])[] = [
    ["two ids that differ in case only", file('"accounts":{"Work":{},"work":{}}'), [
      'error channels.discord.accounts.work: "work" and "Work" are the same account: case does not matter',
    ]],
    ["an id that no session key can contain", file('"accounts":{"a:b":{}}'), [
      'error channels.discord.accounts."a:b": Expected an id of a-z, 0-9, - and _, at most 64 characters, found "a:b"',
    ]],
    ["accounts within an account", file('"accounts":{"a":{"accounts":{}}}'), [
      'error channels.discord.accounts.a.accounts: There is no key "accounts" here',
    ]],
    ["two accounts with one token", file('"accounts":{"a":{"token":"Bot t"},"b":{"token":" t"}}'), [
      'error channels.discord.accounts.b.token: The accounts "a" and "b" have the same token',
    ]],
    [
      "an account with the environment's token",
      file('"accounts":{"a":{"token":"${DISCORD_BOT_TOKEN}"}}'),
      [
        'error channels.discord.accounts.a.token: The accounts "default" and "a" have the same token',
      ],
    ],
    [
      "a policy that is open by an inherited key",
      file('"dm":{"policy":"open","allowFrom":["*"]},"accounts":{"a":{"dm":{"allowFrom":["1"]}}}'),
      [
        'error channels.discord.accounts.a.dm.policy: The policy "open" lets anyone DM the bot, so "allowFrom" must contain "*"',
      ],
    ],
    [
      "delays that conflict with inherited ones",
      file('"retry":{"minDelayMs":900},"accounts":{"a":{"retry":{"maxDelayMs":800}}}'),
      [
        'error channels.discord.accounts.a.retry.minDelayMs: "minDelayMs" (900) is greater than "maxDelayMs" (800)',
      ],
    ],
    [
      "a missing inherited secret, once",
      file(
        '"pluralkit":{"token":"${NO_PK}"},' +
          '"accounts":{"a":{"token":"a"},"b":{"token":"b"}}',
      ),
      ["warning channels.discord.pluralkit.token: The variable NO_PK is not set"],
    ],
    ["a key that has no meaning there", file('"accounts":{"a":{"requireMention":false}}'), [
      'warning channels.discord.accounts.a.requireMention: "requireMention" has no effect here',
    ]],
  ];
  for (const [name, text, expected] of errors) {
    it(`tell of ${name}`, async () => {
      assert.deepEqual(await problemLines(text, { env: { DISCORD_BOT_TOKEN: "env" } }), expected);
    });
  }

  it("may be open by an inherited list", async () => {
    const text = file(
      '"dm":{"allowFrom":["*"]},"accounts":{"a":{"token":"a","dm":{"policy":"open"}}}',
    );
    assert.equal((await accountOf(text, "a")).access.dm.policy, "open");
  });

  it("[C5] name the place of their token", async () => {
    const place = async (token: string) =>
      (await accountOf(file(`"accounts":{"Work":{${token}}}`), "work", {
        env: { W: "w" },
        files: { "/t": "w" },
      })).tokenPlace;
    assert.equal(await place('"token":"${W}"'), "W");
    assert.equal(await place('"token":{"file":"/t"}'), "the file /t");
    assert.equal(await place('"token":"w"'), "channels.discord.accounts.Work.token");
    assert.equal(await place(""), "channels.discord.accounts.Work.token");
  });
});

describe("[C6] [P1] ruleOf()", () => {
  const TEXT = file(`"token":"t","groupPolicy":"open","dm":{"policy":"allowlist","allowFrom":[]},
    "guilds":{"a":{"requireMention":false},"*":{"requireMention":true}},
    "accounts":{"Work":{"token":"w","dm":{"allowFrom":["1"]},"allowBots":true,
      "guilds":{"a":{"users":["1"],"channels":{"x y":{"allow":false}}}}}}`);
  const own = "channels.discord.accounts.Work";
  const cases: readonly (readonly [path: string, rule: string])[] = [
    ["channels.discord.dm.allowFrom", `${own}.dm.allowFrom`],
    ["channels.discord.dm.policy", "channels.discord.dm.policy"],
    // Written in neither section: at the one with more of its path.
    ["channels.discord.dm.groupEnabled", `${own}.dm.groupEnabled`],
    ["channels.discord.groupPolicy", "channels.discord.groupPolicy"],
    ["channels.discord.gateway.intents", "channels.discord.gateway.intents"],
    ["channels.discord.allowBots", `${own}.allowBots`],
    ["channels.discord.guilds", `${own}.guilds`],
    ["channels.discord.guilds.a.requireMention", "channels.discord.guilds.a.requireMention"],
    ["channels.discord.guilds.a.users", `${own}.guilds.a.users`],
    [`channels.discord.guilds.a.channels."x y".allow`, `${own}.guilds.a.channels."x y".allow`],
    ["channels.discord.guilds.*.requireMention", "channels.discord.guilds.*.requireMention"],
    ["channels.defaults.groupPolicy", "channels.defaults.groupPolicy"],
    ["commands.ownerAllowFrom", "commands.ownerAllowFrom"],
    [`${own}.dm.policy`, `${own}.dm.policy`],
  ];
  for (const [path, rule] of cases) {
    it(`finds ${path} in ${rule}`, async () => {
      assert.equal((await accountOf(TEXT, "work")).access.ruleOf(path), rule);
    });
  }

  it("finds the shared keys for an account without a section", async () => {
    const { ruleOf } = (await configOf(TEXT)).discord.access;
    for (const [path] of cases) assert.equal(ruleOf(path), path);
  });

  it("[P6] names the account's own guild policy", async () => {
    const text = file(
      '"groupPolicy":"open","accounts":{"a":{"token":"a","groupPolicy":"disabled"}}',
    );
    const { groupPolicy, groupPolicyRule } = (await accountOf(text, "a")).access;
    assert.deepEqual([groupPolicy, groupPolicyRule], [
      "disabled",
      "channels.discord.accounts.a.groupPolicy",
    ]);
  });
});
