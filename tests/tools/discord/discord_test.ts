import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { GATES, openGates } from "../../../src/core/tool_names.ts";
import type { ShownMessage } from "../../../src/core/turn/discord_place.ts";
import type { Discord } from "../../../src/tools/discord/actions/action.ts";
import { argumentsFor, repliesElsewhere } from "../../../src/tools/discord/call_effects.ts";
import { ACTIONS, discord } from "../../../src/tools/discord/discord.ts";
import { TOOLS } from "../../../src/tools/registry.ts";
import { channelId, messageId, userId } from "../../support/discord/builders.ts";
import { toolContext } from "../../support/model/tools.ts";

const OPENCLAW = (
  "react reactions emojiList sticker emojiUpload stickerUpload poll permissions fetchMessage " +
  "readMessages sendMessage editMessage deleteMessage threadCreate threadList threadReply " +
  "pinMessage unpinMessage listPins searchMessages memberInfo roleInfo roleAdd roleRemove " +
  "channelInfo channelList channelCreate channelEdit channelDelete channelMove categoryCreate " +
  "categoryEdit categoryDelete channelPermissionSet channelPermissionRemove voiceStatus " +
  "eventList eventCreate timeout kick ban setPresence"
).split(" ");

const CHANNEL = channelId("1390000000000000011");
const MESSAGE = messageId("1390000000000000007");
const SHOWN: ShownMessage = {
  id: MESSAGE,
  from: "ada",
  fromId: userId("1"),
  text: "hi",
  timestamp: "2026-01-01T00:00:00.000000+00:00",
  timestampMs: Date.UTC(2026, 0, 1),
};

/** Runs an action, and returns its result with the port's calls. */
async function run(args: object, own: Partial<Discord> = {}, tool = discord) {
  const calls: unknown[][] = [];
  const record = <Result>(name: string, result: Result) => (...[, ...given]: unknown[]) => {
    const written = given.filter((one) => one !== undefined); // as the port reads them
    calls.push(JSON.parse(JSON.stringify([name, ...written])));
    return Promise.resolve(result);
  };
  const port: Discord = {
    send: record("send", { channelId: CHANNEL, messageIds: [MESSAGE] }),
    read: record("read", [SHOWN]),
    readOne: record("readOne", SHOWN),
    addReaction: record("addReaction", undefined),
    removeReaction: record("removeReaction", undefined),
    edit: record("edit", undefined),
    openThread: record("openThread", { threadId: CHANNEL, title: "Krill", existed: false }),
    openPost: record("openPost", { threadId: CHANNEL, title: "Krill", existed: false }),
    inChannel: () => Promise.resolve<never>(undefined as never), // as a channel that is no forum
    inGuild: () => Promise.reject(new Error("not used")),
    setPresence: record("setPresence", undefined),
    undoOne: record("undo", { id: 1, what: "x", does: "y" }),
    ...own,
  };
  const { action: name, ...written } = z.looseObject({ action: z.string() }).parse(args);
  const context = toolContext();
  const action = ACTIONS.find((one) => one.name === name);
  const isHere = tool === discord && !repliesElsewhere(written);
  const given = action && isHere
    ? action.input.safeParse(argumentsFor(action, written, context.message))
    : undefined;
  if (!action || !given?.success) return { result: await tool.run({ ...args }, context), calls };
  return { result: await action.run(given.data, context, port), calls };
}

const namesIn = (open: readonly (typeof GATES)[number][]) =>
  discord.withGates?.(open)?.description.split("\n").slice(1)
    .map((line) => /^\w+/.exec(line)?.[0]);

