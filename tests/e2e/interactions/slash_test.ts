/** Tests slash commands from their registration to their answer. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import type { RequestRecord } from "../../../simulator/notes/request_log.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import { buttonsIn, textOf } from "../../../simulator/world/components.ts";
import type { Interaction, Message } from "../../../simulator/world/world.ts";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import { DEAD_BUTTON } from "../../../src/render/sentences.ts";
import { killBot, type Scene, type SceneOptions, withSimulation } from "../../support/bot/e2e.ts";
import { ownBot, sharedBot, type Stage } from "../../support/bot/shared_bot.ts";
const BLOCKED_MS = 5_000;

function registeredOfSlash({ simulator }: Scene): readonly string[] {
  return simulator.application.commands.map(({ name }) => name);
}

/** Polls for commands and ephemeral answers, which cause no event in the simulator's world. */
async function seen<Value>(
  { eventually }: Scene,
  what: string,
  look: () => Value | false | undefined,
): Promise<Value> {
  let found: Value | false | undefined;
  await eventually(what, () => Promise.resolve(Boolean(found = look())));
  assert.ok(found);
  return found;
}

const BLOCKING = { BARNACLE_FAULT: `block_main:${BLOCKED_MS}` };

/** Blocks the main thread, and gives a command, which is acknowledged meanwhile. */
async function giveWhileBlocked(scene: Scene, bot: SimulatedProcess): Promise<void> {
  await isRegistered(scene);
  bot.kill("SIGUSR2");
  const asked = scene.simulator.command({ as: "grace", in: scene.here, name: "status" });
  await seen(scene, "the deferral", () => asked.answer);
  assert.equal(asked.answer?.kind, "deferred", "the main thread is still blocked");
}

function isRegistered(scene: Scene): Promise<boolean> {
  return seen(scene, "the commands", () => registeredOfSlash(scene).length > 0);
}

describe("[K1] [K2] commands", () => {
  it("[K5] are answered before the process stops, and after a deferral that failed once", () =>
    withSimulation(
      { mayRefuse: ({ status }) => status === 502 },
      async (scene) => {
        const { simulator } = scene;
        const bot = await scene.start();
        await isRegistered(scene);
        simulator.faults.rest.add({
          method: "POST",
          route: "/interactions/:id/:token/callback",
          times: 1,
          fault: { kind: "status", status: 502 },
        });
        simulator.faults.rest.add({ method: "PATCH", times: 1, fault: { kind: "delay", ms: 500 } });
        const asked = simulator.command({ as: "grace", in: "#general", name: "status" });
        await seen(scene, "the deferral", () => asked.answer);
        bot.kill("SIGTERM");
        await bot.exited;
        assert.match(simulator.ephemeral("grace")[0]?.content ?? "none", /^Barnacle /);
      },
    ));

  it("[K5] are answered if the stop begins before the main thread has them", () =>
    withSimulation({ env: BLOCKING }, async (scene) => {
      const { simulator, start } = scene;
      const bot = await start();
      await giveWhileBlocked(scene, bot);
      bot.kill("SIGTERM"); // the main thread gets this and the command at the same moment
      await bot.exited;
      assert.match(simulator.ephemeral("grace")[0]?.content ?? "none", /^Barnacle /);
    }));
});

/** The command leaves a line behind for each of its runs. */
const RUN = 'call: exec {"argv":["sh","-c","echo it ran >> ran.txt; cat ran.txt"]}';

/** A RESUME brings a press again, which the killed process has acknowledged. */
function isRepeated({ path, status }: RequestRecord): boolean {
  return status === 400 && path.endsWith("/callback");
}

let scenes = 0;

const OPTIONS: SceneOptions = {
  mayRefuse: isRepeated,
  env: { BARNACLE_FAULT: `block_main:${BLOCKED_MS}` },
};

/** Runs a scene in which ada owns the bot and approves commands, and whose main thread can block. */
async function withApprovals(
  stage: Stage,
  test: (scene: Scene, runs: () => number, bot: SimulatedProcess) => Promise<void>,
): Promise<void> {
  const workspace = join(process.env["TMPDIR"] ?? "/tmp", `press-${process.pid}-${++scenes}`);
  mkdirSync(workspace, { recursive: true });
  const file = join(workspace, "ran.txt");
  const runs = () => existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length : 0;
  await stage((scene, bot) => test(scene, runs, bot), {
    discord: (simulator: Simulator) => ({
      execApprovals: { enabled: true, approvers: [simulator.user("ada")] },
    }),
    config: {
      commands: { ownerAllowFrom: ["1456074443980800000"] },
      exec: { mode: "ask", sandbox: "off" },
      agents: { defaults: { workspace } },
    },
  });
}

