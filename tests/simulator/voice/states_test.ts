import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DemoWorld } from "../../../simulator/actions/demo_world.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import { addChannel } from "../../../simulator/world/create_world.ts";
import type { TextChannel } from "../../../simulator/world/world.ts";
import {
  ask,
  connectReady,
  type Frame,
  isEvent,
  type RawGateway,
  soon,
  withSimulator,
} from "../raw_client.ts";

const INTENTS = 1 << 0 | 1 << 7;

interface Place {
  readonly sim: Simulator;
  readonly demo: DemoWorld;
  readonly gateway: RawGateway;
  readonly talk: TextChannel;
  readonly stage: TextChannel;
}

function withVoiceChannels(
  test: (place: Place) => Promise<void>,
  intents = INTENTS,
): Promise<void> {
  return withSimulator(async (sim, demo) => {
    sim.voice.faults.isEndToEnd = false;
    const now = Date.now();
    const talk = addChannel(demo.world, demo.krill, { name: "Talk", kind: "voice" }, now);
    const stage = addChannel(demo.world, demo.krill, { name: "Stage", kind: "stage" }, now);
    addChannel(demo.world, demo.krill, { name: "Small", kind: "voice", userLimit: 1 }, now);
    const gateway = await connectReady(sim, { intents });
    try {
      await test({ sim, demo, gateway, talk, stage });
    } finally {
      gateway.close();
    }
  });
}

const wish = ({ demo, talk }: Place, fields: object = {}) => ({
  op: 4,
  d: {
    guild_id: demo.krill.id,
    channel_id: talk.id,
    self_mute: false,
    self_deaf: false,
    ...fields,
  },
});
const voiceEvents = ({ frames }: RawGateway): readonly Frame[] =>
  frames.filter(({ t }) => t?.startsWith("VOICE_"));
const shown = (gateway: RawGateway) =>
  voiceEvents(gateway).map(({ t, d }) => [t, d?.["channel_id"], d?.["suppress"]]);
/** Waits until the gateway has dealt with everything before. */
async function settle({ gateway }: Place): Promise<void> {
  const count = gateway.frames.length;
  gateway.send({ op: 1, d: null });
  await gateway.frame((frame) => frame.op === 11 && gateway.frames.indexOf(frame) >= count);
}

describe("[V1] op 4 at the simulator", () => {
  it("answers with the bot's state and a server", () =>
    withVoiceChannels(async (place) => {
      const { gateway, talk } = place;
      gateway.send(wish(place));
      const server = await gateway.frame(isEvent("VOICE_SERVER_UPDATE"));
      assert.match(String(server.d?.["endpoint"]), /^127\.0\.0\.1:\d+$/);
      assert.deepEqual(shown(gateway), [
        ["VOICE_STATE_UPDATE", talk.id, false],
        ["VOICE_SERVER_UPDATE", undefined, undefined],
      ]);
      gateway.send(wish(place, { self_mute: true }));
      gateway.send(wish(place, { channel_id: null }));
      await settle(place);
      assert.deepEqual(shown(gateway).slice(2).map(([, id]) => id), [talk.id, null]);
    }));

  const silent: readonly (readonly [
    title: string,
    arrange: (place: Place) => object | Promise<object>,
  ])[] = [
    ["a text channel", ({ demo }) => ({ channel_id: demo.channels.general.id })],
    ["an unknown channel", () => ({ channel_id: "1" })],
    ["an unknown guild", () => ({ guild_id: "1" })],
    ["no right to connect", ({ sim, talk }) => {
      sim.permit({ to: "Barnacle", isMember: true, what: "connect", as: "denied", in: "Talk" });
      return { channel_id: talk.id };
    }],
    ["a full channel", async ({ sim }) => {
      await sim.voice.join({ who: "ada", in: "Small" });
      return { channel_id: sim.channel("Small").id };
    }],
  ];
  for (const [title, arrange] of silent) {
    it(`answers nothing about ${title}`, () =>
      withVoiceChannels(async (place) => {
        const fields = await arrange(place);
        await settle(place);
        const before = voiceEvents(place.gateway).length;
        place.gateway.send(wish(place, fields));
        await settle(place);
        assert.equal(voiceEvents(place.gateway).length, before);
      }));
  }

  it("suppresses a bot without the right to speak, and each newcomer of a stage", () =>
    withVoiceChannels(async (place) => {
      const { sim, gateway, stage } = place;
      sim.permit({ to: "Barnacle", isMember: true, what: "speak", as: "denied", in: "Talk" });
      gateway.send(wish(place));
      gateway.send(wish(place, { channel_id: stage.id }));
      await settle(place);
      const states = voiceEvents(gateway).filter(isEvent("VOICE_STATE_UPDATE"));
      assert.deepEqual(states.map(({ d }) => d?.["suppress"]), [true, true]);
    }));

  it("tells a bot without the intent its server alone", () =>
    withVoiceChannels(async (place) => {
      await place.sim.voice.join({ who: "ada", in: "Talk" });
      place.gateway.send(wish(place));
      await settle(place);
      assert.deepEqual(voiceEvents(place.gateway).map(({ t }) => t), ["VOICE_SERVER_UPDATE"]);
    }, 1 << 0));
});

