import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { discordOf, refusal } from "./import_support.ts";

const ID = "123456789012345678";
const TODAY = 'meta: { lastTouchedVersion: "2026.9.6" },';

async function guildOf(keys: string, around = "") {
  const { value, told } = await discordOf(`guilds: { "${ID}": { ${keys} } }`, around);
  return { guild: Object(value)["guilds"][ID], told };
}

describe("[C11] [P4] imported allow lists", () => {
  /** Entries that OpenClaw's seed matches, and entries that it does not. */
  const ENTRIES: readonly (readonly [written: string, ours: string | undefined])[] = [
    [`"${ID}"`, ID],
    [ID, ID], // a number would be rounded
    [`"<@${ID}>"`, `<@${ID}>`],
    [`"<@!${ID}>"`, `<@!${ID}>`],
    [`"discord:${ID}"`, `discord:${ID}`],
    [`"user:${ID}"`, `user:${ID}`],
    ['"pk:abcde"', "pk:abcde"],
    ['"steipete"', "steipete"],
    ['"ada#1234"', "ada#1234"],
    ['"*"', "*"],
    ['"discord:ada"', undefined],
    [`"user:<@${ID}>"`, undefined],
    [`"DISCORD:${ID}"`, undefined], // a name to OpenClaw
    ['"PK:abcde"', undefined],
    ['"telegram:5"', undefined],
    ['"@everyone"', undefined],
    [`"role:${ID}"`, undefined],
    ['"role:mods"', undefined],
    ['"accessGroup:team"', undefined],
    [`"channel:${ID}"`, undefined],
    ['""', undefined],
    ["true", undefined],
    ["null", undefined],
    ["{}", undefined],
  ];
  for (const [written, ours] of ENTRIES) {
    it(`${ours === undefined ? "leave behind" : "take over"} ${written}`, async () => {
      const { guild, told } = await guildOf(`users: ["1", ${written}]`);
      assert.deepEqual(guild.users, ours === undefined ? ["1"] : ["1", ours]);
      assert.equal(told.length, ours === undefined ? 1 : 0, told.join("\n"));
    });
  }

  const NARROWER: readonly (readonly [entry: string, why: RegExp])[] = [
    [`pk:${ID}`, /also matches the account with this id, .* write "123456789012345678"/],
    ["ada-1234", /compares slugs of names and tags, .* "ada-1234" may match fewer/],
    ["Ada Lovelace", /may match fewer users; write the id/],
    ["dev_ops", /"dev_ops" may match fewer users; write the id/], // OpenClaw's is dev.ops, too
  ];
  for (const [entry, why] of NARROWER) {
    it(`[P13] [P15] say that ${entry} lets in fewer here`, async () => {
      const { guild, told } = await guildOf(`users: ["${entry}"]`);
      assert.deepEqual(guild.users, [entry]);
      assert.equal(told.length, 1);
      assert.match(told.join("\n"), why);
    });
  }

  it("stay lists if no entry is left, and let no one in", async () => {
    const { guild, told } = await guildOf('users: ["discord:ada"]');
    assert.deepEqual(guild.users, []);
    assert.match(told.join("\n"), /No entry of this list could be imported, so it lets no one in/);
  });

  it("[P10] stay empty if they were, which lets in fewer users, with a note", async () => {
    const { guild, told } = await guildOf("users: [], channels: { help: { users: [] } }");
    assert.deepEqual(guild, { users: [], channels: { help: { users: [] } } });
    assert.equal(told.filter((line) => /Here, an empty list lets no one in/.test(line)).length, 2);
  });

  it("have no names of a file of today, because OpenClaw does not match them", async () => {
    const { guild, told } = await guildOf(`users: ["steipete", "${ID}"]`, TODAY);
    assert.deepEqual(guild.users, [ID]);
    assert.match(told.join("\n"), /matches names only if a setting allows it: "steipete"/);
  });

  it("have names of a file of today whose account allows them", async () => {
    const { value } = await discordOf(
      'accounts: { a: { token: "a", dangerouslyAllowNameMatching: true, dm: { allowFrom: ["ada"] } }, ' +
        'b: { token: "b", dm: { allowFrom: ["ada"] } } }',
      TODAY,
    );
    const { a, b } = Object(value)["accounts"];
    assert.deepEqual([a.dm.allowFrom, b.dm.allowFrom], [["ada"], []]);
  });

  for (
    const keys of [
      'dmPolicy: "pairing"',
      "streaming: {}",
      'accounts: { a: { token: "a", allowFrom: [] } }',
    ]
  ) {
    it(`recognize a file of today by ${keys}`, async () => {
      const { value } = await discordOf(`guilds: { g: { users: ["ada"] } }, ${keys}`);
      assert.deepEqual(Object(value)["guilds"].g.users, []);
    });
  }

  it("[P14] have today's roles beside users", async () => {
    const { guild } = await guildOf(`users: ["1"], roles: ["${ID}", 5, "role:6", "mods"]`);
    assert.deepEqual(guild, { users: ["1", `role:${ID}`, "role:5", "role:6"] });
  });

  it("[P14] let no one in if no role could be imported", async () => {
    assert.deepEqual((await guildOf('roles: ["mods"]')).guild, { users: [] });
  });
});