/** The card of an approval, once ada has it. */
async function cardOf({ simulator, say, mention, until, here }: Scene): Promise<Message> {
  say("ada", here, `${mention}\n${RUN}`);
  const { id } = simulator.channel("dm", "ada");
  return await until(
    "an approval",
    () => simulator.posted(id).findLast(({ components }) => buttonsIn(components).length > 0),
  );
}

/** Presses "Allow once", and waits for the acknowledgement. */
async function press({ simulator, until }: Scene, card: Message): Promise<Interaction> {
  const button = buttonsIn(card.components).find(({ label }) => label === "Allow once");
  assert.ok(button);
  const on = { as: "ada", in: "dm", message: card.id, customId: button.custom_id };
  const pressed = simulator.press(on);
  await until("an acknowledgement", () => pressed.answer);
  return pressed;
}

const answerWith = ({ until, written, here }: Scene, text: RegExp) =>
  until(`an answer with ${text}`, () => written(here).some((one) => text.test(one)));

/** The text of a card now; the settled one has no buttons. */
const now = ({ simulator }: Scene, { id }: Message): Message => {
  const message = simulator.channel("dm", "ada").messages.get(id);
  assert.ok(message);
  return message;
};

describe("[K5] a press of a button", () => {
  const play = sharedBot(OPTIONS);
  const alone = ownBot(OPTIONS);

  it("is acknowledged while the main thread is blocked, and acts once after it", () =>
    withApprovals(play, async (scene, runs, bot) => {
      const card = await cardOf(scene);
      const blockedAt = performance.now();
      bot.kill("SIGUSR2");
      const pressed = await press(scene, card);
      assert.equal(pressed.answer?.kind, "deferred", "the main thread is still blocked");
      assert.equal(runs(), 0);
      await answerWith(scene, /it ran/);
      assert.ok(performance.now() - blockedAt >= BLOCKED_MS, "the thread was not blocked at all");
      assert.equal(runs(), 1);
      await scene.until("the card", () => buttonsIn(now(scene, card).components).length === 0);
      assert.match(textOf(now(scene, card)), new RegExp(scene.user("ada").id));
      assert.deepEqual(scene.simulator.failedInteractions(), []);
    }));

  it("acts once if the process is killed between the acknowledgement and the action", () =>
    withApprovals(alone, async (scene, runs, first) => {
      const { start, until, simulator } = scene;
      const card = await cardOf(scene);
      first.kill("SIGUSR2");
      const pressed = await press(scene, card);
      await killBot(first);
      assert.equal(runs(), 0);
      await start();
      await answerWith(scene, /it ran/);
      await until("the card", () => pressed.answer?.kind === "updated");
      assert.equal(runs(), 1);
      assert.deepEqual(buttonsIn(now(scene, card).components), []);
      assert.deepEqual(simulator.failedInteractions(), []);
    }));

  it("[SEC-R19] below another message executes nothing, also while the main thread is blocked", () =>
    withApprovals(play, async (scene, runs, bot) => {
      const { simulator, say, until, here } = scene;
      const card = await cardOf(scene);
      const { id } = say("grace", here, "the same buttons");
      const forged = simulator.channel(here).messages.get(id);
      assert.ok(forged);
      Object.assign(forged, {
        author: { kind: "user", userId: simulator.application.userId },
        components: card.components,
      });
      bot.kill("SIGUSR2");
      const button = buttonsIn(card.components).find(({ label }) => label === "Allow once");
      const customId = button?.custom_id ?? "";
      const pressed = simulator.press({ as: "ada", in: here, message: id, customId });
      await until("an acknowledgement", () => pressed.answer);
      await until("the refusal", () => simulator.ephemeral("ada").length > 0);
      assert.equal(simulator.ephemeral("ada")[0]?.content, DEAD_BUTTON);
      assert.equal(runs(), 0);
      await press(scene, card);
      await answerWith(scene, /it ran/);
      assert.equal(runs(), 1, "the press of the card itself");
    }));
});
