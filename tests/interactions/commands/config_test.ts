import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { allowlist } from "../../../src/interactions/commands/config.ts";
import { ADA, commandAccount, GRACE } from "../../support/bot/commands.ts";
import { CHANNEL, GUILD } from "../../support/discord/payloads.ts";
import { refused } from "../../support/discord/answers.ts";
import { ACCOUNT, guildMessage, guildPlace } from "../../support/discord/builders.ts";

const BEN = "300000000000000077";
const OWNERS = { ownerAllowFrom: [`discord:${GRACE.id}`] };
const WRITING = { commands: { ...OWNERS, config: true } };
const SET = { path: "log.level", value: "debug" };

describe("[K4] /config", () => {
  const using = async (
    { beside = WRITING, discord = {} }: { readonly beside?: object; readonly discord?: object } =
      {},
  ) => {
    const { slash, keys, ...bot } = await commandAccount({ beside, discord }, {
      "log.level": '"info"',
    });
    const use = (subcommand: string, values = {}) => slash("config", values, { subcommand });
    return { ...bot, slash, keys, use };
  };

  it("is there only if the config allows it, and only for owners", async () => {
    const { use, slash } = await using({ beside: {} });
    assert.match(await use("get", { path: "log.level" }), /`commands\.config`/);
    assert.doesNotMatch(await slash("help"), /\/config/);
    assert.match(await (await using()).slash("help"), /\/config/);
    assert.match(await slash("config", {}, { as: ADA, subcommand: "get" }), /not authorized/);
  });

  it("shows, sets and removes a key", async () => {
    const { use, keys } = await using();
    assert.equal(await use("get", { path: "log.level" }), '```json\n"info"\n```');
    assert.match(await use("get", { path: "log.colour" }), /has no `log\.colour`/);
    assert.match(await use("set", SET), /changed at `log\.level`/);
    assert.deepEqual(keys, { "log.level": "debug" });
    assert.match(await use("unset", { path: "log.level" }), /changed/);
    assert.match(await use("unset", { path: "x" }), /has no `x`/);
    assert.deepEqual(keys, {});
  });

  it("changes nothing if the file would be invalid, or if the config forbids it", async () => {
    const invalid = await using();
    assert.match(
      await invalid.use("set", { ...SET, value: "wrong" }),
      /^Nothing has changed: it is no/,
    );
    const closed = await using({ discord: { configWrites: false } });
    assert.match(await closed.use("set", SET), /configWrites/);
    assert.match(await closed.use("get", SET), /info/);
    assert.equal(closed.keys["log.level"], '"info"');
  });

  it("asks twice for a change that closes the asker's direct messages", async () => {
    const { use, keys } = await using();
    const path = "channels.discord.dm.policy";
    const set = { path, value: "disabled" };
    assert.match(await use("set", set), /^Nothing .*not answer you.*\n.*set .* disabled anyway`$/);
    assert.equal(keys[path], undefined);
    await use("set", { path: "log.level", value: "so anyway" });
    await use("set", { path, value: "disabled anyway" });
    assert.match(await use("unset", { path }), /^Nothing .*not answer you.* Remove it there\.$/);
    assert.deepEqual(keys, { "log.level": "so anyway", [path]: "disabled" });
  });

  it("suggests paths of the config", async () => {
    const { suggestions } = await using();
    const found = await suggestions("config", { path: "log.le" }, { subcommand: "get" });
    assert.deepEqual(found, [{ name: "log.level", value: "log.level" }]);
  });
});

describe("[K2] [K3] /allowlist", () => {
  const RULE = "channels.discord.dm.allowFrom";
  const using = async (
    allowFrom: readonly string[] = [],
    { discord = {}, beside = WRITING as object, answer = () => ({ username: "ben" }) as unknown } =
      {},
  ) => {
    const dm = { policy: "pairing", allowFrom };
    const bot = await commandAccount({
      discord: { dm, ...discord },
      beside,
      answer: ({ path }) => path.startsWith(`/users/${BEN}`) ? answer() : undefined,
    }, { [RULE]: JSON.stringify(allowFrom) });
    const use = (subcommand: string, values = {}, more = {}) =>
      bot.slash("allowlist", values, { subcommand, ...more });
    /** Ben has a pairing. */
    const pair = () => Object.assign(bot.store.pairing, { paired, revoke });
    const revoked: unknown[] = [];
    const paired = () => Promise.resolve([{ userId: BEN, username: "ben" }]);
    const revoke = (_: unknown, id: string) => Promise.resolve(revoked.push(id) ? {} : undefined);
    return { ...bot, use, pair, revoked, list: () => bot.keys[RULE] };
  };
  const inGuild = { in: "guild" };
  const users = (...ids: string[]) => ({
    discord: { guilds: { [GUILD]: { requireMention: false, users: ids } } },
  });

  it("shows a list with the names that are known, and who is paired", async () => {
    const { use, pair } = await using([BEN, `discord:${ADA.id}`]);
    assert.match(
      await use("list"),
      new RegExp(`^\`${RULE}\` has these people:\n– <@${BEN}> \`${BEN}\`\n– <@19`),
    );
    pair();
    const shown = `– <@${BEN}> \`${BEN}\` \`ben\``;
    const text = await use("list");
    assert.ok(text.endsWith(`Paired people may write to me, too:\n${shown}`), text);
    assert.ok(text.includes(`people:\n${shown}\n`));
  });

  it("shows long lists within Discord's limit, an empty one, and that there is none", async () => {
    const many = Array.from({ length: 200 }, (_, n) => String(400000000000000000n + BigInt(n)));
    const text = await (await using(many)).use("list");
    assert.ok(text.length <= 2_000, `${text.length}`);
    assert.match(text, /… \+1\d\d/);
    assert.match(await (await using()).use("list"), /has no entries/);
    const open = await using([], { discord: { guilds: { [GUILD]: {} } } });
    assert.match(await open.use("list", {}, inGuild), /all members may talk/);
  });

  it("says by which key a channel was switched off before a command of it ran", async () => {
    const { account, keys } = await using([], {
      discord: { guilds: { [GUILD]: { channels: { [CHANNEL]: { enabled: false } } } } },
    });
    const place = guildPlace({
      guild: { id: GUILD, name: "" },
      channel: { id: CHANNEL, name: "" },
    });
    const from = guildMessage({ accountId: account.accountId, place });
    for (const subcommand of ["list", "add", "remove"]) {
      const call = { ...from, name: "allowlist", subcommand, options: { user: BEN } };
      assert.match(
        String(await allowlist.run(call, account)),
        /^I answer no one there, because of `channels\.discord\.guilds\.\d+\.channels\.\d+\.enabled`\.$/,
      );
    }
    assert.deepEqual(Object.keys(keys), [RULE]);
  });

  it("adds a person once, and removes one", async () => {
    const { use, list } = await using(["1"]);
    assert.match(await use("add", { user: BEN }), /^<@3\d+77> `\d+` is now on `channels/);
    assert.equal(list(), `["1","${BEN}"]`);
    assert.match(await use("add", { user: BEN }), /already, so nothing has changed/);
    assert.match(await use("remove", { user: BEN, list: "dm" }), /is not on .* any more\.$/);
    assert.match(await use("remove", { user: BEN }), /is not on .*, so nothing has changed/);
  });

  it("[P3] ends a pairing with the removal, also of a person who is on no list", async () => {
    for (const allowFrom of [["ben"], []]) {
      const { use, pair, revoked } = await using(allowFrom);
      pair();
      assert.match(await use("remove", { user: BEN }), /any more\. The pairing .* has ended, too/);
      assert.deepEqual(revoked, [BEN]);
    }
    const guild = await using([], users(BEN, GRACE.id));
    guild.keys[`channels.discord.guilds.${GUILD}.users`] = `["${BEN}"]`;
    guild.pair();
    assert.match(await guild.use("remove", { user: BEN }, inGuild), /answer no one there/);
    assert.deepEqual(guild.revoked, [], "a pairing opens direct messages only");
  });

  it("keeps the pairing if the file cannot be written, and gives a command for it", async () => {
    const { use, pair, revoked, keys } = await using(["1", BEN]);
    pair();
    keys[RULE] = "wrong";
    assert.match(
      await use("remove", { user: BEN }),
      /nothing has changed: read-only\. .*`barnacle config unset 'channels\.discord\.dm\.allowFrom\[1\]'`/,
    );
    assert.match(await use("add", { user: BEN }), /`barnacle config set '.*\[\+\]' 3\d+77`/);
    assert.deepEqual(revoked, []);
  });

  it("does not add a user whom Discord does not know, but removes one, and works by the id alone", async () => {
    const gone = await using([BEN], { answer: () => refused(404, 10013) });
    assert.match(await gone.use("add", { user: BEN }), /no user `3/);
    assert.match(await gone.use("remove", { user: BEN }), /any more/);
    assert.equal(gone.list(), "[]");
    const silent = await using([], { answer: () => new Error("no answer") });
    assert.match(await silent.use("add", { user: BEN }), /is now on/);
  });

  it("tells that the list still admits everyone, and makes none where there is none", async () => {
    const open = await using(["*", BEN]);
    assert.match(await open.use("remove", { user: BEN }), /`\*`, so everyone may/);
    const guild = await using([], { discord: { guilds: { [GUILD]: {} } } });
    assert.match(
      await guild.use("add", { user: BEN }, inGuild),
      /keep out all others.*`barnacle config set 'channels\.discord\.guilds\.\d+\.users' '\["3\d+77"\]'`/,
    );
    assert.match(await guild.use("remove", { user: BEN }, inGuild), /all members may talk/);
    assert.match(
      await (await using()).use("add", { user: BEN, list: "server" }),
      /in the server itself/,
    );
  });

  it("[K4] changes nothing unless the config allows it", async () => {
    const off = await using([], { beside: {} });
    assert.match(await off.use("add", { user: BEN }), /`commands\.config`/);
    assert.match(await off.use("list"), /has no entries/, "it may always be shown");
    const closed = await using([], { discord: { configWrites: false } });
    assert.match(await closed.use("remove", { user: BEN }), /configWrites/);
    assert.deepEqual([off.list(), closed.list()], ["[]", "[]"]);
  });

  it("[SEC-R19] takes no forged id, and keeps an owner", async () => {
    const { use, list } = await using();
    for (const user of ["*", "ada", "0", "", "role:5", "`x`"]) {
      assert.match(await use("add", { user }), /no user/, user);
    }
    assert.match(
      await use("remove", { user: GRACE.id, list: "owners" }),
      /Another owner can remove/,
    );
    assert.equal(list(), "[]");
  });

  it("shows the list of direct messages to the owner alone", async () => {
    const { write, posted, dm } = await using([BEN], {
      discord: {
        dm: { policy: "pairing", allowFrom: [BEN], groupEnabled: true },
        guilds: { [GUILD]: { requireMention: false } },
      },
    });
    const said = async (text: string) => {
      await write(text, { author: GRACE });
      return posted().at(-1) ?? "";
    };
    assert.match(await said("/allowlist list dm"), /Discord's menu/);
    assert.match(await said(`/allowlist add <@${BEN}> dm`), /Discord's menu/);
    const group = { guild_id: undefined, member: undefined, channel_type: 3 };
    await write("/allowlist list", { author: GRACE, ...group });
    assert.equal(posted().length, 3);
    assert.match(posted().at(-1) ?? "", /Discord's menu/);
    await dm("/allowlist list", { author: GRACE });
    assert.match(posted().at(-1) ?? "", /has these people/);
  });
});

describe("[K2] /settings", () => {
  const two = { ids: ["b/large"], refused: () => [] };
  const using = async (
    given: object = {},
    keys: Record<string, string> = {},
    refusedThinking: string[] = [],
  ) => {
    const bot = await commandAccount({
      discord: {
        dm: { policy: "open", allowFrom: ["*"] },
        guilds: { [GUILD]: { requireMention: false } },
      },
      beside: WRITING,
      ...given,
    }, keys);
    const { account, store, slash, answer } = bot;
    const large = { ...account.settings.models.of("main"), id: "b/large" };
    Object.assign(account.settings.models.of("main"), {
      refusedThinking: new Set(refusedThinking),
    });
    Object.assign(account.settings, {
      choices: { ...two, of: (id: string) => id === "b/large" ? large : undefined },
    });
    const use = (words = "", as = GRACE) => {
      const [name, value] = words.split(" ");
      return slash("settings", { ...(name && { name }), ...(value && { value }) }, {
        as,
        in: "guild",
      });
    };
    return {
      ...bot,
      use,
      answer,
      chosen: (name: "send") => store.settings.known(ACCOUNT, CHANNEL, name),
    };
  };
  const manager = { member: { user: ADA, roles: [], permissions: String(1n << 13n) } };
  const asManager = { as: ADA, in: "guild", fields: manager } as const;

  it("lists each setting with its value; to a person who is no owner, without the owner's", async () => {
    const { slash, use, write, posted } = await using();
    const names = (text: string) => Array.from(text.matchAll(/^`([a-z-]+)`/gm), ([, name]) => name);
    const own = ["model", "think", "reasoning", "verbose", "queue"];
    const owners = ["activation", "send", "direct-messages", "default-model", "budget"];
    assert.deepEqual(names(await slash("settings", {}, asManager)), own);
    assert.deepEqual(names(await use()), [...own, ...owners]);
    await write("/settings", { author: GRACE });
    assert.deepEqual(names(posted().at(-1) ?? ""), own, "all people of the channel read it");
  });

  for (
    const [name, value, unset] of [
      ["think", "high", "default"],
      ["reasoning", "on", "off"],
      ["verbose", "on", "off"],
      ["queue", "steer", "default"],
      ["activation", "always", "default"],
      ["send", "off", "inherit"],
    ] as const
  ) {
    it(`${name} shows its value, chooses one, and goes back`, async () => {
      const { use } = await using();
      const is = (value: string, rest = "") =>
        new RegExp(`^\`${name}\` is \`${value}\` here${rest}`);
      assert.match(await use(name), is(unset, `\\. .*\`${value}\``));
      assert.match(await use(`${name} ${value.toUpperCase()}`), is(value, " from now on\\."));
      assert.match(await use(name), is(value));
      assert.match(
        await use(`${name} other`),
        new RegExp(`^\`${name}\` takes one of: .*\`${value}\``),
      );
      assert.match(await use(`${name} ${unset}`), is(unset, " from now on\\."));
      assert.match(await use(name), is(unset));
    });
  }

  it("counts in the threads of a channel, unless they have their own", async () => {
    const { use, account } = await using();
    const { chosenIn } = await import("../../../src/flows/judging/judge.ts");
    await use("send off");
    const place = {
      kind: "guild",
      guild: { id: GUILD, name: "" },
      channel: { id: CHANNEL, name: "" },
      thread: { id: "5", name: "" },
    };
    assert.deepEqual(chosenIn(account, { channelId: "5", place } as never), { isSilenced: true });
  });

  it("think says whether the server of the model takes the level", async () => {
    const { use, account } = await using();
    const refused = "The server of `test/model` has refused the level `off`, so it has no effect.";
    assert.match(await use("think off"), /If the server of `test\/model` refuses it/);
    Object.assign(account.settings.models.of("main"), { refusedThinking: new Set(["off"]) });
    assert.ok((await use("think")).endsWith(refused));
    assert.ok((await use("think off")).endsWith(refused));
  });

  it("activation refuses direct messages, which need no mention", async () => {
    const { slash } = await using();
    assert.match(
      await slash("settings", { name: "activation", value: "always" }),
      /in servers only/,
    );
  });

  it("model chooses one of the config for the next turns, and the config's again", async () => {
    const { use, account } = await using();
    const model = async () => /^`model` is `(.*?)`/.exec(await use("model"))?.[1];
    assert.match(await use("model B/Large"), /^`model` is `b\/large` here from now on/);
    assert.equal(await model(), "b/large");
    assert.match(await use("model c/x"), /takes one of: `test\/model`, `b\/large`, `default`$/);
    Object.assign(account.settings, { choices: undefined });
    assert.equal(await model(), "test/model", "the config no longer has it");
    await use("model default");
    assert.equal(await model(), "test/model");
  });

  it("[P10] gives an owner's settings to owners alone, also by a made-up menu", async () => {
    const { slash, choose, keys, chosen } = await using();
    for (
      const [name, value] of [["activation", "always"], ["send", "off"], ["budget", "5"], [
        "direct-messages",
        "open",
      ]] as const
    ) {
      assert.equal(
        await slash("settings", { name, value }, asManager),
        "You are not authorized to do that.",
      );
    }
    const { text } = await choose("settings:send", "off", asManager);
    assert.match(text, /not authorized/);
    assert.deepEqual([keys, chosen("send")], [{}, undefined]);
  });

  const model = "agents.defaults.model";
  const money = { "budgets.total": '{"moneyPerMonth":2}', "budgets.total.moneyPerMonth": "2" };
  const KEYS: readonly (readonly [string, Record<string, string>, string, string | undefined])[] = [
    ["direct-messages open", {}, "channels.discord.dm.policy", "open"],
    ["default-model b/large", {}, model, "b/large"],
    ["default-model b/large", { [model]: '{"primary":"a/b"}' }, `${model}.primary`, "b/large"],
    ["budget 5", {}, "budgets.total.tokensPerDay", "5"],
    ["budget none", money, "budgets.total.moneyPerMonth", undefined],
  ];
  for (const [words, before, path, value] of KEYS) {
    it(`[K4] ${words} writes ${path}, if the config may be changed`, async () => {
      const { use, keys } = await using({}, { ...before });
      assert.match(await use(words), /here from now on\./);
      assert.equal(keys[path], value);
      const closed = await using({ beside: {} }, { ...before });
      await closed.use(words);
      assert.deepEqual(closed.keys, before);
    });
  }

  it("asks an owner twice before their own direct messages go unanswered", async () => {
    const { answer, choose, keys } = await using();
    const given = { name: "direct-messages", value: "disabled" };
    const { text, menu } = await answer("settings", given, { as: GRACE });
    assert.match(text, /^Nothing has changed: I would not answer you here\. .* in a server/);
    assert.deepEqual(keys, {});
    const [sure] = menu?.options ?? [];
    await choose(menu?.custom_id ?? "", sure?.value ?? "", { as: GRACE });
    assert.deepEqual(keys, { "channels.discord.dm.policy": "disabled" });
    const inServer = await using();
    await inServer.use("direct-messages disabled anyway");
    assert.deepEqual(inServer.keys, keys);
  });

  it("[K4] says why the config file does not take a value", async () => {
    assert.match(
      await (await using()).use("budget wrong"),
      /^Nothing has changed: it is no number/,
    );
  });

  it("is two choices in menus: the setting, then its value", async () => {
    const { answer, choose, chosen } = await using();
    const { menu: all } = await answer("settings", {}, { in: "guild" });
    assert.ok(all?.options.some(({ label }) => label === "send: inherit"));
    const { menu: first } = await choose(all?.custom_id ?? "", "send", { in: "guild" });
    assert.equal(first?.placeholder, "send is inherit");
    assert.deepEqual(first?.options.map(({ value }) => value), ["on", "off", "inherit"]);
    const { menu } = await choose(first?.custom_id ?? "", "off", { in: "guild" });
    assert.equal(menu, undefined);
    assert.equal(chosen("send"), "off");
  });

  it("suggests the values of the setting that contain the typed text", async () => {
    const { suggestions } = await using();
    const found = await suggestions("settings", { name: "model", value: "lar" }, { in: "guild" });
    assert.deepEqual(found, [{ name: "b/large", value: "b/large" }]);
  });
});
