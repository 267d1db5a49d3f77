import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Step } from "../../../src/core/step.ts";
import { ADA, commandAccount } from "../../support/bot/commands.ts";
import { CHANNEL, GUILD } from "../../support/discord/payloads.ts";

const OPEN = {
  dm: { policy: "open", allowFrom: ["*"] },
  guilds: { [GUILD]: { requireMention: true } },
};
const open = () => commandAccount({ discord: OPEN });
const MESSAGE = { id: "1400000000000000009", content: "high at noon", author: ADA };
const inGuild = { as: ADA, in: "guild" } as const;

describe("[K2] [P1] /why", () => {
  const ignored = async () => {
    const bot = await open();
    await bot.write("no mention");
    await bot.pass(60_000);
    const [row] = bot.rows("SELECT message_id AS id FROM decision");
    const message = String(row?.["id"]);
    const why = (more = {}, text = message) =>
      bot.slash("why", { message: text }, { ...inGuild, ...more });
    return { ...bot, why, message };
  };

  it("explains a message of the asker's in that channel, by its id, link or menu", async () => {
    const { why, message, menu } = await ignored();
    const text = await why();
    assert.match(
      text,
      /^\*\*ignore\*\*: It does not mention the bot.* \(`channels\.discord\.guilds\.\d+\.requireMention`\)$/,
    );
    const link = `https://discord.com/channels/1/2/${message}`;
    for (const written of [link, `${link}/`]) assert.equal(await why({}, written), text);
    assert.equal(await menu("Why no answer?", { ...MESSAGE, id: message }, inGuild), text);
  });

  it("tells nothing about a message of another person or place, but all to an owner", async () => {
    const { why } = await ignored();
    const bob = { ...ADA, id: "1900000000000000002" };
    assert.match(await why({ as: bob }), /^I have no record/);
    assert.match(
      await why({ fields: { channel_id: "5", channel: { id: "5", type: 0 } } }),
      /^I have no record/,
    );
    assert.match(await why({ as: undefined }), /^\*\*ignore/);
  });

  it("[R15a] tells of the turn and its receipts", async () => {
    const { dm, slash, rows, store } = await open();
    await dm("hello");
    const [row] = rows("SELECT message_id AS id FROM inbox");
    const given = { action: "channelDelete", channelId: CHANNEL };
    const call = { id: "a", name: "discord", arguments: JSON.stringify(given) };
    const steps: readonly Step[] = [
      { kind: "answer", text: "", calls: [call], at: 1 },
      { kind: "result", callId: "a", end: "done", text: "Deleted.", at: 2 },
    ];
    Object.assign(store.turns, { stepsOf: () => Promise.resolve(steps) });
    const text = await slash("why", { message: String(row?.["id"]) }, { as: ADA });
    assert.match(text, /\nTurn: answered\nReceipts: .*channel deleted/);
  });

  it("asks for a message if there is none", async () => {
    const { slash } = await open();
    assert.match(await slash("why"), /^Give the link/);
    assert.match(await slash("why", { message: "why not?" }), /^Give the link/);
  });
});
