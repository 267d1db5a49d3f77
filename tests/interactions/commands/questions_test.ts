import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { snowflakeAt } from "../../../src/core/discord/ids.ts";
import type { Model } from "../../../src/core/model.ts";
import { refuseAnswer } from "../../../src/flows/inbound/interactions.ts";
import { ADA, commandAccount } from "../../support/bot/commands.ts";
import type { Given } from "../../support/bot/test_account.ts";
import { userId } from "../../support/discord/builders.ts";
import { CHANNEL, GUILD } from "../../support/discord/payloads.ts";

const OPEN = {
  dm: { policy: "open", allowFrom: ["*"] },
  guilds: { [GUILD]: { requireMention: true } },
};
const open = (given: Given = {}) => commandAccount({ discord: OPEN, ...given });
const MESSAGE = { id: "1400000000000000009", content: "high at noon", author: ADA };
const inGuild = { as: ADA, in: "guild" } as const;
const ASK = "Ask Barnacle";
const inboxOf = ({ rows }: Awaited<ReturnType<typeof open>>) =>
  rows("SELECT message_id, message FROM inbox").map(({ message_id, message }) => ({
    id: String(message_id),
    message: JSON.parse(String(message)),
  }));

describe("[K6] questions by the menu of a message", () => {
  it("are messages of the asker with the id of the interaction, asked once", async () => {
    const bot = await open();
    const fields = { id: snowflakeAt(bot.clock.now(), 9) };
    for (let n = 0; n < 2; n++) {
      assert.match(
        await bot.menu(ASK, MESSAGE, { ...inGuild, fields }),
        /^I'm on it\. .*in this channel/,
      );
    }
    const [{ id, message } = { id: "", message: undefined }, ...more] = inboxOf(bot);
    assert.deepEqual([id, more], [fields.id, []]);
    assert.deepEqual([message.sender.id, message.quoted.id, message.origin], [
      ADA.id,
      MESSAGE.id,
      { kind: "command" },
    ]);
    assert.match(
      bot.asked.join(),
      /Answer the quoted message.*high at noon|high at noon.*Answer the quoted/s,
    );
    assert.deepEqual(bot.posted(), ["fine"]);
  });

  for (const name of ["Summarise from here", "Remind me"]) {
    it(`work by “${name}”`, async () => {
      const { menu, posted } = await open();
      assert.match(await menu(name, MESSAGE, inGuild), /^I'm on it/);
      assert.deepEqual(posted(), ["fine"]);
    });
  }

  it("store nothing if the policy does not permit it", async () => {
    const bot = await open();
    await bot.slash("settings", { name: "send", value: "off" }, { in: "guild" }); // but commands
    assert.equal(await bot.menu(ASK, MESSAGE, inGuild), "You are not authorized to do that.");
    assert.deepEqual(inboxOf(bot), []);
  });

  it("[X4] are refused if too many messages wait", async () => {
    const queue = { perUser: 1, perChannel: 1 };
    const bot = await open({ beside: { messages: { queue } }, says: () => new Promise(() => {}) });
    const told: string[] = [];
    for (let n = 0; n < 4; n++) told.push(await bot.menu(ASK, MESSAGE, inGuild));
    assert.match(told.at(-1) ?? "", /^Too many messages are waiting/);
  });

  it("store nothing if Discord has refused the interaction's first answer", async () => {
    const bot = await open();
    const id = snowflakeAt(bot.clock.now(), 9);
    refuseAnswer(bot.account, id);
    assert.match(await bot.menu(ASK, MESSAGE, { ...inGuild, fields: { id } }), /may not write/);
    assert.deepEqual(inboxOf(bot), []);
  });

  it("of a user install are answered in the direct channel, as a paired person there", async () => {
    const bot = await open({
      discord: { dm: { policy: "pairing" } },
      answer: ({ path }) => path === "/users/@me/channels" ? { id: "77" } : undefined,
    });
    Object.assign(bot.store.pairing, { isPaired: () => Promise.resolve(true) });
    const fields = {
      authorizing_integration_owners: { "1": ADA.id },
      ...{ guild_id: undefined, member: undefined, user: ADA, context: 2 },
      channel: { id: CHANNEL, type: 3 },
    };
    assert.match(await bot.menu(ASK, MESSAGE, { as: ADA, fields }), /in our direct messages/);
    assert.equal(inboxOf(bot)[0]?.message.channelId, "77");
  });
});

describe("[K2] [T7] /skill", () => {
  const skilled = async (given: Given = {}) => {
    const bot = await open(given);
    const skills = [{ name: "Tides", description: "Reads tide tables" }];
    const of = () => ({ skills: { now: () => ({ skills }) } });
    Object.assign(bot.account.bot, { toolServices: { ...bot.account.bot.toolServices, of } });
    return bot;
  };

  it("[S1] starts a turn with the skill, also as a message, and a slash command has its own session", async () => {
    const bot = await skilled();
    const { slash, asked, dm, posted } = bot;
    assert.match(
      await slash("skill", { name: "tides", input: "for Brest" }, inGuild),
      /^I'm on it/,
    );
    assert.match(asked.join(), /Use the skill \\"Tides\\": for Brest/);
    await dm("/skill tides");
    assert.equal(posted().filter((text) => text === "fine").length, 2);
    const [, command, question] = inboxOf(bot).map(({ id }) => BigInt(id)).sort();
    assert.ok(command && question);
    assert.deepEqual(
      bot.rows("SELECT session_key AS key FROM inbox WHERE session_key LIKE '%:slash:%'"),
      [{ key: `agent:main:discord:slash:${ADA.id}:${CHANNEL}` }], // a text command has its conversation's
    );
  });

  it("[S1] [T4] shows in no place what it was told in another, and is forgotten with its person", async () => {
    const requests: string[] = [];
    const model: Model = {
      id: "test/model",
      async *generate({ messages }) {
        requests.push(JSON.stringify(messages));
        yield { kind: "text", text: "told" };
        yield { kind: "finish", reason: "stop" };
      },
    };
    const bot = await skilled({ model });
    const ask = (input: string, use: object) => bot.slash("skill", { name: "tides", input }, use);
    const direct = { channel_id: "77", channel: { id: "77", type: 1 } };
    await ask("private words", { as: ADA, fields: direct });
    await ask("words of a channel", inGuild);
    const other = "1700000000000000009";
    const channel = { id: other, type: 0 };
    await ask("here", { ...inGuild, fields: { channel_id: other, channel } });
    assert.equal(requests.length, 3);
    assert.doesNotMatch(requests[1] ?? "", /private words/);
    assert.doesNotMatch(requests[2] ?? "", /private words|words of a channel/);
    await ask("again", inGuild);
    assert.match(requests[3] ?? "", /words of a channel/);

    for (const { key } of bot.rows("SELECT DISTINCT session_key AS key FROM entry")) {
      await bot.store.sessions.reset(String(key), "daily", bot.clock.now());
    }
    await bot.store.forgetting.forget(userId(ADA.id), false);
    for (const { name } of bot.rows("SELECT name FROM pragma_table_list WHERE schema = 'main'")) {
      const rows = JSON.stringify(bot.rows(`SELECT * FROM "${name}"`));
      assert.ok(!rows.includes(ADA.id), `${name} has the id`);
    }
  });

  it("names the skills if there is none of that name, and suggests them", async () => {
    const bot = await skilled();
    assert.match(await bot.slash("skill", { name: "x" }, inGuild), /My skills: `Tides`$/);
    assert.deepEqual(inboxOf(bot), []);
    assert.deepEqual(await bot.suggestions("skill", { name: "tab" }, inGuild), [
      { name: "Tides: Reads tide tables", value: "Tides" },
    ]);
  });
});