describe("[T3] the schema of `discord`", () => {
  it("lists only actions whose gates are open", () => {
    assert.deepEqual(namesIn(GATES), ACTIONS.map(({ name }) => name));
    assert.deepEqual(namesIn(["reactions"]), ["react", "reactions", "emojiList", "undo"]);
    assert.deepEqual(namesIn(["voiceStatus"]), ["voiceStatus", "undo"]);
    assert.equal(discord.withGates?.([]), undefined);
  });

  it("is the same object for the same gates, so that the toolbox keeps it", () => {
    assert.equal(discord.withGates?.(["messages"]), discord.withGates?.(["messages"]));
    assert.equal(discord.withGates?.(GATES), discord);
  });

  it("has at most 4,000 characters with the default gates, and all arguments once", () => {
    const byDefault = discord.withGates?.(openGates({}));
    assert.ok(byDefault);
    const size = JSON.stringify({
      name: byDefault.name,
      description: byDefault.description,
      parameters: byDefault.parameters,
    }).length;
    assert.ok(size <= 4_000, `${size}`);
    const { description, parameters } = discord;
    assert.deepEqual(
      Object.keys(Object(parameters?.["properties"])).sort(),
      [...new Set(["action", ...ACTIONS.flatMap(({ input }) => Object.keys(input.shape))])].sort(),
    );
    assert.match(description, /\nreact\(messageId,emoji,remove\?\): /);
    assert.match(description, /\nroleAdd!\(userId,roleId\)\n/);
  });

  it("has a type beside the choices of each argument: some servers refuse the others", () => {
    const untyped: string[] = [];
    const look = (schema: unknown, path: string): void => {
      if (typeof schema !== "object" || schema === null) return;
      if ("enum" in schema && !("type" in schema)) untyped.push(path);
      for (const [key, part] of Object.entries(schema)) look(part, `${path}.${key}`);
    };
    for (const { name, parameters } of TOOLS) look(parameters, name);
    assert.deepEqual(untyped, []);
    assert.ok(JSON.stringify(discord.parameters).includes('"enum"'));
  });

  it("has the 42 actions of OpenClaw, behind all gates", () => {
    const names = ACTIONS.map(({ name }) => name);
    assert.deepEqual(OPENCLAW.filter((name) => !names.includes(name)), []);
    assert.equal(OPENCLAW.length, 42);
    assert.deepEqual(new Set(ACTIONS.flatMap(({ gate }) => gate ?? [])), new Set(GATES));
  });

  it("names each action once", () => {
    const names = ACTIONS.map(({ name }) => name);
    assert.deepEqual([...new Set(names)], names);
  });

  it("refuses actions that do not exist or whose gate is closed, and names the others", async () => {
    await assert.rejects(run({ action: "nuke" }), /no action "nuke" here; there are: sendMessage/);
    const only = discord.withGates?.(["reactions"]);
    assert.ok(only);
    await assert.rejects(
      run({ action: "sendMessage", text: "x" }, {}, only),
      /sendMessage is switched off \(gate messages\) here; there are: react, .*emojiList, undo$/,
    );
  });

  it("[T5] refuses arguments that an action does not have, such as who asks", async () => {
    await assert.rejects(
      run({ action: "sendMessage", text: "x", askerId: "1" }),
      /the arguments do not fit sendMessage:\n.*askerId/,
    );
    await assert.rejects(run({ action: "sendMessage" }), /give `text`, `mediaUrl` or `embed`/);
  });

  it("takes null for an argument that is left out", async () => {
    const { calls } = await run({ action: "sendMessage", text: "x", channelId: null });
    assert.deepEqual(calls, [["send", { text: "x" }]]);
  });

  it("takes this place for actions that have none, and no other place", async () => {
    const { message } = toolContext();
    const { guildId, channelId: here } = message;
    assert.ok(guildId !== undefined);
    for (const { name, input: { shape } } of ACTIONS) {
      const places = Object.entries({ guildId, channelId: here }).filter(([key]) =>
        !(key in shape)
      );
      const args = { action: name, ...Object.fromEntries(places) };
      const said = await run(args).then(() => "", ({ message }) => String(message));
      assert.doesNotMatch(said, /Unrecognized key/, name);
      if (places.length === 0) continue;
      const other = Object.fromEntries(places.map(([key]) => [key, String(CHANNEL)]));
      await assert.rejects(run({ action: name, ...other }), /Unrecognized key/, name);
    }
    assert.deepEqual((await run({ action: "undo", id: 1, guildId })).calls, [["undo", 1]]);
  });
});

