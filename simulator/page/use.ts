/**
 * Uses buttons and menus of a bot, and waits for the bot's answer as Discord's client does.
 */

import type { ActorAndMessage } from "../actions/people.ts";
import type { Simulator } from "../simulator.ts";
import type { Interaction, InteractionAnswer } from "../world/world.ts";

/** Milliseconds that Discord gives the bot to answer. */
const ANSWER_MS = 3_000;
/** Milliseconds after that in which the page shows a later answer. */
const LATER_MS = 60_000;

/** The answer that only the person sees, if there is one. */
export interface Used {
  /** Text of an ephemeral message. */
  readonly whisper?: string;
}

export interface UsePorts {
  readonly simulator: Pick<Simulator, "press" | "choose" | "until">;
  /** Gets the text of an ephemeral answer that comes, or changes, after the first answer. */
  readonly onLater: (userId: string, whisper: string) => void;
  readonly closed: AbortSignal;
}

/** Uses components. Each rejects with a RangeError if Discord refuses, or the bot is too slow. */
export interface Uses {
  click(on: ActorAndMessage & { readonly customId: string }): Promise<Used>;
  choose(
    on: ActorAndMessage & { readonly customId: string; readonly labels: readonly string[] },
  ): Promise<Used>;
}

export function createUses({ simulator, onLater, closed }: UsePorts): Uses {
  async function answered(interaction: Interaction): Promise<Used> {
    const limit = AbortSignal.timeout(ANSWER_MS);
    let answer;
    try {
      answer = await simulator.until(() => interaction.answer, limit);
    } catch (error) {
      if (!limit.aborted) throw error;
      throw new RangeError("This interaction failed: the bot did not answer within 3 seconds", {
        cause: error,
      });
    }
    const isDeferred = answer.kind === "deferred";
    if (!isDeferred && (!("isEphemeral" in answer) || !answer.isEphemeral)) return {};
    watch(interaction, answer);
    return answer.kind === "replied" ? { whisper: answer.message.content } : {};
  }

  /** Tells the page if the answer changes: after "thinking", or once rights are known. */
  function watch(interaction: Interaction, first: InteractionAnswer): void {
    const changed = () => interaction.answer !== first ? interaction.answer : undefined;
    simulator.until(changed, AbortSignal.any([closed, AbortSignal.timeout(LATER_MS)])).then(
      (now) => {
        if (now.kind !== "replied" || !now.isEphemeral) return;
        onLater(interaction.userId, now.message.content);
      },
      () => {}, // no later answer
    );
  }

  return {
    click: (on) => answered(simulator.press(on)),
    choose: (on) => answered(simulator.choose(on)),
  };
}