describe("[V1] voice states of the simulator", () => {
  it("are in GUILD_CREATE", () =>
    withVoiceChannels(async ({ sim, demo, talk }) => {
      await sim.voice.join({ who: "ada", in: "Talk", isMuted: true });
      const token = demo.otherBot.token; // the bot may not IDENTIFY again so soon
      const later = await connectReady(sim, { intents: INTENTS, token });
      const { d } = await later.frame((frame) =>
        frame.t === "GUILD_CREATE" && frame.d?.["id"] === demo.krill.id
      );
      const [state] = d?.["voice_states"] as Record<string, unknown>[];
      assert.deepEqual(
        [state?.["user_id"], state?.["channel_id"], state?.["self_mute"]],
        [demo.people.ada.id, talk.id, true],
      );
      later.close();
    }));

  it("follow moderators: moves, mutes and disconnects", () =>
    withVoiceChannels(async (place) => {
      const { sim, gateway, stage } = place;
      await sim.voice.join({ who: "grace", in: "Talk" });
      sim.voice.set("grace", { mute: true });
      sim.voice.move({ who: "grace", in: "Stage" });
      sim.voice.leave("grace");
      await settle(place);
      const states = voiceEvents(gateway).map(({ d }) => [d?.["channel_id"], d?.["mute"]]);
      assert.deepEqual(states.slice(-2), [[stage.id, true], [null, true]]);
    }));

  it("end with the channel, the membership and the gateway session", () =>
    withVoiceChannels(async (place) => {
      const { sim, gateway } = place;
      const own = () => sim.voice.state(sim.application.userId);
      await sim.voice.join({ who: "ada", in: "Talk" });
      await sim.voice.join({ who: "grace", in: "Talk" });
      sim.kick({ who: "grace" });
      assert.equal(sim.voice.state("grace"), undefined);
      gateway.send(wish(place));
      await settle(place);
      assert.ok(own());
      sim.deleteChannel("Talk");
      assert.deepEqual([own(), sim.voice.state("ada")], [undefined, undefined]);
      gateway.send(wish(place, { channel_id: place.stage.id }));
      await settle(place);
      assert.ok(own());
      gateway.close(1000);
      await sim.until(() => own() === undefined || undefined, soon());
    }));

  it("let a bot on a stage ask to speak", () =>
    withVoiceChannels(async (place) => {
      const { sim, demo, gateway, stage } = place;
      gateway.send(wish(place, { channel_id: stage.id }));
      await settle(place);
      const path = `/guilds/${demo.krill.id}/voice-states/@me`;
      const change = async (body: object) => (await ask(sim, "PATCH", path, body)).status;
      assert.equal(await change({ suppress: false }), 403);
      const at = new Date().toISOString();
      assert.equal(await change({ channel_id: stage.id, request_to_speak_timestamp: at }), 204);
      assert.equal(sim.voice.state("Barnacle")?.requestedAt, Date.parse(at));
      sim.voice.set("Barnacle", { suppress: false });
      const { body } = await ask(sim, "GET", path);
      assert.equal(Object(body).suppress, false);
    }));
});
