/** Tests which turns of an account run, wait and end, from the gateway's event to the answers. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wakeTurns } from "../../../src/account/per_account.ts";
import type { Model } from "../../../src/core/model.ts";
import { type Tool } from "../../../src/core/turn/tool.ts";
import { endTurns } from "../../../src/flows/turn/turns.ts";
import { whenAborted } from "../../../src/lib/clock.ts";
import { StoreError } from "../../../src/store/database/database_files.ts";
import { type Given, OWNER, SELF, testAccount } from "../../support/bot/test_account.ts";
import {
  ACCOUNT,
  channelId,
  directMessage,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { CHANNEL, GUILD } from "../../support/discord/payloads.ts";
import { accepted, batch } from "../../support/store/store.ts";

const by = (id: string) => {
  const author = { id: `19${id.padStart(16, "0")}`, username: `user${id}`, discriminator: "0" };
  return { author: id === "owner" ? { ...author, id: OWNER } : author, member: { roles: [] } };
};

const NO_TOOLS: readonly Tool[] = [];

/** A bot whose model answers each question once the test says so. */
async function build({ turns = 8, queue = {}, ...given }: Given & {
  readonly turns?: number;
  readonly queue?: object;
} = {}) {
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const started: string[] = [];
  const model: Model = {
    id: "test/model",
    async *generate({ messages }, signal) {
      const id = /.*question (\w+)/s.exec(JSON.stringify(messages.at(-1)))?.[1] ?? "";
      started.push(id);
      const gate = Promise.withResolvers<void>();
      gates.set(id, gate);
      await Promise.race([gate.promise, whenAborted(signal)]);
      signal.throwIfAborted();
      yield { kind: "text", text: `answer ${id}` };
      yield { kind: "finish", reason: "stop" };
    },
  };
  const scene = await testAccount({
    discord: {
      dm: { policy: "open", allowFrom: ["*"] },
      guilds: { [GUILD]: { users: ["*"], channels: { [CHANNEL]: {} } } },
    },
    beside: {
      agents: { maxConcurrentTurns: turns },
      messages: { queue: { mode: "followup", turnsPerChannel: 3, ...queue } },
    },
    toolServices: { tools: () => NO_TOOLS }, // the same ones: so people have the same rights
    ...given,
    model: given.says ? undefined : given.model ?? model,
  });
  const { write, dm, rows, quiet } = scene;
  const mentions = [{ id: SELF.userId, username: "barnacle", discriminator: "0" }];
  return {
    ...scene,
    started,
    states: () => rows("SELECT state FROM inbox ORDER BY id").map(({ state }) => state),
    /** Someone asks in the channel. @param id The first word of the question. */
    ask: (id: string, who = id, text = `question ${id}?`) =>
      write(`<@${SELF.userId}> ${text}`, { mentions, ...by(who) }),
    /** Someone asks in direct messages. */
    askAlone: (id: string, who = id) =>
      dm(`question ${id}?`, { channel_id: `18${by(who).author.id.slice(2)}`, ...by(who) }),
    async answers(...ids: readonly string[]) {
      for (const id of ids) gates.get(id)?.resolve();
      await quiet();
    },
  };
}

describe("[X4a] turns while people ask more than the bot can answer", () => {
  it("begin for an owner at once, and for each other person one after the other", async () => {
    const { ask, askAlone, started, answers } = await build({ turns: 4 });
    await askAlone("1", "7");
    await ask("2", "7");
    for (const id of ["8", "9", "10"]) await askAlone(id);
    assert.deepEqual(started, ["1", "8", "9"], "one place is kept, and 7 has a turn already");
    await askAlone("90", "owner");
    assert.deepEqual(started.slice(3), ["90"]);
    await answers("90", "8");
    assert.deepEqual(started.slice(4), ["10"], "the kept place is for owners");
    await answers("1");
    assert.deepEqual(started.slice(5), ["2"]);
  });

  it("take the place of a turn that only waits for those before it", async () => {
    const { ask, askAlone, started, answers } = await build({ turns: 4 });
    for (const id of ["7", "8"]) await ask(id);
    for (const id of ["9", "10"]) await askAlone(id);
    assert.deepEqual(started, ["7", "8", "9"]);
    await answers("8");
    assert.deepEqual(started, ["7", "8", "9", "10"]);
  });
});