describe("[T3] actions on messages", () => {
  it("sendMessage › takes a channel in any spelling, and returns the ids", async () => {
    const link = `https://discord.com/channels/1/${CHANNEL}`;
    for (const written of [CHANNEL, `<#${CHANNEL}>`, `channel:${CHANNEL}`, link]) {
      const { result, calls } = await run({ action: "sendMessage", channelId: written, text: "x" });
      assert.deepEqual(calls, [["send", { channelId: CHANNEL, text: "x" }]]);
      assert.deepEqual(JSON.parse(result), {
        sent: true,
        channelId: CHANNEL,
        messageIds: [MESSAGE],
      });
    }
    await assert.rejects(
      run({ action: "sendMessage", channelId: "#general", text: "x" }),
      /must be the id of a channel/,
    );
  });

  it("sendMessage and threadReply › take a file and an embed, and sendMessage a person", async () => {
    const embed = { title: "Tides", fields: [{ name: "noon", value: "3 m" }], color: 255 };
    const post = { text: "x", mediaUrl: "attachment:a.png", embed };
    const sent = { text: "x", media: "attachment:a.png", embed };
    assert.deepEqual((await run({ action: "sendMessage", userId: "<@5>", ...post })).calls, [
      ["send", { userId: "5", ...sent }],
    ]);
    assert.deepEqual(
      (await run({ action: "threadReply", channelId: CHANNEL, ...post })).calls,
      [["send", { channelId: CHANNEL, ...sent }]],
    );
    assert.deepEqual((await run({ action: "sendMessage", mediaUrl: "a.png" })).calls, [
      ["send", { text: "", media: "a.png" }],
    ]);
    for (const alone of [{ embed }, { text: "", embed }]) {
      assert.deepEqual((await run({ action: "sendMessage", ...alone })).calls, [
        ["send", { text: "", embed }],
      ]);
    }
    const refused = [
      { userId: "5", channelId: CHANNEL, text: "x" },
      { text: "x", embed: { color: 1 } },
      { text: "x", embed: { title: "x", url: "https://tides.example" } },
      { text: "x", embed: { image: { url: "https://tides.example" } } },
    ];
    for (const args of refused) await assert.rejects(run({ action: "sendMessage", ...args }));
  });

  it("fetchMessage and others › take a link to a message, in any of Discord's spellings", async () => {
    for (const host of ["discord.com", "ptb.discord.com", "discordapp.com"]) {
      const link = `https://${host}/channels/1/${CHANNEL}/${MESSAGE}`;
      const seen: unknown[] = [];
      const readOne: Discord["readOne"] = (_call, at) => {
        seen.push({ ...at });
        return Promise.resolve(SHOWN);
      };
      await run({ action: "fetchMessage", messageId: link }, { readOne });
      assert.deepEqual(seen, [{ channelId: CHANNEL, messageId: MESSAGE }]);
    }
  });

  it("readMessages and others › take the channel of a linked message", async () => {
    const link = `https://discord.com/channels/1/${CHANNEL}/${MESSAGE}`;
    for (const end of ["around", "before", "after"]) {
      const { calls } = await run({ action: "readMessages", [end]: link });
      assert.deepEqual(calls, [["read", { channelId: CHANNEL, [end]: MESSAGE, limit: 30 }]]);
    }
    const replied = { channelId: CHANNEL, replyTo: MESSAGE, text: "x" };
    for (const action of ["sendMessage", "threadReply"]) {
      const { calls } = await run({ action, replyTo: link, text: "x" });
      assert.deepEqual(calls, [["send", replied]]);
      const same = await run({ action, channelId: `<#${CHANNEL}>`, replyTo: link, text: "x" });
      assert.deepEqual(same.calls, [["send", replied]]);
    }
    const direct = { action: "sendMessage", userId: "5", replyTo: link, text: "x" };
    assert.deepEqual((await run(direct)).calls, [
      ["send", { userId: "5", replyTo: MESSAGE, text: "x" }],
    ]);
    const elsewhere = { action: "sendMessage", channelId: "5", replyTo: link, text: "x" };
    await assert.rejects(run(elsewhere), /`replyTo` is a message of another channel/);
  });

  it("searchMessages › takes a link to a message as a point in time", async () => {
    const link = `https://discord.com/channels/1/${CHANNEL}/${MESSAGE}`;
    const search = { action: "searchMessages", query: "x", after: link };
    await assert.rejects(run(search), /not used/); // the port of this test has no search
  });

  it("sendMessage › tells the model not to repeat a message that waits", async () => {
    const waits = { channelId: CHANNEL, messageIds: [], waits: [5] };
    const { result } = await run({ action: "sendMessage", text: "x" }, {
      send: () => Promise.resolve(waits),
    });
    assert.match(result, /do not send it again/);
  });

  it("readMessages › returns a line for each message, with its time in three forms", async () => {
    const { result, calls } = await run({ action: "readMessages", after: MESSAGE });
    assert.deepEqual(calls, [["read", { after: MESSAGE, limit: 30 }]]);
    assert.deepEqual(JSON.parse(result), { ...SHOWN, timestampUtc: "2026-01-01T00:00:00.000Z" });
    const nothing = await run({ action: "readMessages" }, { read: () => Promise.resolve([]) });
    assert.match(nothing.result, /no messages that you may read/);
    await assert.rejects(
      run({ action: "readMessages", before: MESSAGE, after: MESSAGE }),
      /one of `before`, `after` and `around`/,
    );
    await assert.rejects(run({ action: "readMessages", limit: 101 }), /limit/);
  });

  it("fetchMessage, editMessage, deleteMessage › name the message", async () => {
    const { result } = await run({ action: "fetchMessage", messageId: MESSAGE });
    assert.equal(JSON.parse(result).text, "hi");
    const edited = await run({ action: "editMessage", messageId: MESSAGE, text: "new" });
    assert.deepEqual(edited.calls, [["edit", { messageId: MESSAGE }, "new"]]);
    await assert.rejects(run({ action: "deleteMessage", messageId: "last" }), /digits only/);
  });
});

