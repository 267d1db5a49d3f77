/** Tests events of other programs: the whole bot, with senders over real sockets. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Simulator } from "../../../simulator/simulator.ts";
import { addUser } from "../../../simulator/world/create_world.ts";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import { ended, killBot, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { crashPoints } from "../../support/long_form.ts";

const SECRET = "hook-canary-9Fd2Kq7Lx4Vb8Nz1Tc6Rw3";

/** The text of an event of these tests. */
const TEMPLATE = "{{ monitor }} is {{ status | 0=down | 1=up }}";

type Hooks = Readonly<Record<string, object>>;

function hookTo(simulator: Simulator, where: string, more: object = {}): object {
  return { to: `channel:${simulator.channel(where).id}`, secret: SECRET, ...more };
}

async function withHooks(
  hooksOf: (simulator: Simulator) => Hooks,
  play: (scene: Scene) => Promise<void>,
  mayRefuse?: () => boolean,
): Promise<void> {
  await withSimulation({ mayRefuse }, async (scene) => {
    scene.rewrite({
      config: { http: { port: 0, hooks: { port: 0 } }, hooks: hooksOf(scene.simulator) },
    });
    await play(scene);
  });
}

async function addressOf(scene: Scene, bot: SimulatedProcess): Promise<string> {
  return JSON.parse(await scene.line(bot, /"Listening for hooks"/)).fields.address;
}

interface Sent {
  readonly status: number;
  readonly text: string;
  readonly id: string;
}

/** The bot's messages in the thread of the incident, which may not be there yet. */
function inThread({ simulator, written }: Scene): readonly string[] {
  const { channels } = simulator.world;
  return [...channels.values()].some(({ name }) => name === "web") ? written("web") : [];
}

