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
  replyTo: messageId("1390000000000000006"),
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

  it("has the 42 actions of OpenClaw, behind all gates, and each once", () => {
    const names = ACTIONS.map(({ name }) => name);
    assert.deepEqual([...new Set(names)], names);
    assert.deepEqual(OPENCLAW.filter((name) => !names.includes(name)), []);
    assert.equal(OPENCLAW.length, 42);
    assert.deepEqual(new Set(ACTIONS.flatMap(({ gate }) => gate ?? [])), new Set(GATES));
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

const AT = { messageId: MESSAGE };
const LINK = `https://discord.com/channels/1/${CHANNEL}/${MESSAGE}`;
const EMBED = { title: "Tides", fields: [{ name: "noon", value: "3 m" }], color: 255 };
const POST = { text: "x", mediaUrl: "attachment:a.png", embed: EMBED };
const SENT = { text: "x", media: "attachment:a.png", embed: EMBED };
const ON = { ...AT, title: "Krill" };
const REPLY = { channelId: CHANNEL, replyTo: MESSAGE, text: "x" };

type Rows<Expected> = readonly (readonly [action: string, args: object, Expected])[];

/** Each action with the calls of the port. */
const WRITTEN: Rows<readonly unknown[]> = [
  ...[CHANNEL, `<#${CHANNEL}>`, `channel:${CHANNEL}`, LINK.replace(`/${MESSAGE}`, "")].map(
    (channelId) => {
      const call = ["send", { channelId: CHANNEL, text: "x" }];
      return ["sendMessage", { channelId, text: "x" }, [call]] as const;
    },
  ),
  ["sendMessage", { userId: "<@5>", ...POST }, [["send", { userId: "5", ...SENT }]]],
  ["sendMessage", { mediaUrl: "a.png" }, [["send", { text: "", media: "a.png" }]]],
  ["sendMessage", { embed: EMBED }, [["send", { text: "", embed: EMBED }]]],
  ["sendMessage", { text: "", embed: EMBED }, [["send", { text: "", embed: EMBED }]]],
  ["sendMessage", { userId: "5", replyTo: LINK, text: "x" }, [
    ["send", { userId: "5", replyTo: MESSAGE, text: "x" }],
  ]],
  ["threadReply", { channelId: CHANNEL, ...POST }, [["send", { channelId: CHANNEL, ...SENT }]]],
  ...["sendMessage", "threadReply"].flatMap((action) =>
    [{}, { channelId: `<#${CHANNEL}>` }].map((where) => {
      return [action, { ...where, replyTo: LINK, text: "x" }, [["send", REPLY]]] as const;
    })
  ),
  ...["discord.com", "ptb.discord.com", "discordapp.com"].map((host) => {
    const messageId = LINK.replace("discord.com", host);
    return ["fetchMessage", { messageId }, [["readOne", { channelId: CHANNEL, ...AT }]]] as const;
  }),
  ...["around", "before", "after"].map((end) => {
    const range = { channelId: CHANNEL, [end]: MESSAGE, limit: 30 };
    return ["readMessages", { [end]: LINK }, [["read", range]]] as const;
  }),
  ["readMessages", { after: MESSAGE }, [["read", { after: MESSAGE, limit: 30 }]]],
  ["editMessage", { ...AT, text: "new" }, [["edit", AT, "new"]]],
  ...["👀", "❤️", "👩‍👩‍👧", "🇫🇮", "1️⃣", "<:krill:123>", "<a:krill:123>"].map((emoji) =>
    ["react", { ...AT, emoji }, [["addReaction", AT, emoji]]] as const
  ),
  ["react", { ...AT, emoji: "\u2764" }, [["addReaction", AT, "\u2764\ufe0f"]]], // as people click it
  ["react", { ...AT, emoji: "", remove: true }, [["removeReaction", AT, ""]]],
  ["threadCreate", { ...ON, text: "first" }, [
    ...[["openThread", AT, "Krill"], ["send", { channelId: CHANNEL, text: "first" }]],
  ]],
  ["threadCreate", { channelId: CHANNEL, title: "Krill", text: "first" }, [
    ["send", { channelId: CHANNEL, text: "first" }],
    ["openThread", { channelId: CHANNEL, ...AT }, "Krill"],
  ]],
  ["threadCreate", { ...ON, autoArchiveMinutes: 60 }, [["openThread", AT, "Krill", 60]]],
];

const REFUSED: Rows<RegExp> = [
  ["sendMessage", { channelId: "#general", text: "x" }, /must be the id of a channel/],
  ...[{ color: 1 }, { title: "x", url: "https://a.example" }, {
    image: { url: "https://a.example" },
  }]
    .map((embed) => ["sendMessage", { text: "x", embed }, /embed/] as const),
  ["sendMessage", { channelId: "5", replyTo: LINK, text: "x" }, /is a message of another channel/],
  ["searchMessages", { query: "x", after: LINK }, /not used/], // a time; this test has no search
  ["readMessages", { limit: 101 }, /limit/],
  ["deleteMessage", { messageId: "last" }, /digits only/],
  ...["thumbsup", ":eyes:", "", "@me", "../1"].map((emoji) =>
    ["react", { ...AT, emoji }, /emoji/] as const
  ),
  ["threadCreate", { title: "Krill" }, /`text`/],
  ...[59, 100, 10_081].map((autoArchiveMinutes) =>
    ["threadCreate", { ...ON, autoArchiveMinutes }, /60, 1440, 4320 or 10080/] as const
  ),
  ["threadReply", { text: "x" }, /channelId/],
];

describe("[T3] actions on messages, reactions and threads", () => {
  it("take ids in any spelling, files, embeds and links, and no other arguments", async () => {
    for (const [action, args, calls] of WRITTEN) {
      assert.deepEqual((await run({ action, ...args })).calls, calls, JSON.stringify(args));
    }
    for (const [action, args, told] of REFUSED) {
      await assert.rejects(run({ action, ...args }), told);
    }
  });

  it("return ids, lines of messages with their time in three forms, and what waits", async () => {
    const told = async (args: object, own: Partial<Discord> = {}) => (await run(args, own)).result;
    const sent = { sent: true, channelId: CHANNEL, messageIds: [MESSAGE] };
    const send = { action: "sendMessage", text: "x" };
    assert.deepEqual(JSON.parse(await told(send)), sent);
    const waits = { channelId: CHANNEL, messageIds: [], waits: [5] };
    assert.match(await told(send, { send: () => Promise.resolve(waits) }), /do not send it again/);
    const line = { ...SHOWN, timestampUtc: "2026-01-01T00:00:00.000Z" };
    for (const call of [{ action: "readMessages" }, { action: "fetchMessage", ...AT }]) {
      assert.deepEqual(JSON.parse(await told(call)), line);
    }
    const none = await told({ action: "readMessages" }, { read: () => Promise.resolve([]) });
    assert.match(none, /no messages that you may read/);
    const thread = { threadId: CHANNEL, title: "Krill" };
    assert.deepEqual(JSON.parse(await told({ action: "threadCreate", ...ON })), thread);
  });

  it("threadCreate › says which step was done before a failure", async () => {
    const no = () => Promise.reject(new Error("Discord does not take it"));
    await assert.rejects(
      run({ action: "threadCreate", ...ON, text: "x" }, { send: no }),
      new RegExp(`thread ${CHANNEL} is open, without the text, but .* Discord does not take it`),
    );
    await assert.rejects(
      run({ action: "threadCreate", title: "Krill", text: "x" }, { openThread: no }),
      new RegExp(`message ${MESSAGE} is posted, without a thread, but .* Discord does not take it`),
    );
  });
});
