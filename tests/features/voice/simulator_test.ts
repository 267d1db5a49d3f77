import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DemoWorld } from "../../../simulator/actions/demo_world.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import { loadDavey } from "../../../src/extras/voice/link/davey.ts";
import { type Mode, MODES } from "../../../simulator/voice/packets.ts";
import { decodeHeard } from "../../../simulator/voice/person.ts";
import { addChannel } from "../../../simulator/world/create_world.ts";
import type { TextChannel } from "../../../simulator/world/world.ts";
import { joinVoice, type RawVoice } from "../../support/voice/client.ts";
import { sendUnknown } from "../../support/voice/unknown.ts";
import { readSound, speakText } from "../../support/voice/tone_code.ts";
import {
  connectReady,
  isEvent,
  type RawGateway,
  soon,
  withSimulator,
} from "../../simulator/raw_client.ts";

const library = await loadDavey();
const VOICE_INTENTS = 1 << 0 | 1 << 7;

interface Scene {
  readonly sim: Simulator;
  readonly demo: DemoWorld;
  readonly channel: TextChannel;
  readonly gateway: RawGateway;
  client(mode?: Mode, isEncrypted?: boolean): Promise<RawVoice>;
}

/** A demo world with the channel "Talk" and a connected bot. */
function withVoice(
  test: (scene: Scene) => Promise<void>,
  kind: "voice" | "stage" = "voice",
): Promise<void> {
  return withSimulator(async (sim, demo) => {
    const channel = addChannel(demo.world, demo.krill, { name: "Talk", kind }, Date.now());
    addChannel(demo.world, demo.krill, { name: "Other", kind: "voice" }, Date.now());
    const gateway = await connectReady(sim, { intents: VOICE_INTENTS });
    const voices: RawVoice[] = [];
    try {
      await test({
        sim,
        demo,
        channel,
        gateway,
        async client(mode, isEncrypted = true) {
          const voice = await joinVoice(gateway, {
            guildId: demo.krill.id,
            channelId: channel.id,
            userId: sim.application.userId,
            ...(mode && { mode }),
            ...(isEncrypted && { library }),
          });
          voices.push(voice);
          return voice;
        },
      });
    } finally {
      for (const voice of voices) await voice.close();
      gateway.close();
    }
  });
}

const framesOf = (text: string): number => Math.ceil(speakText(text).length / 480);
/** Waits until the bot has heard as much as this text of its first speaker, and compares it. */
async function hears({ sim }: Scene, voice: RawVoice, text: string): Promise<void> {
  const first = () => [...voice.heard.values()][0] ?? [];
  await sim.until(() => first().length === framesOf(text) || undefined, soon());
  const pcm = await decodeHeard(first().map((frame) => ({ at: 0, ...frame })));
  assert.equal(readSound(pcm), text);
}

