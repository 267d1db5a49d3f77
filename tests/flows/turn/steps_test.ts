/** Tests what only some turns need, with a whole account: a case for each step of `steps.ts`. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { strToU8 } from "fflate";
import { z } from "zod";
import { wakeTurns } from "../../../src/account/per_account.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import {
  type Model,
  ModelError,
  type ModelPart,
  type ModelRequest,
} from "../../../src/core/model.ts";
import { StoreError } from "../../../src/store/database/database_files.ts";
import { whenAborted } from "../../../src/lib/clock.ts";
import { defineTool, type Tool } from "../../../src/core/turn/tool.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import { show } from "../../../src/flows/judging/judge.ts";
import { ratesOf } from "../../../src/flows/turn/gather.ts";
import { type TurnSpeech, voices } from "../../../src/flows/turn/steps.ts";
import { type Given, SELF, testAccount } from "../../support/bot/test_account.ts";
import {
  ACCOUNT,
  directMessage,
  guildMessage,
  messageId,
  messageIdAt,
} from "../../support/discord/builders.ts";
import { CHANNEL, GUILD, messageData } from "../../support/discord/payloads.ts";
import { png } from "../../support/files/samples.ts";
import { toolNamed } from "../../support/model/tools.ts";
import { accepted, batch } from "../../support/store/store.ts";
import type { BotFeature } from "../../../src/account/features.ts";

const DONE = { kind: "finish", reason: "stop" } as const;

/** A model whose answers the test gives, one after the other; the last one repeats. */
function scripted(...answers: readonly (() => AsyncIterable<ModelPart>)[]) {
  const requests: ModelRequest[] = [];
  const model: Model = {
    id: "test/model",
    async *generate(request) {
      requests.push(request);
      yield* answers[Math.min(requests.length, answers.length) - 1]?.() ?? [];
    },
  };
  return { model, requests };
}

async function* says(text: string): AsyncIterable<ModelPart> {
  yield { kind: "text", text };
  yield await Promise.resolve(DONE);
}

async function* calls(): AsyncIterable<ModelPart> {
  const call = { id: "1", name: "web_fetch", arguments: "{}" };
  yield { kind: "text", text: "Let me look." };
  yield await Promise.resolve({ kind: "finish", reason: "tool_calls", calls: [call] });
}

/** A tool that says how deep the water is, once it may. */
const tide = (gate?: Promise<void>) => {
  const tool = defineTool({
    ...toolNamed("web_fetch"),
    input: z.strictObject({}),
    isIdempotent: true,
    isReadOnly: true,
    run: () => Promise.resolve(gate).then(() => "low tide"),
  });
  const tools = [tool];
  return { toolServices: { tools: () => tools } };
};

async function build({ discord, ...given }: Given = {}) {
  const scene = await testAccount({
    discord: {
      dm: { policy: "open", allowFrom: ["*"] },
      guilds: { [GUILD]: { users: ["*"] } },
      ...discord,
    },
    ...given,
  });
  const { store, rows, clock } = scene;
  const mentions = [{ id: SELF.userId, username: "barnacle", discriminator: "0" }];
  return {
    ...scene,
    states: () => rows("SELECT state FROM inbox ORDER BY id").map(({ state }) => state),
    ends: () => rows("SELECT failure FROM inbox ORDER BY id").map(({ failure }) => failure),
    ask: (text: string, fields: object = {}) =>
      scene.write(`<@${SELF.userId}> ${text}`, { mentions, ...fields }),
    /** A message that Discord does not have in this form. @param cuts Turns that a crash has cut. */
    async put(message: InboundMessage, cuts = 0): Promise<void> {
      await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), clock.now());
      for (let cut = 0; cut < cuts; cut++) {
        await store.inbox.claimNext(ACCOUNT, clock.now(), []);
        await store.inbox.voidClaims();
      }
      wakeTurns(scene.account);
      await scene.quiet();
    },
  };
}