/** Sends an event. */
async function send(
  address: string,
  hook: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Sent> {
  const response = await fetch(address + hook, {
    method: "POST",
    headers: { authorization: `Bearer ${SECRET}`, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = (await response.text()).trim();
  return { status: response.status, text, id: text.startsWith("{") ? JSON.parse(text).id : "" };
}

describe("[W1] [W2] [W3] [W4] [W5] hooks of the whole bot", () => {
  it("answer an event once, however often it is sent and the bot is killed", () =>
    withHooks((simulator) => ({
      ask: hookTo(simulator, "general"),
      post: hookTo(simulator, "off-topic", { model: false, template: TEMPLATE }),
    }), async (scene) => {
      const points = crashPoints(
        ["after:T3", "posted", ""],
        ["after:T2", "before:T3", "after:T4", "before:T5"],
      );
      const events = points.flatMap((_, index) =>
        ["ask", "post"].map((hook) => ({ hook, name: `${hook}-${index}` }))
      );
      const known = new Map<string, string>();
      const sendOne = async (address: string, { hook, name }: typeof events[number]) => {
        const body = { monitor: name, status: 1 };
        const { status, id } = await send(address, hook, body, { "idempotency-key": name });
        assert.equal(status, known.has(name) ? 200 : status === 200 ? 200 : 202);
        if (known.has(name)) assert.equal(id, known.get(name));
        known.set(name, id);
      };
      for (const [index, point] of points.entries()) {
        const bot = scene.startBot(point === "" ? {} : { BARNACLE_CRASH_AT: point });
        const address = await Promise.race([addressOf(scene, bot), bot.exited.then(() => "")]);
        for (const event of events.filter(({ name }) => name.endsWith(`-${index}`))) {
          if (address === "") break;
          await sendOne(address, event).catch((error: unknown) => {
            if (error instanceof assert.AssertionError) throw error; // the bot has been killed
          });
        }
        await killBot(bot); // between an event and its answer, unless it is dead already
      }
      const bot = await scene.start();
      const address = await addressOf(scene, bot);
      for (const event of events) await sendOne(address, event);
      const metrics = await (await scene.ask(bot, "/metrics")).text();
      assert.match(metrics, /barnacle_hook_requests_total\{hook="ask",result="\w+"\} [1-9]/);
      await scene.eventually("all events answered", () =>
        Promise.resolve(
          scene.rows("SELECT 1 FROM hook_event WHERE run_id IS NULL").length === 0 &&
            scene.rows("SELECT 1 FROM hook_run WHERE state <> 'done'").length === 0 &&
            scene.rows("SELECT 1 FROM outbox WHERE state IN ('pending', 'sending')").length === 0,
        ));
      assert.equal(scene.rows("SELECT 1 FROM hook_event").length, events.length);
      for (const [hook, channel] of [["ask", "general"], ["post", "off-topic"]] as const) {
        const runs = scene.rows(`SELECT 1 FROM hook_run WHERE hook = '${hook}'`);
        assert.equal(scene.written(channel).length, runs.length, scene.written(channel).join("\n"));
      }
      const posts = scene.written("off-topic").join("\n");
      for (const { name } of events.filter(({ hook }) => hook === "post")) {
        assert.equal(posts.split(`${name} is up`).length, 2, posts);
      }
    }));
});

describe("[W6] incidents of the whole bot", () => {
  it("keep an incident in one thread, over a kill, until it ends", () =>
    withHooks((simulator) => ({
      post: hookTo(simulator, "general", {
        model: false,
        template: "{{ note }}",
        thread: "{{ monitor }}",
        title: TEMPLATE,
        ends: { status: [1] },
        perMinute: 60,
      }),
    }), async (scene) => {
      const first = await scene.start();
      const event = { monitor: "web", status: 0 };
      await send(await addressOf(scene, first), "post", { ...event, note: "no answer" });
      await scene.until("the thread", () => inThread(scene).includes("no answer"));
      await killBot(first);

      const bot = await scene.start();
      const address = await addressOf(scene, bot);
      await send(address, "post", { ...event, note: "still no answer" });
      await scene.until("the second event", () => inThread(scene).includes("still no answer"));
      const shown = () => scene.written("general")[0] ?? "";
      await scene.until("its state", () => shown().includes("2 events"));
      assert.match(shown(), /^web is down\n/);

      await send(address, "post", { monitor: "web", status: 1, note: "back" });
      await scene.until("the end", () => shown().includes("ended"));
      assert.match(shown(), /^web is up\n-# post · 3 events · since <t:\d+:f>, ended <t:\d+:f>$/);
      await scene.eventually(
        "the archived thread",
        () =>
          Promise.resolve(
            scene.rows("SELECT 1 FROM hook_incident WHERE is_archived = 1").length === 1,
          ),
      );
      assert.deepEqual(inThread(scene), ["no answer", "still no answer", "back"]);
      assert.equal(scene.written("general").length, 1);

      await send(address, "post", { monitor: "web", status: 1, note: "up again" });
      await scene.until("an end without incident", () => scene.written("general").length === 2);
      assert.deepEqual(scene.written("general").slice(1), ["up again"]);
    }));
});

const listening = ({ simulator, here }: Scene, entries: readonly object[]) => {
  const post = `channel:${simulator.channel(here).id}`;
  const on = entries.map((entry) => ({ post, tools: [], cooldownSec: 0, ...entry }));
  return { config: { agents: { list: [{ id: "main", on }] } } };
};

function join({ simulator }: Scene, username: string): string {
  const { id } = addUser(simulator.world, { username }, Date.now());
  simulator.invite({ who: username });
  return id;
}

/** Waits until each of so many events has its answer. */
function allAnswered(scene: Scene, events: number): Promise<void> {
  return scene.eventually("all events answered", () =>
    Promise.resolve(
      scene.rows("SELECT 1 FROM hook_event WHERE run_id IS NOT NULL").length === events &&
        scene.rows("SELECT 1 FROM hook_run WHERE state IN ('claimed', 'running')").length === 0 &&
        scene.rows("SELECT 1 FROM outbox WHERE state IN ('pending', 'sending')").length === 0,
    ));
}

describe("[W7] events of servers", () => {
  it("are answered once, however often the bot is killed, and found after a lost session", () =>
    withSimulation({}, async (scene) => {
      scene.rewrite(listening(scene, [{ event: "member_join" }]));
      const points = crashPoints(["after:T1", "posted", ""], ["after:T2", "after:T3", "before:T5"]);
      for (const [index, point] of points.entries()) {
        const bot = scene.startBot(point === "" ? {} : { BARNACLE_CRASH_AT: point });
        await Promise.race([
          scene.until("online", () => scene.simulator.connected() === 1),
          bot.exited,
        ]);
        join(scene, `newcomer${index}`);
        if (point === "") bot.kill("SIGKILL");
        else setTimeout(() => bot.kill("SIGKILL"), 15_000).unref?.(); // unless it crashes before
        assert.deepEqual(await ended(bot), KILLED);
        join(scene, `absent${index}`); // the bot is away
      }
      await scene.start();
      await allAnswered(scene, 2 * points.length);
      const runs = scene.rows("SELECT 1 FROM hook_run");
      assert.equal(scene.written("general").length, runs.length);
      const texts = scene.rows("SELECT text FROM hook_event").map(({ text }) => String(text));
      assert.equal(new Set(texts).size, 2 * points.length, texts.join("\n"));
    }));
});