describe("[C11] [P7] imported guilds and channels", () => {
  it("match as in OpenClaw", async () => {
    const { value, told } = await discordOf(
      `guilds: { "*": {}, "${ID}": {}, "friends-of-x": {}, "Friends of X": {}, "日本語": {}, "": {} }`,
    );
    assert.deepEqual(Object.keys(Object(value)["guilds"]), [ID, "*", "friends-of-x"].toSorted());
    assert.match(told.join("\n"), /"Friends of X"|Friends of X: .*write "friends-of-x" or the id/);
    assert.equal(told.length, 3);
  });

  it("[P6] stay a list if no entry is left, because `open` would open every guild", async () => {
    const { value, told } = await discordOf(
      'groupPolicy: "open", guilds: { "My Server": { users: ["1"] } }',
    );
    assert.deepEqual(value, { groupPolicy: "allowlist", guilds: {} });
    assert.match(told.join("\n"), /No guild of the list could be imported/);
  });

  it('[P7] a listed channel inherits nothing from "*" that it does not have in OpenClaw', async () => {
    const { guild, told } = await guildOf(
      'users: ["1"], channels: { "*": { requireMention: false, users: ["*"], systemPrompt: "Hi" }, ' +
        "help: { enabled: true }, open: { requireMention: false, users: [] } }",
    );
    assert.deepEqual(guild.channels.help, {
      enabled: true,
      requireMention: true,
      users: ["1"],
      systemPrompt: "",
    });
    assert.deepEqual(guild.channels.open, { requireMention: false, users: [], systemPrompt: "" });
    assert.deepEqual(guild.channels["*"], {
      requireMention: false,
      users: ["*"],
      systemPrompt: "Hi",
    });
    assert.equal(
      told.filter((line) => line.includes("a listed channel inherits nothing")).length,
      4,
    );
  });

  it('[P7] a listed channel has what its guild says, where "*" says otherwise', async () => {
    const { guild } = await guildOf(
      'requireMention: false, channels: { "*": { requireMention: true }, help: {} }',
    );
    assert.deepEqual(guild.channels.help, { requireMention: false });
  });

  it("[P8] `{}` allows none, and a file of today gets a note", async () => {
    const { guild, told } = await guildOf("channels: {}", TODAY);
    assert.deepEqual(guild, { channels: {} });
    assert.match(told.join("\n"), /Here, \{\} allows no channel/);
  });

  it("leaves a channel behind that OpenClaw does not find", async () => {
    const { guild, told } = await guildOf('channels: { "#general": {}, "Off Topic": {} }');
    assert.deepEqual(guild, { channels: { "Off Topic": {} } });
    assert.match(told.join("\n"), /write "general"/);
  });

  it("[M1] requires a mention if OpenClaw ignores messages to others", async () => {
    const { guild, told } = await guildOf(
      "requireMention: false, channels: { a: {}, b: { requireMention: false, ignoreOtherMentions: true }, " +
        "c: { ignoreOtherMentions: true }, d: { requireMention: false } }",
    );
    assert.deepEqual(guild, {
      requireMention: false,
      channels: {
        a: {},
        b: { requireMention: true },
        c: { requireMention: true },
        d: { requireMention: false },
      },
    });
    assert.equal(told.length, 2);
    const whole = await guildOf(
      "ignoreOtherMentions: true, requireMention: false, channels: { a: {}, b: { requireMention: false } }",
    );
    assert.deepEqual(whole.guild, {
      requireMention: true,
      channels: { a: {}, b: { requireMention: true } },
    });
  });

  /** `refused`: dropping the key could give its sender more tools. */
  const SENDERS: readonly (readonly [
    era: string,
    key: string,
    lists: object,
    expected: string | "left" | "refused",
  ])[] = [
    ["", "username:ada", { deny: ["exec"] }, "ada"],
    ["", "username:a.b", {}, "a.b"],
    ["", "ada", { deny: ["*"] }, "ada"],
    ["", "Ada", { alsoAllow: ["exec"] }, "Ada"],
    ["", "ada#1234", { allow: ["exec"] }, "ada#1234"],
    ["", "@carl", { deny: ["exec"] }, "carl"],
    ["", `<@${ID}>`, { deny: ["exec"] }, ID],
    ["", "Ada Lovelace", { deny: ["*"] }, "refused"],
    ["", "Ada Lovelace", { alsoAllow: ["exec"] }, "refused"],
    ["", "name:ada", { deny: ["*"] }, "refused"],
    ["", "e164:1", { deny: ["*"] }, "left"],
    [TODAY, "ada", { deny: ["*"] }, "ada"],
    [TODAY, "ada", { alsoAllow: ["exec"] }, "left"], // it matched no one
    [TODAY, "Ada Lovelace", { deny: ["*"] }, "left"],
    [TODAY, "username:ada", { alsoAllow: ["exec"] }, "ada"],
    [TODAY, "name:ada", { deny: ["*"] }, "refused"],
  ];
  for (const [era, key, lists, expected] of SENDERS) {
    const written = `toolsBySender: { "${key}": ${JSON.stringify(lists)} }`;
    it(`[T2] of ${written}${era && " today"}: ${expected}`, async () => {
      if (expected === "refused") {
        const text = `{ ${era} channels: { discord: { guilds: { "${ID}": { ${written} } } } } }`;
        assert.match((await refusal(text)).join("\n"), /no display name; write the id/);
        return;
      }
      const { guild, told } = await guildOf(written, era);
      assert.deepEqual(guild.toolsBySender, expected === "left" ? {} : { [expected]: lists });
      const isNoted = key.replace("@", "") === expected || expected === "left";
      assert.equal(told.length, isNoted ? 1 : 0);
    });
  }

  it("[T2] imports tools by sender if the sender is an id, and our names of a guild's tools", async () => {
    const { guild, told } = await guildOf(
      `tools: { allow: [], deny: ["bash"] },
       toolsBySender: { "*": { deny: ["exec"] }, "id:${ID}": { alsoAllow: ["exec"] } }`,
    );
    assert.deepEqual(guild, {
      tools: { deny: ["exec"] },
      toolsBySender: { "*": { deny: ["exec"] }, [ID]: { alsoAllow: ["exec"] } },
    });
    assert.match(told.join("\n"), /reads an empty list as no limit/);
    assert.match(told.join("\n"), /Barnacle calls this tool "exec"/);
  });
});
