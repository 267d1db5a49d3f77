import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import type { Model } from "../../../src/core/model.ts";
import { isSupervised } from "../../../src/host/process/boot.ts";
import { knowPause, pauseChanged } from "../../../src/flows/interactions/stop.ts";
import { ADA, commandAccount, GRACE } from "../../support/bot/commands.ts";
import type { Given } from "../../support/bot/test_account.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { GUILD } from "../../support/discord/payloads.ts";

const OPEN = {
  dm: { policy: "open", allowFrom: ["*"] },
  guilds: { [GUILD]: { requireMention: false } },
};
const open = (given: Given = {}) => commandAccount({ discord: OPEN, ...given });
const NEVER = { says: () => new Promise<string>(() => {}) };
const states = (bot: Awaited<ReturnType<typeof open>>) =>
  bot.rows("SELECT state FROM inbox ORDER BY message_id").map(({ state }) => state);

describe("[K2] [S4a] /reset and /new", () => {
  it("begin a new conversation, and say so if there is nothing to leave behind", async () => {
    const { slash, dm, asked } = await open();
    await dm("the tide is high");
    assert.match(await slash("reset", {}, { as: ADA }), /^A new conversation begins/);
    assert.match(await slash("reset", {}, { as: ADA }), /is new already/);
    await dm("hello");
    assert.doesNotMatch(asked.join(), /"hello".*the tide/);
  });

  it("/new may begin with a message", async () => {
    const { slash, dm, asked } = await open();
    for (const message of [undefined, " "]) {
      await dm("hello");
      const options: Record<string, string> = message === undefined ? {} : { message };
      assert.match(await slash("new", options, { as: ADA }), /^A new conversation begins/);
    }
    await dm("hello");
    const text = await slash("new", { message: "when is high tide?" }, { as: ADA });
    assert.match(text, /^I'm on it\. My answer will be in this channel/);
    assert.match(asked.at(-1) ?? "", /when is high tide\?/);
  });
});

describe("[K2] [S4a] /compact", () => {
  const compacted = async (model: Partial<Model>, beside = {}) => {
    const bot = await open({ beside });
    assert.match(await bot.slash("compact", {}, { as: ADA }), /nothing to fold/);
    await bot.dm("hello");
    Object.assign(bot.account.settings.models.of("main"), model);
    return await bot.slash("compact", {}, { as: ADA });
  };

  it("folds the conversation, or tells that the model gave no summary", async () => {
    assert.match(await compacted({}), /folded this conversation/);
    const generate: Model["generate"] = () => {
      throw new Error("offline");
    };
    assert.match(await compacted({ generate }), /nothing has changed/);
  });

  it("[X4] costs nothing beyond a budget", async () => {
    const asked: string[] = [];
    const generate: Model["generate"] = () => {
      asked.push("asked");
      throw new Error("offline");
    };
    const budgets = { perUser: { tokensPerDay: 100 } };
    assert.match(await compacted({ generate }, { budgets }), /went wrong|used up/);
    assert.deepEqual(asked, []);
  });
});

describe("[S5] [K3] /stop and its button", () => {
  it("stop the asker's turns, and those of others with the right alone", async () => {
    for (
      const [as, state] of [[{ ...ADA, id: "1900000000000000002" }, "running"], [ADA, "stopped"], [
        GRACE,
        "stopped",
      ]] as const
    ) {
      const bot = await open(NEVER);
      await bot.write("hello");
      const text = await bot.slash("stop", {}, { as, in: "guild" });
      assert.match(text, state === "stopped" ? /^Stopped/ : /^There is nothing to stop/);
      assert.deepEqual(states(bot), [state], as.username);
    }
  });

  it("work by the button below a progress line", async () => {
    const bot = await open(NEVER);
    await bot.dm("hello");
    assert.match((await bot.press("stop:", { as: ADA })).join(), /^Stopped/);
    assert.deepEqual(states(bot), ["stopped"]);
  });
});

describe("[X4] /pause", () => {
  it("stops all turns but its own, and lets the bot go on; for owners alone", async () => {
    const bot = await open(NEVER);
    assert.match(await bot.slash("pause", {}, { as: ADA }), /not authorized/);
    await bot.write("hello");
    await bot.dm("/pause", { author: GRACE });
    assert.match(bot.posted().join(), /paused everywhere; stopped turns: 1/);
    assert.deepEqual(states(bot), ["stopped", "answered"]);
    assert.equal(bot.store.settings.isPaused(ACCOUNT), true);
    assert.equal(await bot.slash("pause"), "I am back.");
    assert.equal(bot.store.settings.isPaused(ACCOUNT), false);
  });

  it("is not taken back if a crash repeats its command, nor is its end", async () => {
    const { slash, clock } = await open();
    const repeated = { fields: { id: String((BigInt(clock.now()) - 1420070400000n) << 22n) } };
    for (let n = 0; n < 2; n++) assert.match(await slash("pause", {}, repeated), /^I am paused/);
    assert.equal(await slash("pause"), "I am back.");
  });

  it("stops turns once if the command line pauses the bot, and none for its own", async () => {
    const bot = await open(NEVER);
    const { account, store, clock, quiet, lines } = bot;
    const byHand = (to: boolean) =>
      store.settings.changePause(ACCOUNT, { to, by: "cli" }, clock.now());
    await bot.write("hello");
    await pauseChanged(account);
    assert.deepEqual(states(bot), ["running"]);
    await byHand(true);
    await pauseChanged(account);
    await pauseChanged(account);
    await quiet();
    const told = () => lines.filter(({ event }) => event.includes("by the command line")).length;
    assert.deepEqual([states(bot), told()], [["stopped"], 1]);
    await byHand(false);
    await pauseChanged(account);
    assert.equal(told(), 2);
    await bot.slash("pause");
    await pauseChanged(account);
    assert.equal(told(), 2);
  });

  it("stops nothing for a pause from before the start", async () => {
    const { account, store, lines } = await open();
    await store.settings.changePause(ACCOUNT, { to: true, by: "cli" }, 1);
    await knowPause(account);
    await pauseChanged(account);
    assert.ok(!lines.some(({ event }) => event.includes("is paused")));
  });
});

describe("[K2] /restart", () => {
  it("stops the process once for each command", async () => {
    let stops = 0;
    const onStop = () => void stops++;
    process.on("SIGTERM", onStop);
    try {
      const { slash, account, pass, clock } = await open();
      Object.assign(account.bot, { env: { BARNACLE_SUPERVISED: "1" } });
      const repeated = { fields: { id: String((BigInt(clock.now()) - 1420070400000n) << 22n) } };
      assert.equal(
        await slash("restart", {}, repeated),
        "I am restarting. I will be back in a moment.",
      );
      assert.equal(await slash("restart", {}, repeated), "I have restarted.");
      await pass(1_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(stops, 1);
    } finally {
      process.off("SIGTERM", onStop);
    }
  });

  it("is refused where nothing would start the process again", async () => {
    assert.match(await (await open()).slash("restart"), /no supervisor/);
  });

  const cases: readonly [env: Record<string, string>, is: boolean][] = [
    [{}, false],
    [{ INVOCATION_ID: "a", SYSTEMD_EXEC_PID: "6" }, false], // a terminal of a desktop
    [{ SYSTEMD_EXEC_PID: "7" }, true],
    [{ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, true],
    [{ BARNACLE_SUPERVISED: "1" }, true],
    [{ BARNACLE_SUPERVISED: "0" }, false],
  ];
  for (const [env, is] of cases) {
    it(`${is ? "has" : "has no"} supervisor with ${JSON.stringify(env)}`, () => {
      assert.equal(isSupervised(env, 7), is);
    });
  }
});