describe("[T3] react", () => {
  const at = { messageId: MESSAGE };
  it("adds and removes reactions, Unicode or custom", async () => {
    for (const emoji of ["👀", "❤️", "👩‍👩‍👧", "🇫🇮", "1️⃣", "<:krill:123>", "<a:krill:123>"]) {
      const { calls } = await run({ action: "react", ...at, emoji });
      assert.deepEqual(calls, [["addReaction", at, emoji]]);
    }
    const heart = await run({ action: "react", ...at, emoji: "\u2764" });
    assert.deepEqual(heart.calls, [["addReaction", at, "\u2764\ufe0f"]]); // as people click it
    const { calls } = await run({ action: "react", ...at, emoji: "", remove: true });
    assert.deepEqual(calls, [["removeReaction", at, ""]]);
  });

  it("refuses texts that are no emoji", async () => {
    for (const emoji of ["thumbsup", ":eyes:", "", "@me", "../1"]) {
      await assert.rejects(run({ action: "react", ...at, emoji }), /emoji/);
    }
  });
});

describe("[T3] actions on threads", () => {
  it("threadCreate › opens a thread on a message, and posts the text there", async () => {
    const { calls, result } = await run({
      action: "threadCreate",
      messageId: MESSAGE,
      title: "Krill",
      text: "first",
    });
    assert.deepEqual(calls, [
      ["openThread", { messageId: MESSAGE }, "Krill"],
      ["send", { channelId: CHANNEL, text: "first" }],
    ]);
    assert.deepEqual(JSON.parse(result), { threadId: CHANNEL, title: "Krill" });
  });

  it("threadCreate › without a message, posts the text and opens the thread on it", async () => {
    const { calls } = await run({
      action: "threadCreate",
      channelId: CHANNEL,
      title: "Krill",
      text: "first",
    });
    assert.deepEqual(calls, [
      ["send", { channelId: CHANNEL, text: "first" }],
      ["openThread", { channelId: CHANNEL, messageId: MESSAGE }, "Krill"],
    ]);
    await assert.rejects(run({ action: "threadCreate", title: "Krill" }), /`text`/);
  });

  it("threadCreate › takes the time after which Discord archives the thread", async () => {
    const { calls } = await run({
      action: "threadCreate",
      messageId: MESSAGE,
      title: "Krill",
      autoArchiveMinutes: 60,
    });
    assert.deepEqual(calls, [["openThread", { messageId: MESSAGE }, "Krill", 60]]);
    const on = { action: "threadCreate", messageId: MESSAGE, title: "Krill" };
    for (const autoArchiveMinutes of [59, 100, 10_081]) {
      await assert.rejects(run({ ...on, autoArchiveMinutes }), /60, 1440, 4320 or 10080/);
    }
  });

  it("[T3] threadCreate › says which step was done before a failure", async () => {
    const no = () => Promise.reject(new Error("Discord does not take it"));
    await assert.rejects(
      run({ action: "threadCreate", messageId: MESSAGE, title: "Krill", text: "x" }, { send: no }),
      new RegExp(`thread ${CHANNEL} is open, without the text, but .* Discord does not take it`),
    );
    await assert.rejects(
      run({ action: "threadCreate", title: "Krill", text: "x" }, { openThread: no }),
      new RegExp(`message ${MESSAGE} is posted, without a thread, but .* Discord does not take it`),
    );
  });

  it("threadReply › needs the thread", async () => {
    const { calls } = await run({ action: "threadReply", channelId: CHANNEL, text: "x" });
    assert.deepEqual(calls, [["send", { channelId: CHANNEL, text: "x" }]]);
    await assert.rejects(run({ action: "threadReply", text: "x" }), /channelId/);
  });
});
