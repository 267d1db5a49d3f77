/**
 * Presses a button below a message, and waits for the bot's answer as Discord's client does.
 *
 * @module
 */

import type { ActorAndMessage } from "../actions/people.ts";
import type { Simulator } from "../simulator.ts";
import type { Interaction, InteractionAnswer } from "../world/world.ts";

/** Milliseconds that Discord gives the bot for the first answer. */
const ANSWER_MS = 3_000;
/** Milliseconds to wait for the answer that a bot has deferred. */
const DEFERRED_MS = 15_000;

/** The answer that only the person sees, if there is one. */
export interface Clicked {
  /** Text of an ephemeral message. */
  readonly whisper?: string;
}

/**
 * Presses the button.
 *
 * @throws {RangeError} If Discord refuses, or the bot does not answer in time.
 */
export async function clickButton(
  simulator: Pick<Simulator, "press" | "until">,
  on: ActorAndMessage & { readonly customId: string },
): Promise<Clicked> {
  const interaction = simulator.press(on);
  const limit = AbortSignal.timeout(ANSWER_MS);
  try {
    const first = await simulator.until(() => interaction.answer, limit);
    const answer = first.kind === "deferred" ? await deferredAnswer(simulator, interaction) : first;
    if (!answer) return {};
    if (answer.kind === "modal") {
      return {
        whisper: `The bot opened the form “${answer.modal.title}”. This page shows no forms.`,
      };
    }
    const isWhisper = answer.kind === "replied" && answer.isEphemeral;
    return isWhisper ? { whisper: answer.message.content } : {};
  } catch (error) {
    if (!limit.aborted) throw error;
    throw new RangeError("This interaction failed: the bot did not answer within 3 seconds", {
      cause: error,
    });
  }
}

/** @returns `undefined` if the bot does not answer: the person sees nothing then. */
async function deferredAnswer(
  simulator: Pick<Simulator, "until">,
  interaction: Interaction,
): Promise<InteractionAnswer | undefined> {
  const limit = AbortSignal.timeout(DEFERRED_MS);
  const answered = () => interaction.answer?.kind === "deferred" ? undefined : interaction.answer;
  try {
    return await simulator.until(answered, limit);
  } catch (error) {
    if (!limit.aborted) throw error;
    return undefined;
  }
}
