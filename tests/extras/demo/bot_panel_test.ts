import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Env } from "../../../src/lib/env.ts";
import {
  createBotPanel,
  type DemoBotFacts,
  drawBotCard,
} from "../../../src/extras/demo/bot_panel.ts";
import { SCRIPT } from "../../../src/extras/demo/models.ts";
import { createNotices } from "../../../src/extras/demo/notices.ts";
import type { DemoTalk } from "../../../src/extras/demo/simulation/busy_room.ts";
import { createOutcomes } from "../../../src/extras/demo/simulation/outcomes.ts";
import type { BotPanelNews } from "../../../simulator/page/bot_panel.ts";
import { startSimulator } from "../../../simulator/simulator.ts";
import { ACCOUNT, channelId, messageId, userId } from "../../support/discord/builders.ts";
import type { RecordedVerdict } from "../../../src/store/messages/message_record.ts";

const DECISION: RecordedVerdict = {
  id: 1,
  accountId: ACCOUNT,
  messageId: messageId("1480000000000000001"),
  channelId: channelId("1"),
  authorId: userId("2"),
  verdict: "ignore",
  why: "no-mention",
  rule: "channels.discord.guilds.*.requireMention",
  at: 0,
};

/** A panel over a real Discord, with a stand-in for the bot. */
async function setUp(talks: readonly DemoTalk[] = []) {
  const simulator = await startSimulator();
  const pages: (readonly RecordedVerdict[])[] = [];
  const bot = { pid: 7 as number | undefined, restarts: [] as Env[], pressed: [] as string[] };
  const news: BotPanelNews[] = [];
  const errors: unknown[] = [];
  const resets: string[] = [];
  const other = { id: "openai", label: "gpt", hint: "", env: { OPENAI_MODEL: "gpt" } };
  let looked = () => {};
  let links = 0;
  const panel = createBotPanel({
    simulator,
    supervisor: {
      pid: () => bot.pid,
      kill() {},
      restart: (env) => void bot.restarts.push(env),
      stop() {},
      gaveUp: new Promise<never>(() => {}),
    },
    faults: {
      controls: () => [],
      press: (id) => bot.pressed.push(id) > 0 && id === "op7",
      settle: () => looked(),
    },
    talks,
    verdicts: {
      next: () => Promise.resolve(pages.shift() ?? []),
      scoreOf: () => Promise.resolve(undefined),
      close() {},
    },
    outcomes: createOutcomes([{ id: "main", name: "Barnacle" }]),
    notices: createNotices(() => 5),
    models: [SCRIPT, other],
    model: SCRIPT,
    readStatus: () => Promise.resolve({ isReady: true, gateway: "ready", unsent: 0, figures: [] }),
    dashboardLink: () => Promise.resolve(`/dashboard#${++links}`),
    onReset: ({ id }) => resets.push(id),
    onError: (error) => errors.push(error),
  });
  panel.subscribe((one) => news.push(one));
  return {
    panel,
    bot,
    pages,
    news,
    errors,
    resets,
    /** Resolves after the next update. */
    look: () => new Promise<void>((resolve) => looked = resolve),
    async [Symbol.asyncDispose]() {
      await panel.close();
      await simulator.close();
    },
  };
}

