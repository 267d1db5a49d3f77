/** A scene in a voice channel: consent, a spoken question, a spoken answer (V1, V3, V5). */

import { readSound, speakText } from "../../../../simulator/model/spoken_text.ts";
import { buttonsIn } from "../../../../simulator/world/components.ts";
import { addChannel } from "../../../../simulator/world/create_world.ts";
import { demoConfig } from "../simulation/simulation.ts";
import type { Scene } from "./scene.ts";

const QUESTION = "When is low tide?";

const call: Scene = {
  name: "the bot joins a voice channel, hears a person who agreed, and answers in speech",
  config: {
    ...demoConfig(),
    voice: {},
    audio: { transcribe: "openai/barnacle-script", speak: "openai/barnacle-script" },
  },
  async play({ simulation: { simulator, model }, bot, until, assert }) {
    const [guild] = simulator.world.guilds.values();
    if (!guild) throw new RangeError("Cannot talk: the demo's world has no guild");
    const talk = addChannel(simulator.world, guild, { name: "Talk", kind: "voice" }, Date.now());
    simulator.publish([{ kind: "channel_created", channel: talk }]);
    await until("the slash commands", () => simulator.application.commands.length > 0 || undefined);
    // The binary has the library for it in the bot's thread alone.
    simulator.voice.faults.isEndToEnd = false;
    await simulator.voice.join({ who: "ada", in: "Talk" });
    simulator.command({ as: "ada", in: "Talk", name: "join" });
    const card = await until("the card", () => simulator.posted("Talk")[0]);
    assert("a card says where speech goes", card.content.includes("this machine"), card.content);

    const heard = () => simulator.voice.heard("ada", simulator.application.userId);
    await until("the connection", () => simulator.voice.sessions()[0]?.transport);
    await simulator.voice.say("ada", speakText("Nobody hears this."));
    const [hearMe] = buttonsIn(card.components);
    const press = { as: "ada", in: "Talk", message: card.id };
    simulator.press({ ...press, customId: hearMe?.custom_id ?? "" });
    await until("the consent", () => bot.lines.find((line) => line.includes("agreed to be heard")));
    await simulator.voice.say("ada", speakText(QUESTION));
    await until("an answer", () => heard().ms > 1_500 || undefined);
    const words = readSound(await heard().pcm());
    assert("the answer is spoken", words.includes("You wrote"), words);
    const asked = model.requests.map(({ messages }) => messages.at(-1)?.text ?? "");
    assert("the model got the words after the consent", asked[0]?.includes(QUESTION) === true);
    assert("and none before it", !asked.some((text) => text.includes("Nobody")), asked);
  },
};

export const VOICE_SCENES: readonly Scene[] = [call];