/** A voice that records what it hears of a turn. */
function voice(isPosted = false, model?: Model) {
  const heard: string[] = [];
  const speech: TurnSpeech = {
    model,
    stream: () => ({
      grow: (text) => void heard.push(`grow ${text}`),
      isShown: () => false,
      end: () => Promise.resolve(),
    }),
    end: (text) => Promise.resolve(void heard.push(`end ${text}`)),
    isPosted: () => isPosted,
    pause: () => void heard.push("pause"),
    waits: () => void heard.push("waits"),
    say: (text) => void heard.push(`say ${text}`),
  };
  const extra: BotFeature = {
    account: () =>
      Promise.resolve((account) => {
        voices(account).of = () => speech;
        return {};
      }),
  };
  return { heard, features: [extra] };
}

/** A picture of so many bytes. */
function picture(size: number) {
  const bytes = new Uint8Array(size);
  bytes.set(png(1, 1, "IDAT"));
  return bytes;
}

const spoken = () => directMessage({ origin: { kind: "speech", seconds: 2 } });

describe("[V5] the answer to a person who has spoken", () => {
  it("is spoken while it grows, and not posted", async () => {
    const { heard, features } = voice();
    const { put, posted, states } = await build({ features });
    await put(spoken());
    assert.deepEqual([states(), posted()], [["answered"], []]);
    assert.deepEqual(heard, ["grow fine", "end fine", "say "]);
  });

  it("is posted, too, if not all of it was said", async () => {
    const { put, posted } = await build({ features: voice(true).features });
    await put(spoken());
    assert.deepEqual(posted(), ["fine"]);
  });

  it("comes from the model that speaks itself", async () => {
    const { model } = scripted(() => says("aloud"));
    const { put, posted } = await build({ features: voice(true, model).features });
    await put(spoken());
    assert.deepEqual(posted(), ["aloud"]);
  });

  it("is posted and not said again, if a crash has cut its speech", async () => {
    const { heard, features } = voice();
    const scene = await build({ features });
    const message = spoken();
    await scene.store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), 0);
    const claim = await scene.store.inbox.claimNext(ACCOUNT, 0, []);
    assert.ok(claim);
    await scene.store.turns.addSteps(claim, [{ kind: "spoken", at: 1 }], false);
    await scene.store.inbox.voidClaims();
    wakeTurns(scene.account);
    await scene.quiet();
    assert.deepEqual([scene.posted(), heard], [["fine"], []]);
  });

  it("pauses while a tool runs", async () => {
    const { heard, features } = voice();
    const { model } = scripted(calls, () => says("low"));
    const { put } = await build({ features, model, ...tide() });
    await put(spoken());
    assert.ok(heard.indexOf("pause") < heard.indexOf("end low"), heard.join());
    assert.ok(heard.includes("pause"));
  });

  it("is a spoken and posted notice, if the model fails", async () => {
    const { heard, features } = voice();
    const { put, posted } = await build({ features, model: scripted(failing).model });
    await put(spoken());
    assert.equal(posted().length, 1);
    assert.match(heard.join(), /^say My model is overloaded/);
  });
});

// deno-lint-ignore require-yield -- a model that breaks off says nothing
async function* failing(): AsyncIterable<ModelPart> {
  await Promise.reject(new ModelError("no", { kind: "unavailable", modelId: "test/model" }));
}

describe("[T2a] the form of a prompt", () => {
  it("is small if the config says so", async () => {
    const shown = [];
    for (const prompt of ["full", "small"]) {
      const { model, requests } = scripted(() => says("fine"));
      const { dm } = await build({ model, beside: { tools: { prompt } }, ...tide() });
      await dm("well?");
      shown.push(requests[0]);
    }
    const [full, small] = shown.map((one) => [one?.system?.length ?? 0, one?.tools?.[0]?.name]);
    assert.ok(full && small && Number(full[0]) > Number(small[0]));
    assert.deepEqual([full[1], small[1]], ["web_fetch", "use_tool"]);
  });

  it("waits for a server that is asked about its window", async () => {
    const { model, requests } = scripted(() => says("fine"));
    const told = Promise.withResolvers<void>();
    const window = { contextWindow: 4_096, maxOutput: 512, from: "server" } as const;
    const asked = {
      ...model,
      window: { ...window, isPending: true as const, asked: told.promise },
    };
    const { dm, quiet } = await build({ model: asked, ...tide() });
    await dm("well?");
    assert.equal(requests.length, 0);
    Object.assign(asked, { window });
    told.resolve();
    await quiet();
    assert.equal(requests[0]?.tools?.[0]?.name, "use_tool");
  });

  it("has no tools for a model that takes none, and promises none", async () => {
    const { model, requests } = scripted(() => says("fine"));
    for (const takesNoTools of [undefined, true as const]) {
      const scene = await build({ model: { ...model, takesNoTools }, ...tide() });
      await scene.dm("well?");
    }
    assert.deepEqual(requests.map(({ tools }) => tools?.length ?? 0), [1, 0]);
    assert.deepEqual(requests.map(({ system }) => /no tools here/.test(system ?? "")), [
      false,
      true,
    ]);
  });

  it("is chosen after an answer that has told enough", async () => {
    const { model } = scripted(() => says("fine"));
    const window = { contextWindow: 4_096, maxOutput: 512, from: "server" } as never;
    const { dm, rows } = await build({ model: { ...model, window } });
    await dm("well?");
    const [kept] = rows("SELECT value FROM setting WHERE name = 'prompt'");
    assert.equal(kept?.["value"], "window");
  });
});

