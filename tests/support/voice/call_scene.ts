/** Calls of a bot under test: people of the simulator speak, and read what they hear. */

import assert from "node:assert/strict";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { addChannel } from "../../../simulator/world/create_world.ts";
import { type Scene, type SceneOptions, withSimulation } from "../bot/e2e.ts";
import { give, registered } from "../bot/slash.ts";
import { type SpeechServer, startSpeechServer } from "../model/speech_server.ts";
import { readSound, speakText } from "./tone_code.ts";

/** The voice channels of a call's scene. */
export const TALK = "Talk";
const OTHER = "Other";

/** Milliseconds after which a silent bot has ended its sentence. */
const PAUSE_MS = 500;

export interface CallScene {
  readonly scene: Scene;
  readonly speech: SpeechServer;
  /** A person speaks a text. Resolves at its end. */
  says(who: string, text: string): Promise<void>;
  /** What a person has heard of the bot so far, as text. */
  words(who: string): Promise<string>;
  /** Waits until a person has heard words of the bot, and a pause after them; returns all so far. */
  hears(who: string, pattern: RegExp): Promise<string>;
}

/** Runs a test with a bot that may talk in {@link TALK} and {@link OTHER}, beside a speech server. */
export async function withCall(
  play: (call: CallScene) => Promise<void>,
  { voice = {}, config, ...options }: SceneOptions & { readonly voice?: object } = {},
): Promise<void> {
  const speech = await startSpeechServer();
  const { baseUrl } = speech;
  try {
    await withSimulation({
      ...options,
      config: {
        voice,
        audio: { transcribe: "speech/ear", speak: "speech/mouth" },
        models: { providers: { speech: { kind: "openai-compatible", baseUrl } } },
        ...config,
      },
    }, async (scene) => {
      const { simulator } = scene;
      const [krill] = simulator.world.guilds.values();
      assert.ok(krill);
      for (const name of [TALK, OTHER]) {
        addChannel(simulator.world, krill, { name, kind: "voice" }, Date.now());
      }
      const heardBy = (who: string) => simulator.voice.heard(who, simulator.application.userId);
      const words = async (who: string) => readSound(await heardBy(who).pcm());
      await play({
        scene,
        speech,
        says: (who, text) => simulator.voice.say(who, speakText(text)),
        words,
        async hears(who, pattern) {
          let text = "";
          for (let knownMs = 0; !pattern.test(text);) {
            knownMs = await scene.until(`words like ${pattern} after "${text}"`, () => {
              const { ms, lastAt = Infinity } = heardBy(who);
              return ms > knownMs && Date.now() - lastAt > PAUSE_MS && ms;
            });
            text = await words(who);
          }
          return text;
        },
      });
    });
  } finally {
    await speech.close();
  }
}

/** A person joins, calls the bot, agrees to be heard, and has the keys of the call with it. */
export async function beginCall(scene: Scene, bot: SimulatedProcess): Promise<void> {
  const { simulator, until } = scene;
  await registered(scene);
  await simulator.voice.join({ who: "ada", in: TALK });
  await give(scene, { as: "ada", in: TALK, name: "join" });
  await agree(scene, bot, "ada");
  await until("a call with keys", () => simulator.voice.room(TALK).group?.epoch());
}

/** A person presses "Hear me" below the newest card. */
export async function agree(scene: Scene, bot: SimulatedProcess, who: string): Promise<void> {
  const { simulator } = scene;
  const card = await scene.until(
    "the card",
    () => simulator.posted(TALK).findLast(({ components }) => components.length > 0),
  );
  const customId = /"custom_id":"([^"]*:on:[^"]*)"/.exec(JSON.stringify(card.components))?.[1];
  assert.ok(customId, JSON.stringify(card.components));
  const userId = simulator.user(who);
  simulator.press({ as: who, in: TALK, message: card.id, customId });
  await scene.line(bot, new RegExp(`agreed to be heard.*${userId}`));
}
