/**
 * Plays calls from the main thread with the real thread, against the simulated Discord, whose people
 * speak and listen.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import type { DemoWorld } from "../../../simulator/actions/demo_world.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import { addChannel } from "../../../simulator/world/create_world.ts";
import type { OwnVoice } from "../../../src/core/discord/gateway.ts";
import { parseSnowflake, type UserId } from "../../../src/core/discord/ids.ts";
import type { Dispatch } from "../../../src/discord/gateway/decode/guild_index.ts";
import { createVoiceIndex } from "../../../src/discord/gateway/read/voice_index.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import type { CallEvent, Pcm, VoiceEnd } from "../../../src/features/voice/line.ts";
import {
  type Call,
  callsOfThread,
  createCall,
  stopThread,
} from "../../../src/features/voice/thread_calls.ts";
import { JOB_WORKER_URL } from "../../../src/host/process/own_process.ts";
import { ask, connectReady, withSimulator } from "../../simulator/raw_client.ts";
import { schedule } from "../../../src/lib/clock.ts";
import { bareAccount } from "../../support/account.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { readSound, speakText } from "../../../simulator/model/spoken_text.ts";
import { sendUnknown } from "../../support/voice/unknown.ts";

const INTENTS = 1 << 0 | 1 << 7;

interface Told {
  /** Of each connection that got ready, whether it is end to end. */
  readonly connections: boolean[];
  readonly frames: Pcm[];
  readonly ends: VoiceEnd[];
}

interface Scene extends Told {
  readonly sim: Simulator;
  readonly demo: DemoWorld;
  readonly call: Call;
  readonly ada: UserId;
  /** The bot's sound that Ada has heard. */
  heard(): ReturnType<Simulator["voice"]["heard"]>;
  until(what: string, test: () => boolean): Promise<void>;
  /** Resolves once so many connections got ready; one by default. */
  ready(count?: number): Promise<void>;
  /** Kills the thread of the calls. */
  killThread(): Promise<unknown>;
}

