/** Tests a call on the binary: people of the simulator speak, and read what they hear. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addChannel } from "../../../simulator/world/create_world.ts";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { give, registered } from "../../support/bot/slash.ts";
import { type SpeechServer, startSpeechServer } from "../../support/model/speech_server.ts";
import { readSound, speakText } from "../../support/voice/tone_code.ts";

interface CallScene {
  readonly scene: Scene;
  readonly speech: SpeechServer;
  /** What a person has heard of the bot so far. */
  words(who: string): Promise<string>;
  /** Waits until a person has heard something of the bot, and nothing more for half a second. */
  hears(who: string, pattern: RegExp): Promise<string>;
}

/** A bot that may talk in the channel "Talk", beside a speech server. */
async function withCall(
  play: (call: CallScene) => Promise<void>,
  voice: object = {},
): Promise<void> {
  const speech = await startSpeechServer();
  try {
    await withSimulation({
      config: {
        voice,
        audio: { transcribe: "speech/ear", speak: "speech/mouth" },
        models: {
          providers: { speech: { kind: "openai-compatible", baseUrl: speech.baseUrl } },
        },
      },
    }, async (scene) => {
      const { simulator } = scene;
      const [krill] = simulator.world.guilds.values();
      assert.ok(krill);
      addChannel(simulator.world, krill, { name: "Talk", kind: "voice" }, Date.now());
      const bot = simulator.application.userId;
      const words = async (who: string) => readSound(await simulator.voice.heard(who, bot).pcm());
      await play({
        scene,
        speech,
        words,
        async hears(who, pattern) {
          const pause = () => {
            const { lastAt, ms } = simulator.voice.heard(who, bot);
            return lastAt !== undefined && Date.now() - lastAt > 500 && ms;
          };
          let text = "";
          for (let heardMs = 0; !pattern.test(text);) {
            heardMs = await scene.until(
              `words like ${pattern} after "${text}"`,
              () => pause() > heardMs && pause(),
              20_000,
            );
            text = await words(who);
            console.log(new Date().toISOString(), heardMs, text);
            const { frames } = simulator.voice.heard(who, bot);
            console.log(
              frames.flatMap((f, i) => {
                const b = frames[i - 1];
                const d = b ? (f.timestamp - b.timestamp) / 960 : 1;
                return d === 1 ? [] : [`${i}:${d.toFixed(2)} (${f.at - (b?.at ?? 0)} ms)`];
              }).join(" "),
            );
          }
          return text;
        },
      });
    });
  } finally {
    await speech.close();
  }
}

/** Ada joins, calls the bot, and agrees to be heard. */
async function begin(scene: Scene, bot: SimulatedProcess): Promise<void> {
  const { simulator, until } = scene;
  await registered(scene);
  await simulator.voice.join({ who: "ada", in: "Talk" });
  console.log(await give(scene, { as: "ada", in: "Talk", name: "join" }));
  const card = await until("the card", () => simulator.posted("Talk")[0]);
  const button = JSON.stringify(card.components).match(/"custom_id":"([^"]*:on:[^"]*)"/)?.[1];
  assert.ok(button, JSON.stringify(card.components));
  simulator.press({ as: "ada", in: "Talk", message: card.id, customId: button });
  await scene.line(bot, /agreed to be heard/);
  await until("a call with keys", () => simulator.voice.room("Talk").group?.epoch());
}

describe("[V1] [V5] a call", () => {
  it("hears a person who agreed, and answers in speech", () =>
    withCall(async ({ scene, speech, hears }) => {
      await begin(scene, await scene.start());
      const stamp = () => new Date().toISOString();
      console.log("speaks", stamp());
      await scene.simulator.voice.say("ada", speakText("When is low tide today?"));
      console.log("spoke", stamp());
      try {
        await scene.until("a transcript", () => speech.requests[0], 6000);
      } catch {
        for (const x of scene.simulator.voice.sessions()) {
          console.log(
            JSON.stringify({
              t: x.transport,
              r: x.received,
              s: x.hasSpoken,
              c: x.connection !== undefined,
              e: String(x.credential.room.group?.epoch()),
              rf: x.credential.room.group?.refused(),
              p: [...x.credential.room.participants.keys()],
            }),
          );
        }
      }
      await scene.until("a transcript", () => speech.requests[0]);
      assert.equal(speech.requests[0]?.text, "When is low tide today?");
      await hears("ada", /tide/);
    }));
});
