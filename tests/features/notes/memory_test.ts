import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import type { MessageId } from "../../../src/core/discord/ids.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { MAX_NOTES } from "../../../src/features/notes/store.ts";
import { memory } from "../../../src/features/notes/tool.ts";
import {
  channelId,
  directMessage,
  guildId,
  guildMessage,
  guildPlace,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import type { Answer } from "../../support/discord/answers.ts";
import { channels, discordWith, GUILD, STAFF } from "../../support/discord/guild.ts";
import { toolContext } from "../../support/model/tools.ts";
import { batch } from "../../support/store/store.ts";

const GRACE = sender({ id: userId("222222222222222222"), username: "grace" });
const OTHER_GUILD = guildPlace({ guild: { id: guildId("1400000000000000099"), name: "Other" } });

/** Turns in which notes are saved and searched. */
const TURNS: Readonly<Record<string, InboundMessage>> = {
  "ada in #help": guildMessage(),
  "ada in #ops": guildMessage({ channelId: channelId("1400000000000000012") }),
  "ada in #adult": guildMessage({
    channelId: channelId("1400000000000000013"),
    place: guildPlace({ isAgeRestricted: true }),
  }),
  "grace in #help": guildMessage({ sender: GRACE }),
  "ada elsewhere": guildMessage({
    place: OTHER_GUILD,
    channelId: channelId("1400000000000000098"),
  }),
  "ada in DM": directMessage(),
  "grace in DM": directMessage({ sender: GRACE, channelId: channelId("1400000000000000003") }),
};

const OPS = { ...channels[0], id: "1400000000000000012", name: "ops" };
const ADULT = { ...channels[0], id: "1400000000000000013", name: "adult", nsfw: true };
const known = discordWith({});
const answer: Answer = (request) => {
  if (request.path === `/guilds/${GUILD}/channels`) return [...channels, OPS, ADULT];
  const more = [OPS, ADULT].find(({ id }) => request.path === `/channels/${id}`);
  return more ? { ...more, guild_id: GUILD } : known(request);
};

async function build({ owners = [] as readonly string[] } = {}) {
  const ids: Readonly<Record<string, string>> = { ada: sender().id, grace: GRACE.id };
  const { account, store, rows, database, clock } = await testAccount({
    discord: { guilds: { [GUILD]: {} } },
    beside: { commands: { ownerAllowFrom: owners.map((name) => `discord:${ids[name]}`) } },
    answer,
  });
  let calls = 0;
  const run = (written: unknown, message = guildMessage(), callKey = `call ${calls++}`) => {
    clock.advance(1);
    return memory.run(memory.input.parse(written), toolContext({ account, message, callKey }));
  };
  const save = (fields: object = {}, message?: InboundMessage) =>
    run({ action: "save", text: "tea at five", ...fields }, message);
  const search = async (query = "", message?: InboundMessage) => {
    const found = await run({ action: "search", query }, message);
    return found === "No notes found."
      ? []
      : found.split("\n").map((line) => String(JSON.parse(line).text));
  };
  return { store, rows, database, run, save, search };
}

describe("[T14] memory", () => {
  it("finds notes by words in any case, with any accents and endings, the best first", async () => {
    const { save, search } = await build();
    await save({ text: "The café opens at nine" });
    await save({ text: "Tea and cafés: cafe, cafe" });
    await save({ text: "Nothing of the kind" });
    assert.deepEqual(await search("CAFÉ?"), [
      "Tea and cafés: cafe, cafe",
      "The café opens at nine",
    ]);
    assert.deepEqual(await search("moon"), []);
    assert.equal((await search()).length, 3);
  });

  it('takes a query as words: "NEAR(", quotes and columns are no syntax', async () => {
    const { save, search } = await build();
    await save();
    for (const query of ['"', 'text:"x" NEAR(', "tea* AND NOT (", "-tea", "*", "tea OR"]) {
      await search(query);
    }
    assert.deepEqual(await search("tea OR NOT"), ["tea at five"]);
  });

  it("saves a repeated call once", async () => {
    const { run, rows } = await build();
    for (let twice = 0; twice < 2; twice++) {
      await run({ action: "save", text: "tea" }, guildMessage(), "1:a");
    }
    assert.equal(rows("SELECT id FROM note").length, 1);
  });

  it("changes and deletes a note", async () => {
    const { run, save, search } = await build();
    await save();
    await run({ action: "update", id: 1, text: "tea at six" });
    assert.deepEqual(await search("five"), []);
    assert.deepEqual(await search("six"), ["tea at six"]);
    await run({ action: "delete", id: 1 });
    assert.deepEqual(await search(), []);
    await run({ action: "delete", id: 1 });
    await assert.rejects(run({ action: "update", id: 1, text: "x" }), /no note 1 here/);
  });

  it("lets only the author and owners change a channel's note", async () => {
    const grace = guildMessage({ sender: GRACE });
    const { run, save } = await build();
    await save({ scope: "channel" });
    await assert.rejects(run({ action: "delete", id: 1 }, grace), /only its author or an owner/);
    const owned = await build({ owners: ["grace"] });
    await owned.save({ scope: "channel" });
    await owned.run({ action: "delete", id: 1 }, grace);
    assert.deepEqual(await owned.search(), []);
  });

  it(`keeps ${MAX_NOTES} notes of a scope, and refuses more`, async () => {
    const { store, save } = await build();
    await save();
    const [first] = await store.notes.all();
    assert.ok(first);
    for (let number = 1; number < MAX_NOTES; number++) {
      await store.notes.save(
        { ...first, agentId: "main", callKey: `n${number}`, isOwnWords: true },
        1,
      );
    }
    await assert.rejects(save(), /has 200 notes already/);
    await save({ scope: "channel" });
  });

  it("[SEC-R10] keeps no secret", async () => {
    const { run, save, rows } = await build();
    await save({ text: "it is hunter2" });
    await run({ action: "update", id: 1, text: "still hunter2" });
    assert.deepEqual(rows("SELECT text FROM note"), [{ text: "still [redacted]" }]);
  });

  it("[T5] takes no identity", () => {
    const input = { action: "search", user: "1" };
    assert.equal(memory.input.safeParse(input).success, false);
  });
});

describe("[SEC-R4] [H9] notes", () => {
  const everyTurn = Object.keys(TURNS);
  const cases: readonly [scope: string, saved: string, seen: readonly string[]][] = [
    ["member", "ada in #help", ["ada in #help", "ada in #ops", "ada in #adult"]],
    ["member", "ada in #adult", ["ada in #adult"]],
    ["member", "ada in DM", ["ada in DM"]],
    ["channel", "ada in #help", ["ada in #help", "grace in #help"]],
    ["channel", "ada in DM", ["ada in DM"]],
    ["guild", "ada in #help", ["ada in #help", "ada in #ops", "ada in #adult", "grace in #help"]],
    ["guild", "ada in #adult", ["ada in #adult"]],
    ["agent", "ada in DM", ["ada in DM"]],
  ];
  for (const [scope, saved, seen] of cases) {
    it(`of the ${scope} by ${saved} are seen by ${seen.join(", ")} alone`, async () => {
      const { save, search, run } = await build({ owners: ["ada"] });
      await save({ scope }, TURNS[saved]);
      for (const turn of everyTurn) {
        const isSeen = seen.includes(turn);
        assert.equal((await search("tea", TURNS[turn])).length, isSeen ? 1 : 0, turn);
        assert.equal((await search("", TURNS[turn])).length, isSeen ? 1 : 0, turn);
        if (isSeen) continue;
        const update = { action: "update", id: 1, text: "changed" };
        await assert.rejects(run(update, TURNS[turn]), /no note 1 here/);
        await run({ action: "delete", id: 1 }, TURNS[turn]);
      }
      assert.deepEqual(await search("", TURNS[saved]), ["tea at five"]);
    });
  }

  for (const scope of ["member", "guild"]) {
    it(`of the ${scope} are shown only to readers of their channel`, async () => {
      const { run, save, search } = await build({ owners: ["ada"] });
      const [staff, help] = [guildMessage({ channelId: STAFF }), guildMessage()];
      const open = (number: number) => ({ scope, text: `tea ${number}` });
      for (let number = 0; number < 12; number++) await save({ scope, text: "codeword" }, staff);
      for (let number = 0; number < 12; number++) await save(open(number), help);
      for (const query of ["", "codeword", "tea"]) {
        const found = await search(query, help);
        assert.doesNotMatch(found.join(), /codeword/);
        if (query !== "codeword") assert.equal(found.length, 10, "hidden notes take no place");
      }
      assert.match((await search("codeword", staff)).join(), /codeword/);
      // Else a note of an open channel would have words of this one.
      await assert.rejects(
        run({ action: "update", id: 20, text: "codeword" }, staff),
        /note 20 is of another channel/,
      );
      await run({ action: "delete", id: 20 }, staff);
    });
  }

  it("of the guild and the agent are saved by owners only", async () => {
    const { save } = await build();
    await assert.rejects(save({ scope: "guild" }), /only an owner/);
    await assert.rejects(save({ scope: "agent" }, directMessage()), /only an owner/);
    await assert.rejects(save({ scope: "guild" }, directMessage()), /no server here/);
    const owned = await build({ owners: ["ada"] });
    await assert.rejects(owned.save({ scope: "agent" }), /direct messages/);
    assert.match(await owned.save({ scope: "guild" }), /may not all read this channel/);
  });
});

describe("[T14] notes of deleted messages", () => {
  it("deletes the notes of a deleted message, and leaves no word of them", async () => {
    const { store, save, search, rows, database } = await build();
    const remove = (...messageIds: readonly MessageId[]) =>
      store.inbox.acceptBatch(
        batch({ changes: [{ kind: "deleted", channelId: channelId("11"), messageIds }] }),
        0,
      );
    const other = messageId("1400000000000000777");
    await save({ text: "xylophone", sources: [other] });
    await save({ text: "tea" });
    const words = () =>
      database.prepare("SELECT HEX(block) AS block FROM note_words_data").all()
        .map(({ block }) => Buffer.from(String(block), "hex").toString("latin1")).join("\n");
    assert.match(words(), /xylophone/);
    await remove(messageId("1400000000000000778"));
    assert.equal((await search()).length, 2);
    await remove(other);
    assert.deepEqual(await search(), ["tea"]);
    assert.deepEqual(rows("SELECT note_row FROM note_source WHERE note_row = 1"), []);
    assert.doesNotMatch(words(), /xylophone/);
    await remove(guildMessage().id); // the asker's own
    assert.deepEqual(await search(), []);
  });

  const ask = "remember my birthday, Grace, is the 3 May";
  for (
    const [text, isOwnWords] of [
      ["My birthday is the 3 May.", true],
      ["ada: birthday 3 MAY", true],
      ["the code is 1234", false],
      ["birthday is 4 May", false],
    ] as const
  ) {
    it(`[H6a] knows whether a note has only the asker's words › ${text}`, async () => {
      const { save, rows } = await build();
      await save({ text }, guildMessage({ text: ask }));
      assert.deepEqual(rows("SELECT is_own_words FROM note"), [{ is_own_words: +isOwnWords }]);
    });
  }

  it("refuses sources that are no ids", async () => {
    await assert.rejects((await build()).save({ sources: ["x"] }), /must be ids of messages/);
  });
});
