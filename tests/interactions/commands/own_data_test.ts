import assert from "node:assert/strict";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { runBeside } from "../../support/bot/test_account.ts";
import { describe, it } from "node:test";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
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
    assert.equal(await slash("undo", {}, inGuild), "Undone: topic 1. This sets it back.");
    assert.match(await slash("undo", { id: 1 }, { in: "guild" }), /^Undone: topic 0/);
    assert.match(await slash("undo", {}, inGuild), /^I could not undo that: /);
    assert.deepEqual(texts, ["old 1", "old 0"]);
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

describe("[T14] /memory", () => {
  const noted = async (...texts: string[]) => {
    const bot = await open();
    for (const text of texts.length > 0 ? texts : ["tea at *five*", "no sugar"]) {
      await bot.store.notes.save({
        ...{ agentId: "main", scope: "member", scopeKey: "member:x", space: `guild:${GUILD}` },
        channelId: CHANNEL,
        authorId: parseSnowflake<"user">(ADA.id) ?? assert.fail(),
        ...{ text, sources: [], callKey: text, isOwnWords: true },
      }, 1);
    }
    const use = (values = {}, as = ADA) => bot.slash("memory", values, { as, in: "guild" });
    return { ...bot, use };
  };

  it("lists one's own notes, without their Markdown, the newest first; in private, all", async () => {
    const { use, slash } = await noted();
    const all = "**2** (member) no sugar\n**1** (member) tea at \\*five\\*";
    assert.equal(await use(), all);
    assert.equal(await slash("memory", {}, { as: ADA }), all);
    assert.match(await use({}, BOB), /no notes/);
  });

  it("keeps the list within a message, and shows one whole", async () => {
    const { use } = await noted(...Array.from({ length: 20 }, (_, n) => `${n}${"*".repeat(900)}`));
    assert.ok((await use()).length <= 2_000);
    const { length } = await use({ show: 1 });
    assert.ok(length <= 2_000 && length > 1_800);
  });

  it("edits and deletes one's own notes, and none of another person", async () => {
    const { use, store: { notes } } = await noted();
    for (const values of [{ show: 1 }, { edit: 1, text: "x" }, { delete: 1 }]) {
      assert.match(await use(values, BOB), /no note 1 here/);
    }
    assert.match(await use({ edit: 1 }), /give its new `text`/);
    assert.match(await use({ edit: 1, text: "it is hunter2" }), /1 is changed/);
    assert.doesNotMatch((await notes.find(1))?.text ?? "", /hunter2/);
    assert.match(await use({ delete: 1 }), /1 is deleted/);
    assert.match(await use({ delete: 1 }), /no note 1 here/);
  });
});

describe("[X5] /forget", () => {
  const forgetting = async (given: Given = {}) => {
    const bot = await open(given);
    const files: string[] = [];
    const told: unknown[] = [];
    Object.assign(bot.account.bot, {
      media: { folder: { forget: (id: string) => Promise.resolve(files.push(id)) } },
    });
    const changedByCommand = (...of: unknown[]) => void told.push(of);
    runBeside(bot.account, toAccountId("b"), { changedByCommand });
    const names = () =>
      bot.rows("SELECT DISTINCT message ->> '$.sender.username' AS name FROM inbox");
    return { ...bot, files, told, names };
  };

  it("deletes the asker's rows and files, and tells all accounts", async () => {
    const { dm, slash, names, files, told } = await forgetting();
    await dm("hello");
    assert.deepEqual(names(), [{ name: "ada" }]);
    assert.match(await slash("forget", { who: "me" }, { as: ADA }), /^I have deleted/);
    assert.deepEqual([names(), files, told], [[], [ADA.id], [["forgetting", ADA.id]]]);
  });

  it("waits for open turns, and for the choice of “me”", async () => {
    const { dm, slash, files } = await forgetting({ says: () => new Promise(() => {}) });
    await dm("hello");
    assert.match(await slash("forget", { who: "me" }, { as: ADA }), /^I am still working/);
    assert.match(await slash("forget", { who: "you" }, { as: ADA }), /^Nothing is deleted/);
    assert.deepEqual(files, []);
  });

  it("[P10] forgets another person for an owner alone, who is offered names", async () => {
    const { dm, slash, files, suggestions } = await forgetting();
    await dm("hello");
    assert.deepEqual(await suggestions("forget", { who: "" }, { as: BOB }), [{
      name: "me",
      value: "me",
    }]);
    const [, known] = await suggestions("forget", { who: "" }) ?? [];
    assert.equal(known?.value, ADA.id);
    assert.equal(
      await slash("forget", { who: ADA.id }, { as: BOB }),
      "You are not authorized to do that.",
    );
    assert.deepEqual(files, []);
    assert.match(await slash("forget", { who: ADA.id }), /of <@19\d+>\.$/);
    assert.deepEqual(files, [ADA.id]);
  });
});