/** Joins the channel "Talk" of a demo world, by the parts that the account gives to an extra. */
function withCall(
  test: (scene: Scene) => Promise<void>,
  prepare: (sim: Simulator, demo: DemoWorld) => Promise<unknown> | void = () => {},
  { userLimit }: { readonly userLimit?: number } = {},
): Promise<void> {
  return withSimulator(async (sim, demo) => {
    const fields = { name: "Talk", kind: "voice" as const, ...(userLimit && { userLimit }) };
    const channel = addChannel(demo.world, demo.krill, fields, Date.now());
    addChannel(demo.world, demo.krill, { name: "Other", kind: "voice" }, Date.now());
    const gateway = await connectReady(sim, { intents: INTENTS });
    await prepare(sim, demo);
    const index = createVoiceIndex(() => {});
    const channels = new Set([channel.id as string]);
    let read = 0;
    const poll = setInterval(() => {
      for (; read < gateway.frames.length; read++) {
        const frame = gateway.frames[read];
        if (frame?.t === "CHANNEL_DELETE") channels.delete(String(frame.d?.["id"]));
        if (frame?.t) index.apply(frame as Dispatch);
      }
    }, 5);
    const told: Told = { connections: [], frames: [], ends: [] };
    function tell(event: CallEvent): void {
      if (event.kind === "ready") told.connections.push(event.isEndToEnd);
      if (event.kind === "frame") told.frames.push(event.pcm);
      if (event.kind === "ended") told.ends.push(event.end);
    }
    const { log, lines } = recordingLog();
    let thread: Worker | undefined;
    const userId = parseSnowflake<"user">(sim.application.userId);
    const account = bareAccount(
      {
        ...{
          now: Date.now,
          schedule,
          log,
          self: () => ({ userId }),
          config: () => ({}),
          voiceIndex: index,
        },
        ...{ apiBase: "http://127.0.0.1", bot: { memory: { worked() {} } } },
        rest: {
          async request(method: string, path: string) {
            const { status, body } = await ask(sim, method, path);
            if (status < 300) return body;
            throw new RestError("refused", {
              kind: status === 404 ? "not_found" : "forbidden",
              route: path,
              status,
            });
          },
        },
        reader: { index: { get: () => ({ channels }) } },
        connection: {
          setVoice: ({ guildId, channelId }: OwnVoice) =>
            gateway.send({
              op: 4,
              d: {
                guild_id: guildId,
                channel_id: channelId ?? null,
                self_mute: false,
                self_deaf: false,
              },
            }),
        },
      } as never,
    );
    callsOfThread(account).open = () =>
      thread = new Worker(JOB_WORKER_URL, { workerData: { kind: "voice" } });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const call = createCall(account, { guildId: demo.krill.id, channelId: channel.id }, tell);
    const until = async (what: string, test: () => boolean) => {
      for (const end = Date.now() + 50_000; !test();) {
        if (Date.now() > end) {
          throw new Error(
            `never: ${what}; ${
              JSON.stringify([told.connections, told.ends, lines, textOf(told.frames)])
            }`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const ada = demo.people.ada.id;
    const ready = (count = 1) => until("ready", () => told.connections.length >= count);
    try {
      const killThread = async () => await thread?.terminate();
      const heard = () => sim.voice.heard("ada", sim.application.userId);
      await test({ ...told, sim, demo, call, until, ready, ada, heard, killThread });
    } finally {
      await call.leave();
      await stopThread(account);
      clearInterval(poll);
      gateway.close();
    }
  });
}

/** The text of all frames. */
function textOf(frames: readonly Pcm[]): string {
  return readSound(Int16Array.from(frames.flatMap((pcm) => [...pcm])));
}

/** Whether all but three characters arrived, in their order. */
function isLike(text: string, whole: string): boolean {
  let found = 0;
  for (const one of whole) if (text.includes(one, found)) found = text.indexOf(one, found) + 1;
  return text.length >= whole.length - 3 && text.length <= whole.length && found > 0;
}

const joinAda = (sim: Simulator) => sim.voice.join({ who: "ada", in: "Talk" });

function deny(sim: Simulator, what: "connect" | "speak" | "sendMessages"): void {
  sim.permit({ to: "@everyone", what, as: "denied", in: "Talk" });
}

async function say(call: Call, text: string) {
  const speech = call.speak();
  speech.write(speakText(text));
  speech.end();
  return await speech.done;
}

/** Plays the scenes of a table at the same time: they mostly wait. A failure names its row. */
async function together<Row extends readonly [what: string, ...unknown[]]>(
  rows: readonly Row[],
  play: (row: Row) => Promise<void>,
): Promise<void> {
  await Promise.all(rows.map((row) =>
    play(row).catch((cause: unknown) => {
      throw new Error(`${row[0]}: ${String(cause)}`, { cause });
    })
  ));
}

describe("[V9] calls of an account", () => {
  it("carry words both ways, end to end, as people come and go", () =>
    withCall(async ({ sim, call, until, ready, ada, heard, frames, connections, ends }) => {
      call.hear(new Map([[ada, "frames"]]));
      await ready();
      await sim.voice.say("ada", speakText("Hello, bot"));
      await until("words", () => textOf(frames) === "Hello, bot");
      const { playedMs, isWhole } = await say(call, "Hello, Ada");
      assert.deepEqual({ playedMs, isWhole }, {
        playedMs: speakText("Hello, Ada").length / 24,
        isWhole: true,
      });
      await until("heard", () => heard().ms >= playedMs);
      assert.equal(readSound(await heard().pcm()), "Hello, Ada");
      await sim.voice.join({ who: "grace", in: "Talk" });
      await sim.voice.say("grace", speakText("not heard"));
      await sim.voice.say("ada", speakText("Again"));
      await until("further words", () => textOf(frames) === "Hello, botAgain");
      assert.deepEqual(connections, [true]);
      await call.leave();
      assert.equal(sim.voice.state(sim.application.userId), undefined);
      assert.deepEqual(ends, ["left"]);
    }, joinAda));

  it("go on after the death of their thread, and say how much of the speech was played", () =>
    withCall(async ({ sim, call, heard, ready, until, killThread, ends }) => {
      await ready();
      const speech = call.speak();
      speech.write(speakText("a".repeat(100)));
      speech.end();
      await until("sound", () => heard().ms >= 400);
      await killThread();
      const { playedMs, isWhole } = await speech.done;
      await new Promise((resolve) => setTimeout(resolve, 300));
      const { ms } = heard();
      assert.ok(!isWhole && playedMs >= ms && playedMs <= ms + 100, `${playedMs} of ${ms}`);
      await ready(2);
      sim.voice.forget("ada");
      await say(call, "Still here");
      await until("heard", () => Date.now() - (heard().lastAt ?? Infinity) > 300);
      assert.ok(isLike(readSound(await heard().pcm()), "Still here"));
      assert.deepEqual(ends, []);
    }, joinAda));

  const breaks: readonly (readonly [
    what: string,
    does: (sim: Simulator) => Promise<unknown> | void,
    connections?: number,
  ])[] = [
    ["a cut connection", (sim) => sim.voice.faults.drop("cut")],
    ["a crashed server", (sim) => sim.voice.faults.drop("crashed")],
    ["another server", (sim) => sim.voice.faults.moveServer(), 2],
    [
      "a forgotten session",
      (sim) => {
        sim.voice.faults.forgetsSessions = true;
        sim.voice.faults.drop("cut");
        sim.voice.faults.forgetsSessions = true;
      },
      2,
    ],
    ["the other cipher, at another server", async (sim) => {
      sim.voice.faults.modes = ["aead_xchacha20_poly1305_rtpsize"];
      await sim.voice.faults.moveServer();
    }, 2],
    ["unknown messages and packets", (sim) => sendUnknown(sim.voice)],
    ["a disconnect without a reason", (sim) => sim.voice.faults.drop("disconnected"), 2],
    [
      "loss and disorder",
      (sim) => void Object.assign(sim.voice.faults, { lossPercent: 2, latePercent: 5 }),
    ],
  ];
  it("outlive breaks, moves, loss and what is unknown", () =>
    together(breaks, async ([, does, connections = 1]) => {
      await withCall(async ({ sim, call, heard, ready, until, frames, ada, ends }) => {
        call.hear(new Map([[ada, "frames"]]));
        await ready();
        await does(sim);
        await new Promise((resolve) => setTimeout(resolve, 600));
        await ready(connections);
        sim.voice.forget("ada");
        await say(call, "Still here");
        await until("heard", () => Date.now() - (heard().lastAt ?? Infinity) > 300);
        await new Promise((resolve) => setTimeout(resolve, 100));
        assert.ok(isLike(readSound(await heard().pcm()), "Still here"));
        await sim.voice.say("ada", speakText("Me also"));
        await until("words", () => isLike(textOf(frames), "Me also"));
        assert.deepEqual(ends, []);
      }, joinAda);
    }));

  const ends: readonly (readonly [
    end: VoiceEnd,
    does: (sim: Simulator, demo: DemoWorld) => unknown,
    when: "before" | "after",
    userLimit?: number,
  ])[] = [
    ["kicked", (sim) => sim.voice.leave(sim.application.userId), "after"],
    ["kicked", (sim) => sim.voice.move({ who: sim.application.userId, in: "Other" }), "after"],
    ["channel_deleted", (sim) => sim.deleteChannel("Talk"), "after"],
    ["no_connect", (sim) => deny(sim, "connect"), "before"],
    ["no_speak", (sim) => deny(sim, "speak"), "before"],
    ["no_card", (sim) => deny(sim, "sendMessages"), "before"],
    ["udp_blocked", (sim) => void (sim.voice.faults.dropsUdp = true), "before"],
    ["full", joinAda, "before", 1],
  ];
  it("end with their reason, before and after the join", () =>
    together(ends, async ([end, does, when, userLimit]) => {
      await withCall(
        async (scene) => {
          if (when === "after") {
            await scene.ready();
            await does(scene.sim, scene.demo);
          }
          await scene.until("the end", () => scene.ends.length === 1);
          assert.deepEqual(scene.ends, [end]);
        },
        async (sim, demo) => when === "before" ? void await does(sim, demo) : await joinAda(sim),
        userLimit ? { userLimit } : {},
      );
    }));
});
