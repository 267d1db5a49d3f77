/**
 * Lets a person talk with the bot in a voice channel by text: what they write is spoken, and what they
 * hear is written.
 */

import type { ActorAndChannel } from "../actions/people.ts";
import { readSound, speakText } from "../model/spoken_text.ts";
import type { Simulator } from "../simulator.ts";
import type { Uses } from "./use.ts";

/** Milliseconds of silence after which words of the bot are shown. */
const PAUSE_MS = 700;

/** Milliseconds in which a bot that has just started registers its commands. */
const START_MS = 10_000;

export interface CallPorts {
  readonly simulator: Simulator;
  readonly uses: Pick<Uses, "command">;
  /** Gets what was said: by the person, or by the bot to them. */
  readonly onSaid: (to: ActorAndChannel, text: string, isBot: boolean) => void;
  readonly closed: AbortSignal;
}

/** Creates the calls. Each rejects with a RangeError if Discord refuses. */
export function createCalls({ simulator, uses, onSaid, closed }: CallPorts) {
  const { voice, application } = simulator;

  async function listen(to: ActorAndChannel): Promise<void> {
    for (;;) {
      const sound = await simulator.until(() => {
        if (!voice.state(to.as)) return "over";
        const heard = voice.heard(to.as, application.userId);
        return Date.now() - (heard.lastAt ?? Infinity) > PAUSE_MS ? heard : undefined;
      }, closed);
      if (sound === "over") return;
      const text = readSound(await sound.pcm());
      voice.forget(to.as);
      if (text !== "") onSaid(to, text, true);
    }
  }

  return {
    /** A person joins the channel and calls the bot. */
    async call(place: ActorAndChannel): Promise<void> {
      const hasCommand = () =>
        application.commands.some(({ name }) => name === "join") || undefined;
      const patience = AbortSignal.any([closed, AbortSignal.timeout(START_MS)]);
      await simulator.until(hasCommand, patience).catch(() => {}); // Discord refuses the command then
      await voice.join({ who: place.as, in: place.in });
      listen(place).catch(() => {}); // the page is closed
      await uses.command({ ...place, name: "join" });
    },
    /** A person in the channel says a text. */
    async speak(place: ActorAndChannel, text: string): Promise<void> {
      onSaid(place, text, false);
      await voice.say(place.as, speakText(text));
    },
    /** A person sends the bot away, and leaves. */
    async hangUp(place: ActorAndChannel): Promise<void> {
      await uses.command({ ...place, name: "leave" });
      voice.leave(place.as);
    },
  };
}