describe("a turn with more than an answer", () => {
  it("[S4a] [S6] begins a new transcript, and knows the tokens of texts by answers", async () => {
    const { account, clock, dm, pass, rows } = await build({
      beside: { session: { reset: { idleMinutes: 60 } } },
    });
    const before = ratesOf(account).rateOf("test/model");
    await dm("one?");
    assert.notEqual(ratesOf(account).rateOf("test/model"), before);
    await pass(61 * 60_000);
    await dm("two?", { id: messageIdAt(clock.now()) });
    assert.deepEqual(rows("SELECT kind, cause FROM checkpoint"), [{
      kind: "reset",
      cause: "idle",
    }]);
  });

  it("[L3] tells owners what the server of the model refuses", async () => {
    const { account, dm, posted } = await build();
    const part = { modelId: "p/m", part: "the tool `x`", fix: "deny it", reason: "z", at: 0 };
    Object.assign(account.settings.models, { refused: () => [part] });
    await dm("well?");
    assert.match(posted().join(), /of my model `p\/m` refuses the tool `x`/);
  });

  it("[O2] logs one line per answer, and no text", async () => {
    const { dm, lines, quiet } = await build({ says: () => "hello, Ada" });
    await dm("a secret question");
    await quiet();
    const all = lines.filter(({ event }) => event === "The model answered");
    const [{ model, inputTokens, sender } = {}, more] = all.map(({ fields }) => fields);
    assert.deepEqual([model, inputTokens, sender, more], ["test/model", 812, "ada", undefined]);
    assert.doesNotMatch(JSON.stringify(lines), /secret question|hello, Ada/);
  });

  it("[R11] is given up if it ends with the process, again and again", async () => {
    const { put, states, ends, asked, posted } = await build();
    await put(directMessage(), 20);
    assert.deepEqual([states(), ends(), asked], [["failed"], ["interrupted 20 times"], []]);
    assert.match(posted()[0] ?? "", /wrong/i);
  });

  it("[X4] gets a mark once its sender knows that the budget is spent", async () => {
    const beside = { budgets: { total: { tokensPerDay: 1_000 } } };
    const { dm, asked, states, pass, requests } = await build({ beside });
    for (const text of ["one?", "two?", "three?", "four?"]) await dm(text);
    await pass(1_000);
    assert.deepEqual([asked.length, states().slice(1)], [2, ["answered", "refused", "refused"]]);
    assert.ok(requests.some(({ method, path }) => method === "PUT" && /reactions/.test(path)));
  });

  it("[H1] reads what the channel had before", async () => {
    const earlier = messageData({ id: "1390000000000000001", content: "the pier is closed" });
    const { ask, asked } = await build({
      answer: ({ method, path }) =>
        method === "GET" && path.startsWith(`/channels/${CHANNEL}/messages?`)
          ? [earlier]
          : undefined,
    });
    await ask("and now?");
    assert.match(asked[0] ?? "", /the pier is closed/);
  });

  it("[H7] [T13] shows files of messages and pictures of results, as far as there is room", async () => {
    await Promise.all([import("file-type"), import("image-size")]); // of the first picture
    const told: (string | undefined)[] = [];
    const camera: Tool = {
      ...toolNamed("web_fetch"),
      async run(_, { showImage }) {
        for (let size = 101; size <= 120; size++) {
          told.push((await showImage?.(picture(size)))?.unseen);
        }
        return "pictures";
      },
    };
    const { model, requests } = scripted(calls, () => says("seen"));
    const { account, dm } = await build({ model, toolServices: { tools: () => [camera] } });
    const files = [["5", "png", picture(100)], [
      "6",
      "txt",
      Uint8Array.from(strToU8("low at 9")),
    ]] as const;
    for (const [id, ending, bytes] of files) {
      const fileId = parseSnowflake<"attachment">(id) ?? assert.fail();
      await account.bot.media.folder.keep({ messageId: messageId("11"), fileId }, ending, bytes);
    }
    const attachments = files.map(([id, ending, { length: size }]) => {
      return { id, filename: `a.${ending}`, url: `https://cdn.discordapp.com/${id}`, size };
    });
    await dm("look", { id: "11", attachments });
    assert.match(requests[0]?.messages[0]?.text ?? "", /low at 9/);
    await dm("and?");
    const shown = requests.map(({ messages }) =>
      messages.map((one) => ("images" in one && one.images || []).length)
    );
    assert.deepEqual(shown, [[1], [1, 0, 0, 19], [1, 0, 0, 0, 0]]);
    assert.deepEqual(told, [...Array(19), "there are too many images at once"]);
  });

  it("[K5] thinks as people have chosen", async () => {
    const { model, requests } = scripted(() => says("fine"));
    const { dm, store, rows, clock } = await build({ model });
    await dm("one?");
    const [row] = rows("SELECT session_key AS key FROM inbox");
    await store.settings.change(ACCOUNT, String(row?.["key"]), "think", "high", clock.now());
    await dm("two?");
    assert.deepEqual(requests.map(({ thinking }) => thinking), [undefined, "high"]);
  });

  it("[R8a] shows what it does, in a line", async () => {
    const gate = Promise.withResolvers<void>();
    const { model } = scripted(calls, () => says("it is low"));
    const { dm, pass, posted } = await build({
      model,
      discord: { streaming: "progress" },
      ...tide(gate.promise),
    });
    await dm("well?");
    await pass(30_000, 1_000);
    assert.equal(posted().length, 1);
    assert.match(posted()[0] ?? "", /step 1 of 16 · \d+ s\n> Let me look\.$/);
    gate.resolve();
    await pass(1_000);
    assert.equal(posted().at(-1), "it is low");
  });

  it("[R8] shows its answer while it grows", async () => {
    const gate = Promise.withResolvers<void>();
    const { model } = scripted(async function* () {
      yield { kind: "text", text: "The water is low, and it goes on falling. " };
      await gate.promise;
      yield { kind: "text", text: "Wait an hour." };
      yield DONE;
    });
    const { dm, pass, posted } = await build({ model, discord: { streaming: "edit" } });
    await dm("well?");
    await pass(10_000, 1_000);
    assert.deepEqual(posted().map((text) => text.slice(0, 9)), ["The water"]);
    gate.resolve();
    await pass(10_000, 1_000);
    assert.ok(posted().some((text) => text.endsWith("Wait an hour.")));
  });

  it("[R16] answers a voice message by voice, too, and no other", async () => {
    const { account, put, rows } = await build();
    const speak = () => Promise.resolve(new Uint8Array(1));
    const voice = { modelId: "a/b", speak, speakPcm: async function* () {} };
    Object.assign(account.settings.speech, { voice });
    Object.assign(account.bot.media.extractor, {
      run: () => Promise.resolve({ durationSec: 1, waveform: "AA==" }),
    });
    const file = { id: "5", name: "a.ogg", size: 9, url: "https://x.test/a", isVoice: true };
    await put(directMessage({ attachments: [file as never] }));
    await put(directMessage({ id: messageId("77"), text: "and you?" }));
    const voices = rows("SELECT message ->> '$.voice' AS voice FROM outbox").map(({ voice }) =>
      voice !== null
    );
    assert.deepEqual(voices.sort(), [false, false, true]);
  });

  it("[R15] has a footer that no later turn sees", async () => {
    const { dm, receive, posted, asked, rows, account } = await build({
      beside: { messages: { footer: "all" } },
    });
    await dm("well?");
    assert.match(posted()[0] ?? "", /^fine\n-# .*test\/model · 812 \+ 20 tokens .* 0\.60 · /);
    const [row] = rows("SELECT message_id AS id, channel_id FROM outbox");
    const id = String(row?.["id"]);
    const own = {
      ...messageData({ ...row, content: posted()[0] }),
      id,
      author: { id: SELF.userId },
    };
    await receive("MESSAGE_CREATE", {
      ...messageData({
        id: "1400000000000000900",
        channel_id: row?.["channel_id"],
        channel_type: 1,
      }),
      guild_id: undefined,
      member: undefined,
      type: 19,
      message_reference: { message_id: row?.["id"], channel_id: row?.["channel_id"] },
      referenced_message: own,
    });
    assert.equal(posted().length, 2);
    assert.match(asked.at(-1) ?? "", /in reply to/);
    assert.doesNotMatch(asked.join(), /test\/model/);
    const at = { guildId: undefined, isGroup: false, isElsewhere: false };
    assert.equal((await show(account, own, at))?.text, "fine");
  });

  it("[R6] says that it is cut, and the conversation does not", async () => {
    const cut = async function* (): AsyncIterable<ModelPart> {
      yield { kind: "text", text: "Well," };
      yield await Promise.resolve({ kind: "finish", reason: "length" });
    };
    const { model } = scripted(cut);
    const { dm, posted, rows } = await build({ model });
    await dm("tell me all");
    assert.match(posted()[0] ?? "", /^Well,\s*\n-# My answer stops here: it reached the maximum/);
    const kept = rows("SELECT parts FROM entry WHERE role = 'assistant'");
    assert.doesNotMatch(JSON.stringify(kept), /stops here/);
  });

  it("[N1] of a passive agent is not posted if an active one answers", async () => {
    const scene = await build();
    const origin = { kind: "passive", messageId: messageId("7"), isAnswered: true } as never;
    await scene.put(guildMessage({ origin }));
    assert.deepEqual([scene.states(), scene.posted()], [["answered"], []]);
  });

  const receipts = (mode: string) => ({ messages: { receipts: mode } });
  const changing = { toolServices: { tools: () => [toolNamed("remind")] } };

  it("[R15a] has its receipts below it", async () => {
    const { dm, posted } = await build({ ...changing, beside: receipts("always") });
    await dm("well?");
    assert.deepEqual(posted(), ["fine\n-# Nothing was changed"]);
  });

  it("[C9] keeps the config with which it began", async () => {
    const gate = Promise.withResolvers<string>();
    const reactions = { ackReaction: "👀", ackReactionScope: "all", removeAckAfterReply: true };
    const { dm, pass, reload, posted, requests } = await build({
      ...changing,
      says: () => gate.promise,
      beside: { messages: { ...reactions, receipts: "always" } },
    });
    await dm("well?");
    await reload({}, { messages: { receipts: "off", ackReaction: "👀", footer: "all" } });
    await pass(1_000);
    gate.resolve("fine");
    await pass(1_000);
    assert.deepEqual(posted(), ["fine\n-# Nothing was changed"]);
    assert.ok(requests.some(({ method, path }) => method === "DELETE" && /reactions/.test(path)));
  });

  it("[S5] waits for the answers to earlier questions, which it has seen", async () => {
    const gate = Promise.withResolvers<string>();
    const { ask, asked, posted, quiet } = await build({
      says: (text) => text.includes("separately") ? "to the second" : gate.promise,
      beside: { messages: { queue: { mode: "followup", turnsPerChannel: 2 } } },
    });
    await ask("first?");
    const author = { id: "1900000000000000002", username: "bob", discriminator: "0" };
    await ask("second?", { author });
    assert.match(asked[1] ?? "", /answered separately.*first\?/);
    assert.equal(asked[1]?.split("first?").length, 2, "once");
    assert.deepEqual(posted(), []);
    gate.resolve("to the first");
    await quiet();
    assert.deepEqual(posted(), ["to the first", "to the second"]);
  });
});

describe("a turn that does not go to its end at once", () => {
  it("[R11] says what was done before it failed, and remembers it", async () => {
    const { dm, lines, posted, states, rows } = await build({
      model: scripted(calls, failing).model,
      ...tide(),
    });
    await dm("well?");
    assert.deepEqual(states(), ["failed"]);
    const { failureId } = lines.find(({ event }) => event === "A turn failed")?.fields ?? {};
    assert.match(posted()[0] ?? "", new RegExp(`overloaded[^]*${failureId}`));
    assert.deepEqual(rows("SELECT role FROM entry").map(({ role }) => role), [
      ...["user", "assistant", "tool", "assistant"],
    ]);
  });

  it("[R11] posts no notice in a guild for a scheduled task, which no person waits for", async () => {
    const { put, posted, states } = await build({ model: scripted(failing).model });
    await put(guildMessage({ origin: { kind: "schedule", scheduleId: 1, dueAt: 1 } }));
    assert.deepEqual([states(), posted()], [["failed"], []]);
  });

  it("[X2] keeps the model's answer until the disk accepts it, without a second request", async () => {
    const { dm, store, asked, posted, pass } = await build();
    const { finishTurn } = store.turns;
    const full = () => Promise.reject(new StoreError("disk full", { kind: "full", path: "" }));
    Object.assign(store.turns, { finishTurn: full });
    await dm("well?");
    assert.deepEqual(posted(), []);
    Object.assign(store.turns, { finishTurn });
    await pass(5_000);
    assert.deepEqual([asked.length, posted()], [1, ["fine"]]);
  });

  for (const method of ["finishTurn", "entriesOf"] as const) {
    it(`[R11] fails if the store refuses ${method}, instead of running for ever`, async () => {
      const { dm, store, states, posted } = await build();
      const own = store.turns[method];
      const refuses = () => {
        Object.assign(store.turns, { [method]: own });
        return Promise.reject(new Error("refused"));
      };
      Object.assign(store.turns, { [method]: refuses });
      await dm("well?");
      assert.deepEqual(states(), ["failed"]);
      assert.match(posted()[0] ?? "", /wrong/);
    });
  }

  it("[G12] is left to the next start, without a message", async () => {
    const { account, dm, states, posted, quiet } = await build({
      says: () => new Promise(() => {}),
    });
    await dm("well?");
    account.endGrace();
    await quiet();
    assert.deepEqual([states(), posted()], [["running"], []]);
  });

  it("[T1] fails once its time is over", async () => {
    const model: Model = {
      id: "test/model",
      // deno-lint-ignore require-yield -- it never answers
      async *generate(_, signal) {
        await whenAborted(signal);
        signal.throwIfAborted();
      },
    };
    const beside = { agents: { turnTimeoutSec: 60 } };
    const { dm, states, pass } = await build({ model, beside });
    await dm("well?");
    await pass(61_000, 1_000);
    assert.deepEqual(states(), ["failed"]);
  });

  it("[D3] asks no model and stores no end once Discord has refused the token", async () => {
    const scene = await build({
      answer({ method, path }) {
        if (method === "GET" && path.includes("/messages?")) {
          scene.account.end({ kind: "give_up", exit: true });
        }
        return undefined;
      },
    });
    for (const text of ["well?", "and now?"]) await scene.ask(text);
    assert.deepEqual([scene.asked, scene.states()], [[], ["running", "waiting"]]);
  });
});

describe("[S6] [T2b] requests of a session", () => {
  it("each begin as the one before them, across tools and turns", async () => {
    const { model, requests } = scripted(calls, () => says("low"), () => says("lower"));
    const { dm } = await build({ model, ...tide() });
    await dm("one?");
    await dm("two?");
    const [first, second, third] = requests;
    const shown = ({ messages }: ModelRequest) => messages.map(({ role, text }) => [role, text]);
    assert.ok(first && second && third);
    for (const [before, after] of [[first, second], [second, third]] as const) {
      assert.equal(after.system, before.system);
      assert.deepEqual(after.tools, before.tools);
      assert.deepEqual(shown(after).slice(0, before.messages.length), shown(before));
    }
  });
});
