/**
 * The demo's voice channel: a person calls the bot there, agrees to be heard, and asks aloud (V1, V3,
 * V5). Sound carries its text here, so no model of speech is needed.
 */

import type { DemoWorld } from "../../../../simulator/actions/demo_world.ts";
import type { ModelServer } from "../../../../simulator/model/server.ts";
import { speakText } from "../../../../simulator/model/spoken_text.ts";
import type { Simulator } from "../../../../simulator/simulator.ts";
import type { Pcm } from "../../../../simulator/voice/person.ts";
import { buttonsIn } from "../../../../simulator/world/components.ts";
import { addChannel } from "../../../../simulator/world/create_world.ts";
import { storedNameOf } from "../../../../simulator/world/media.ts";
import type { Message, TextChannel } from "../../../../simulator/world/world.ts";
import type { DemoTalk } from "./busy_room.ts";

export const VOICE_ROOM = "Talk";
export const SPOKEN_QUESTION = "When is low tide?";
/** Username of the person who speaks. */
const ADA = "ada";
/** Milliseconds without sound after which the bot has ended. */
const QUIET_MS = 1_500;
/** Milliseconds for all of it, on a slow machine. */
const PLAY_MS = 60_000;

/** Adds the channel. A bot that is connected has yet to learn of it. */
export function addVoiceRoom(
  { world, krill }: Pick<DemoWorld, "world" | "krill">,
  at: number,
): TextChannel {
  return addChannel(world, krill, { name: VOICE_ROOM, kind: "voice" }, at);
}

/** A config with voice, by the speech server of the simulation: another model may answer. */
export function withVoice(config: object, { baseUrl }: Pick<ModelServer, "baseUrl">): object {
  return {
    ...config,
    models: { providers: { speech: { kind: "openai-compatible", baseUrl } } },
    audio: { transcribe: "speech/barnacle-script", speak: "speech/barnacle-script" },
    voice: {},
  };
}

/** The person's part in the call; each step rejects with the signal's reason. */
export function createSpeaker(simulator: Simulator, signal: AbortSignal) {
  const bot = simulator.application.userId;
  const cards = () =>
    simulator.posted(VOICE_ROOM).filter(({ components }) => buttonsIn(components).length > 0);
  const until = <Value>(check: () => Value | undefined) => simulator.until(check, signal);

  return {
    /** Comes, and calls the bot. @returns The card of its call. */
    async call(): Promise<Message> {
      const isThere = simulator.voice.state(bot) !== undefined;
      const before = cards().length - (isThere ? 1 : 0);
      await until(() => simulator.application.commands.length > 0 || undefined);
      await simulator.voice.join({ who: ADA, in: VOICE_ROOM });
      simulator.command({ as: ADA, in: VOICE_ROOM, name: "join" });
      const card = await until(() => cards()[before]);
      await until(() => simulator.voice.sessions()[0]?.transport);
      return card;
    },
    /** Lets the bot hear them. */
    async agree({ id, components }: Message): Promise<void> {
      const answers = simulator.ephemeral(ADA).length;
      const customId = buttonsIn(components)[0]?.custom_id ?? "";
      simulator.press({ as: ADA, in: VOICE_ROOM, message: id, customId });
      await until(() => simulator.ephemeral(ADA).length > answers || undefined);
    },
    /** Speaks a text. */
    say: (text: string): Promise<void> => simulator.voice.say(ADA, speakText(text)),
    /**
     * Waits for the bot's speech.
     *
     * @param enoughMs Milliseconds of it that are enough; absent: all of it.
     */
    async listen(enoughMs = Infinity): Promise<Pcm> {
      let [ms, since] = [0, 0];
      await until(() => {
        const heard = simulator.voice.heard(ADA, bot);
        if (heard.ms !== ms) [ms, since] = [heard.ms, performance.now()];
        const isOver = ms > 0 && performance.now() - since > QUIET_MS;
        return isOver || ms >= enoughMs || undefined;
      });
      return await simulator.voice.heard(ADA, bot).pcm();
    },
  };
}

/** Creates the talk in the channel. It begins with `toggle`; `stop` ends it. */
export function createVoiceTalk(
  simulator: Simulator,
  { tell, onError }: {
    readonly tell: (text: string) => void;
    readonly onError: (error: unknown) => void;
  },
): DemoTalk {
  let ending: AbortController | undefined;

  async function play(own: AbortController): Promise<void> {
    const signal = AbortSignal.any([own.signal, AbortSignal.timeout(PLAY_MS)]);
    try {
      const speaker = createSpeaker(simulator, signal);
      await speaker.agree(await speaker.call());
      simulator.voice.forget(ADA);
      await speaker.say(SPOKEN_QUESTION);
      const { wavOf } = await import("../../voice/exports.ts");
      const bytes = wavOf(await speaker.listen());
      const stored = { ...storedNameOf("answer.wav"), contentType: "audio/wav" };
      const attachments = [{ ...stored, bytes, sizeBytes: bytes.length }];
      simulator.say({ as: ADA, in: VOICE_ROOM, text: "The bot said to me:", attachments });
    } catch (error) {
      if (own.signal.aborted) return;
      if (!signal.aborted) return onError(error);
      const answer = simulator.ephemeral(ADA).at(-1)?.content;
      tell(`The bot said nothing in ${VOICE_ROOM}. Its last answer to Ada: ${answer ?? "none"}`);
    } finally {
      if (simulator.voice.state(ADA)) simulator.voice.leave(ADA);
      ending = undefined;
    }
  }

  return {
    control: {
      id: "voice",
      group: "demo",
      label: "Talk in a voice channel",
      hint:
        `Ada asks aloud in ${VOICE_ROOM}, and posts a recording of the answer there. Play it: ` +
        "each letter is a chord, as no model of speech runs here.",
    },
    isTalking: () => ending !== undefined,
    toggle() {
      if (ending) return this.stop();
      tell(`Ada calls the bot into ${VOICE_ROOM}, and asks aloud: ${SPOKEN_QUESTION}`);
      void play(ending = new AbortController());
    },
    stop() {
      ending?.abort();
    },
  };
}
