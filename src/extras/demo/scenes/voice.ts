/** A scene in a voice channel: consent, a spoken question, a spoken answer (V1, V3, V5). */

import { readSound } from "../../../../simulator/model/spoken_text.ts";
import { demoConfig } from "../simulation/simulation.ts";
import { addVoiceRoom, createSpeaker, SPOKEN_QUESTION } from "../simulation/voice_room.ts";
import type { Scene } from "./scene.ts";

const call: Scene = {
  name: "the bot joins a voice channel, hears a person who agreed, and answers in speech",
  config: {
    ...demoConfig(),
    voice: {},
    audio: { transcribe: "openai/barnacle-script", speak: "openai/barnacle-script" },
  },
  async play({ simulation: { simulator, model }, signal, assert }) {
    const { world } = simulator;
    const [krill] = world.guilds.values();
    if (!krill) throw new RangeError("Cannot talk: the demo's world has no guild");
    const channel = addVoiceRoom({ world, krill }, Date.now());
    simulator.publish([{ kind: "channel_created", channel }]);
    const ada = createSpeaker(simulator, signal);
    const card = await ada.call();
    assert("a card says where speech goes", card.content.includes("this machine"), card.content);
    await ada.say("Nobody hears this.");
    await ada.agree(card);
    await ada.say(SPOKEN_QUESTION);
    const words = readSound(await ada.listen(1_500));
    assert("the answer is spoken", words.includes("You wrote"), words);
    const isEncrypted = simulator.voice.room(channel.id).group?.epoch() !== 0n;
    assert("only people of the call can decrypt its sound", isEncrypted);
    const asked = model.requests.map(({ messages }) => messages.at(-1)?.text ?? "");
    const first = asked[0] ?? "";
    assert("the model got the words after the consent", first.includes(SPOKEN_QUESTION), asked);
    assert("and none before it", !asked.some((text) => text.includes("Nobody")), asked);
  },
};

export const VOICE_SCENES: readonly Scene[] = [call];