describe("[S5] turns of an account", () => {
  it("miss no message that arrives while a claim finds none", async () => {
    for (let ticks = 0; ticks < 20; ticks++) {
      const { account, store, states, quiet } = await build({ says: () => "fine" });
      const judged = [accepted(directMessage())];
      const { claimNext } = store.inbox;
      Object.assign(store.inbox, {
        async claimNext(...args: Parameters<typeof claimNext>) {
          const claim = await claimNext(...args);
          for (let tick = 0; tick < 3; tick++) await Promise.resolve();
          return claim;
        },
      });
      wakeTurns(account);
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      await store.inbox.acceptBatch(batch({ judged }), 0);
      wakeTurns(account);
      await quiet();
      assert.deepEqual(states(), ["answered"], String(ticks));
    }
  });

  it("begin with one wake for all that wait, in different sessions", async () => {
    const { account, store, started, quiet } = await build();
    const judged = ["7", "8"].map((id) => {
      const who = { channelId: channelId(id), sender: sender({ id: userId(id) }) };
      const message = directMessage({ ...who, id: messageId(id), text: `question ${id}` });
      return accepted(message, { agentId: "main", sessionKey: `agent:main:discord:dm:${id}` });
    });
    await store.inbox.acceptBatch(batch({ judged }), 0);
    wakeTurns(account);
    await quiet();
    assert.deepEqual(started, ["7", "8"]);
  });

  it("begin again later if the store fails at their claim or their end", async () => {
    const failed = () => Promise.reject(new StoreError("disk full", { kind: "full", path: "" }));
    for (const table of ["inbox", "turns"] as const) {
      const { askAlone, pass, states, store, lines } = await build({
        says: () => "fine",
        turns: 1,
      });
      const name = table === "inbox" ? "claimNext" : "entriesOf";
      const own = Reflect.get(store[table], name);
      Object.assign(store[table], { [name]: failed });
      await askAlone("7");
      assert.equal(lines.filter(({ level }) => level === "error").length, 1);
      Object.assign(store[table], { [name]: own });
      await pass(5_000);
      assert.deepEqual(states(), ["answered"], table);
    }
  });

  it("are not begun again once a change has ended them", async () => {
    const { askAlone, account, started, store, states, answers, pass } = await build();
    await askAlone("7");
    const { finishTurn } = store.turns;
    Object.assign(store.turns, {
      async finishTurn() {
        await store.inbox.stopTurns({ accountId: ACCOUNT }, 0);
        Object.assign(store.turns, { finishTurn });
        throw new Error("refused");
      },
    });
    await answers("7");
    wakeTurns(account);
    await pass(10_000);
    assert.deepEqual([states(), started], [["stopped"], ["7"]]);
  });

  it("show their answers in the order of the questions", async () => {
    const { ask, askAlone, posted, started, answers } = await build();
    await askAlone("6");
    for (const id of ["7", "8", "9", "10"]) await ask(id);
    assert.deepEqual(started, ["6", "7", "8", "9"], "three side by side");
    await answers("9", "8");
    assert.deepEqual(posted(), []);
    await answers("7");
    assert.deepEqual(posted(), ["answer 7", "answer 8", "answer 9"]);
  });

  it("do not wait for one that is stopped", async () => {
    const { ask, posted } = await build({
      says: (asked) => asked.includes("question 8") ? "answer 8" : new Promise(() => {}),
    });
    for (const id of ["7", "8"]) await ask(id);
    assert.deepEqual(posted(), []);
    await ask("70", "7", "/stop");
    assert.deepEqual(posted().filter((text) => text.startsWith("answer")), ["answer 8"]);
  });

  it("let a command wait for those that run, and no later question pass it", async () => {
    const { ask, started, states, answers } = await build();
    for (const id of ["7", "8"]) await ask(id);
    await ask("9", "9", "/new");
    await ask("10");
    await ask("owner");
    assert.deepEqual(started, ["7", "8", "owner"], "an owner waits for no one's command");
    await answers(...started);
    assert.deepEqual([states()[2], started.slice(3)], ["answered", ["10"]]);
  });

  it("let questions pass a command whose sender waits for a turn of their own", async () => {
    for (const id of ["7", "owner"]) {
      const { ask, started } = await build();
      await ask(id);
      await ask("70", id, "/new");
      await ask("8");
      assert.deepEqual(started, [id, "8"]);
    }
  });

  it("end for a later message in the mode interrupt, if its turn may begin", async () => {
    for (const [who, shown] of [["8", ["answer 7"]], ["9", []], ["owner", ["answer 7"]]] as const) {
      const { ask, askAlone, posted, answers } = await build({ queue: { mode: "interrupt" } });
      await askAlone("8");
      await ask("7");
      await ask("70", who);
      await answers("7");
      assert.deepEqual(posted(), shown, who);
    }
  });

  it("end in the mode interrupt also if they only wait for an earlier one, without an answer", async () => {
    const { ask, write, posted, rows, started, answers } = await build({
      queue: { mode: "interrupt" },
    });
    const mentions = [{ id: SELF.userId, username: "barnacle", discriminator: "0" }];
    const other = { mentions, ...by("8"), member: { roles: ["1700000000000000005"] } }; // other rights
    await ask("7");
    await write(`<@${SELF.userId}> question 8?`, other);
    await answers("8");
    await write(`<@${SELF.userId}> question 80?`, other);
    assert.deepEqual([started, posted()], [["7", "8", "80"], []]);
    await answers("7", "80");
    assert.deepEqual(posted(), ["answer 7", "answer 80"]);
    const roles = rows("SELECT role FROM entry").map(({ role }) => role);
    assert.equal(roles.filter((role) => role === "assistant").length, 2);
    assert.equal(roles.length, 5);
  });

  it("[R7] show that the bot is typing as long as they run", async () => {
    const { askAlone, requests, answers, pass } = await build();
    const typing = () => requests.filter(({ path }) => path.endsWith("/typing")).length;
    await askAlone("7");
    await pass(300);
    assert.equal(typing(), 1);
    await answers("7");
    await pass(20_000);
    assert.equal(typing(), 1);
  });
});