describe("[O5] createBotPanel()", () => {
  it("[P1] explains each verdict, and keeps it for pages that open later", async () => {
    await using simulation = await setUp();
    simulation.pages.push([DECISION]);
    await simulation.look();
    const judged = simulation.news.filter(({ kind }) => kind === "judged");
    assert.equal(judged.length, 1);
    assert.match(simulation.panel.judged()[0]?.words ?? "", /does not mention the bot/);
  });

  it("shows a stopped bot without its old figures", async () => {
    await using simulation = await setUp();
    assert.equal(simulation.panel.bot().state, "away");
    simulation.bot.pid = undefined;
    await simulation.look();
    await simulation.look();
    assert.equal(simulation.panel.bot().state, "offline");
    assert.ok(simulation.panel.bot().figures.some(({ value }) => value === "none"));
  });

  it("starts with the script, and changes the model only on request", async () => {
    await using simulation = await setUp();
    const chosen = () =>
      simulation.panel.bot().controls.filter(({ isOn }) => isOn).map(({ id }) => id);
    assert.deepEqual(chosen(), ["model:script"]);
    assert.deepEqual(simulation.bot.restarts, []);
    assert.deepEqual(await simulation.panel.press("model:openai"), {});
    assert.deepEqual(await simulation.panel.press("model:openai"), {}); // a second press has no effect
    assert.deepEqual(chosen(), ["model:openai"]);
    assert.deepEqual(simulation.bot.restarts, [{ OPENAI_MODEL: "gpt" }]);
    assert.match(simulation.panel.notices()[0]?.text ?? "", /gpt/);
  });

  it("starts over with the current model", async () => {
    await using simulation = await setUp();
    await simulation.panel.press("model:openai");
    assert.deepEqual(await simulation.panel.press("reset"), {});
    assert.deepEqual(simulation.resets, ["openai"]);
  });

  it("[O6] opens the bot's dashboard by a new link", async () => {
    await using simulation = await setUp();
    const [control] = simulation.panel.bot().controls.filter(({ opens }) => opens);
    assert.deepEqual(await simulation.panel.press(control?.id ?? ""), { open: "/dashboard#1" });
    assert.deepEqual(await simulation.panel.press(control?.id ?? ""), { open: "/dashboard#2" });
  });

  it("passes other buttons on, and reports unknown ones", async () => {
    await using simulation = await setUp();
    assert.deepEqual(await simulation.panel.press("op7"), {});
    assert.equal(await simulation.panel.press("model:none"), undefined);
    assert.deepEqual(simulation.bot.pressed, ["op7", "model:none"]);
    assert.deepEqual(simulation.errors, []);
  });
});

const FACTS: DemoBotFacts = {
  pid: 7,
  isConnected: true,
  figures: [{ name: "Memory", value: "60 MB" }],
  models: [SCRIPT, { id: "openai", label: "gpt", hint: "", env: {} }],
  modelId: "openai",
  faults: [],
  talks: [],
};

describe("drawBotCard()", () => {
  const states: readonly [Partial<DemoBotFacts>, string, readonly string[]][] = [
    [{}, "online", ["pid 7", "60 MB"]],
    [{ isConnected: false }, "away", ["pid 7", "60 MB"]],
    [{ pid: undefined }, "offline", ["none"]],
  ];
  for (const [change, state, values] of states) {
    it(`shows a bot that is ${state}`, () => {
      const card = drawBotCard({ ...FACTS, ...change });
      assert.equal(card.state, state);
      assert.deepEqual(card.figures.map(({ value }) => value), values);
    });
  }

  it("begins and ends a talk that the demo has, and no other one", async () => {
    const talk = { isOn: false };
    await using simulation = await setUp([{
      control: { id: "crowd", group: "demo", label: "Talk", hint: "" },
      isTalking: () => talk.isOn,
      toggle: () => void (talk.isOn = !talk.isOn),
      stop() {},
    }]);
    const shown = () =>
      simulation.panel.bot().controls.filter(({ id }) => id === "crowd").map(({ isOn }) => isOn);
    assert.deepEqual(shown(), [false]);
    assert.deepEqual(await simulation.panel.press("crowd"), {});
    assert.deepEqual(shown(), [true]);
    assert.equal(await simulation.panel.press("voice"), undefined);
  });

  it("offers each model, and marks the current one", () => {
    const { controls } = drawBotCard(FACTS);
    assert.deepEqual(
      controls.map(({ id, isOn }) => [id, isOn]),
      [[`model:${SCRIPT.id}`, false], ["model:openai", true], ["dashboard", false], [
        "reset",
        false,
      ]],
    );
  });
});
