import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ADA, commandAccount } from "../../support/bot/commands.ts";
import type { Given } from "../../support/bot/test_account.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { CHANNEL, GUILD } from "../../support/discord/payloads.ts";

const OPEN = {
  dm: { policy: "open", allowFrom: ["*"] },
  guilds: { [GUILD]: { requireMention: false } },
};
const open = (given: Given = {}) => commandAccount({ discord: OPEN, ...given });
const BOB = { ...ADA, id: "1900000000000000002", username: "bob" };
const inGuild = { as: ADA, in: "guild" } as const;

/** An account that has set the topic of a channel twice for Ada, in two turns. */
async function changed() {
  const texts: string[] = [];
  const bot = await open({
    answer({ method, path, body }) {
      const channel = {
        id: CHANNEL,
        type: 0,
        name: "help",
        guild_id: GUILD,
        topic: "new",
        permission_overwrites: [],
      };
      if (path === `/channels/${CHANNEL}` && method === "PATCH") texts.push(String(body["topic"]));
      if (path === `/channels/${CHANNEL}`) return channel;
      const roles = [{ id: GUILD, name: "@everyone", permissions: "0", position: 0 }];
      if (path === `/guilds/${GUILD}`) {
        return { id: GUILD, name: "Friends", owner_id: ADA.id, roles };
      }
      if (path === `/guilds/${GUILD}/channels`) return [channel];
      if (path === `/guilds/${GUILD}/roles`) return roles;
      const [, id] = new RegExp(`^/guilds/${GUILD}/members/(\\d+)$`).exec(path) ?? [];
      return id && { user: { id }, roles: [] };
    },
  });
  const { changes } = bot.store;
  const turns = ["1456074443980800001", "1456074443980800002"];
  for (const [at, turn] of turns.entries()) {
    await changes.begin(
      {
        accountId: ACCOUNT,
        turnId: turn,
        callKey: `call ${at}`,
        guildId: GUILD,
        channelId: CHANNEL,
        askerId: ADA.id,
        action: "edit_channel",
        what: `topic ${at}`,
        undo: {
          does: "sets it back",
          needs: [],
          requests: [{
            method: "PATCH",
            path: `/channels/${CHANNEL}`,
            body: { topic: `old ${at}` },
          }],
        },
      } as never,
      9,
      bot.clock.now(),
    );
  }
  return { ...bot, texts, turns };
}

describe("[K2] [T3] /undo and its button", () => {
  it("take back one's own newest change once, or an owner's choice", async () => {
    const { slash, texts } = await changed();
    assert.match(await slash("undo", {}, { ...inGuild, as: BOB }), /^I could not undo that: /);
    assert.deepEqual(texts, []);
    assert.match(await slash("undo", { id: 1 }, { in: "guild" }), /^Undone: topic 0/);
    assert.equal(await slash("undo", {}, inGuild), "Undone: topic 1. This sets it back.");
    assert.match(await slash("undo", {}, inGuild), /^I could not undo that: /);
    assert.deepEqual(texts, ["old 0", "old 1"]);
  });

  it("take back all changes of the button's turn, and tell each result in place of the reply", async () => {
    const { press, texts, turns, lines } = await changed();
    assert.deepEqual(await press(`undo:${turns[0]}`, inGuild), [
      "Taking that back …",
      "Undone: topic 0. This sets it back.",
    ]);
    assert.deepEqual(texts, ["old 0"]);
    assert.match(
      (await press(`undo:${turns[0]}`, inGuild)).join(),
      /nothing of that answer can be taken/,
    );
    assert.ok(lines.some(({ fields }) => fields.undone === 1));
  });

  it("begin before Discord takes an answer, and answer again if it took none", async () => {
    const { account, press, texts, turns } = await changed();
    const { request } = account.rest;
    let isFirst = true;
    Object.assign(account.rest, {
      request(...of: Parameters<typeof request>) {
        if (!of[1].startsWith("/webhooks/") || !isFirst) return request(...of);
        isFirst = false;
        return new Promise(() => {});
      },
    });
    await press(`undo:${turns[1]}`, inGuild);
    assert.deepEqual(texts, ["old 1"]);
  });
});