describe("[G12] endTurns()", () => {
  it("claims nothing more, and waits for running turns", async () => {
    const { account, askAlone, started, answers } = await build({ turns: 2 });
    for (const id of ["7", "8"]) await askAlone(id);
    let isOver = false;
    const over = endTurns(account).then(() => isOver = true);
    await answers();
    assert.equal(isOver, false);
    await answers("7");
    await over;
    assert.deepEqual(started, ["7"]);
  });

  it("[L4] ends the request for a summary, and waits for the store that gets one", async () => {
    for (const isAsked of [true, false]) {
      const signals: AbortSignal[] = [];
      const gate = Promise.withResolvers<void>();
      let sent = 0;
      const { account, dm, quiet, store: { sessions } } = await build({
        model: {
          id: "test/model",
          window: { contextWindow: 8_192, maxOutput: 512, from: "server" },
          async *generate(_, signal) {
            signals.push(signal);
            if (signals.length > sent && isAsked) await gate.promise;
            yield { kind: "text", text: "fine" };
            yield { kind: "finish", reason: "stop" };
          },
        },
      });
      const { fold } = sessions;
      Object.assign(sessions, {
        fold: (...of: Parameters<typeof fold>) => gate.promise.then(() => fold(...of)),
      });
      for (; signals.length === sent && sent < 30; await dm("tide ".repeat(380))) sent++;
      let isOver = false;
      const over = endTurns(account).then(() => isOver = true);
      await quiet();
      assert.deepEqual([isOver, signals.length], [isAsked, sent + 1]);
      assert.ok(!isAsked || signals.at(-1)?.aborted);
      gate.resolve();
      await over;
    }
  });
});