describe("[V9] a call of the simulator", () => {
  for (const mode of MODES) {
    for (const isEndToEnd of [true, false]) {
      it(`carries words both ways, ${mode}, ${isEndToEnd ? "with" : "without"} DAVE`, () =>
        withVoice(async (scene) => {
          const { sim, client } = scene;
          sim.voice.faults.isEndToEnd = isEndToEnd;
          await sim.voice.join({ who: "ada", in: "Talk" });
          const voice = await client(mode, isEndToEnd);
          await sim.until(() => voice.isEncrypted() === isEndToEnd || undefined, soon());
          await sim.voice.say("ada", speakText("Hello, bot"));
          await hears(scene, voice, "Hello, bot");
          await voice.speak(speakText("Hello, Ada"));
          const heard = () => sim.voice.heard("ada", sim.application.userId);
          await sim.until(() => heard().ms === 20 * framesOf("Hello, Ada") || undefined, soon());
          assert.equal(readSound(await heard().pcm()), "Hello, Ada");
          assert.equal(voice.unreadable(), 0);
        }));
    }
  }

  it("changes keys as people come and go", () =>
    withVoice(async ({ sim, client }) => {
      const voice = await client();
      const room = sim.voice.room("Talk");
      const count = () => [...voice.heard.values()].reduce((sum, { length }) => sum + length, 0);
      const hears = async (text: string) => {
        const all = count() + framesOf(text);
        await sim.voice.say("ada", speakText(text));
        await sim.until(() => count() >= all || undefined, soon());
      };
      /** Waits until the client has changed keys so often. */
      const changed = (times: number) => {
        const changes = () => voice.messages.filter(({ op }) => op === 22).length;
        return sim.until(() => changes() === times || undefined, soon());
      };
      await sim.voice.join({ who: "ada", in: "Talk" });
      await sim.until(() => voice.isEncrypted() || undefined, soon());
      await hears("two");
      assert.equal(room.group?.epoch(), 1n);
      await sim.voice.join({ who: "grace", in: "Talk" });
      await changed(1);
      await hears("three");
      assert.equal(room.group?.epoch(), 2n);
      sim.voice.leave("grace");
      await changed(2);
      assert.equal(room.group?.epoch(), 3n);
      await hears("two again");
      sim.voice.leave("ada");
      await voice.message(24);
      assert.equal(room.group?.epoch(), 0n);
      await sim.voice.join({ who: "ada", in: "Talk" });
      await sim.until(() => voice.isEncrypted() || undefined, soon());
      assert.equal(room.group?.epoch(), 1n);
      await hears("once more");
      assert.equal(voice.unreadable(), 0);
    }));

  it("resumes a broken connection with the missed messages", () =>
    withVoice(async (scene) => {
      const { sim, client } = scene;
      const voice = await client();
      await sim.voice.join({ who: "ada", in: "Talk" });
      await sim.until(() => voice.isEncrypted() || undefined, soon());
      sim.voice.faults.drop("cut");
      await voice.closed();
      await sim.voice.join({ who: "grace", in: "Talk" });
      await voice.resume();
      await voice.message(22);
      await sim.voice.say("grace", speakText("Missed you"));
      await hears(scene, voice, "Missed you");
      sim.voice.faults.forgetsSessions = true;
      await voice.resume();
      assert.equal(await voice.closed(), 4006);
    }));

  it("loses, delays and mixes in packets, and moves to another server", () =>
    withVoice(async ({ sim, gateway, client }) => {
      const voice = await client();
      await sim.voice.join({ who: "ada", in: "Talk" });
      await sim.until(() => voice.isEncrypted() || undefined, soon());
      Object.assign(sim.voice.faults, { lossPercent: 2, latePercent: 2 });
      sendUnknown(sim.voice);
      await sim.voice.say("ada", speakText("Hello through the storm"));
      await sim.until(() => ([...voice.heard.values()][0]?.length ?? 0) > 70 || undefined, soon());
      assert.ok(voice.unreadable() >= 3);
      await sim.voice.faults.moveServer();
      assert.equal(await voice.closed(), 4022);
      const endpoints = gateway.frames.filter(isEvent("VOICE_SERVER_UPDATE"))
        .map(({ d }) => d?.["endpoint"]);
      assert.equal(new Set(endpoints).size, 2);
    }));

  it("has no end-to-end encryption on a stage, and a suppressed speaker is not heard", () =>
    withVoice(async (scene) => {
      const { sim, client } = scene;
      const voice = await client(undefined, false);
      await sim.voice.join({ who: "ada", in: "Talk" });
      await sim.voice.say("ada", speakText("a"));
      sim.voice.set("ada", { suppress: false });
      await sim.voice.say("ada", speakText("b"));
      await hears(scene, voice, "b");
    }, "stage"));
});

describe("[V9] close codes of the voice gateway", () => {
  const session = { speaking: 1, delay: 0, ssrc: 1 };
  const beat = { op: 3, d: { t: 1, seq_ack: 0 } };
  const cases:
    readonly (readonly [title: string, code: number, send: (voice: RawVoice) => void])[] = [
      ["an unknown opcode", 4001, (voice) => voice.send({ op: 55, d: {} })],
      ["an unknown binary opcode", 4001, (voice) => voice.sendBinary(55, new Uint8Array())],
      ["no JSON", 4002, (voice) => voice.send(undefined)],
      ["a heartbeat of version 7", 4002, (voice) => voice.send({ op: 3, d: 1 })],
      [
        "a second IDENTIFY",
        4005,
        (voice) =>
          voice.send({ op: 0, d: { server_id: "1", user_id: "1", session_id: "1", token: "1" } }),
      ],
      ["an unknown protocol", 4012, (voice) =>
        voice.send({
          op: 1,
          d: { protocol: "webrtc", data: { address: "127.0.0.1", port: 1, mode: "none" } },
        })],
      ["an unknown encryption", 4016, (voice) =>
        voice.send({
          op: 1,
          d: { protocol: "udp", data: { address: "127.0.0.1", port: 1, mode: "none" } },
        })],
      ["another's SSRC", 4020, (voice) => voice.send({ op: 5, d: session })],
    ];
  for (const [title, code, send] of cases) {
    it(`ends ${title} with ${code}`, () =>
      withVoice(async ({ sim, client }) => {
        const voice = await client();
        voice.send(beat);
        await voice.message(6);
        send(voice);
        assert.equal(await voice.closed(), code);
        assert.deepEqual(sim.voice.sessions(), []);
      }));
  }

  it("ends a client without end-to-end encryption with 4017", () =>
    withVoice(async ({ client }) => {
      const voice = await client(undefined, false);
      assert.equal(await voice.closed(), 4017);
    }));

  const ends: readonly (readonly [title: string, code: number, act: (scene: Scene) => void])[] = [
    ["a bot that a moderator disconnects", 4014, ({ sim }) => sim.voice.leave("Barnacle")],
    [
      "a bot that a moderator moves",
      4014,
      ({ sim }) => sim.voice.move({ who: "Barnacle", in: "Other" }),
    ],
    ["a deleted channel", 4022, ({ sim }) => sim.deleteChannel("Talk")],
    ["a crash", 4015, ({ sim }) => sim.voice.faults.drop("crashed")],
  ];
  for (const [title, code, act] of ends) {
    it(`ends ${title} with ${code}`, () =>
      withVoice(async (scene) => {
        const voice = await scene.client();
        act(scene);
        assert.equal(await voice.closed(), code);
      }));
  }
});
