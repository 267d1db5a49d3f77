/**
 * Uses buttons and menus of a bot, and waits for the bot's answer as Discord's client does.
 */

import { whispersOf } from "../actions/interactions.ts";
import type { GivenCommand } from "../actions/interactions.ts";
import type { ActorAndChannel, ActorAndMessage } from "../actions/people.ts";
import type { Simulator } from "../simulator.ts";
import type { Interaction, Message } from "../world/world.ts";

/** Milliseconds that Discord gives the bot to answer. */
const ANSWER_MS = 3_000;
/** Milliseconds in which the page shows the answers. */
const LATER_MS = 60_000;

export interface UsePorts {
  readonly simulator: Pick<Simulator, "press" | "choose" | "command" | "until">;
  /** Gets each ephemeral message, and again if it changes. */
  readonly onWhisper: (userId: string, message: Message) => void;
  readonly closed: AbortSignal;
}

/** Uses components and commands. Each rejects with a RangeError if Discord refuses, or the bot is too slow. */
export interface Uses {
  click(on: ActorAndMessage & { readonly customId: string }): Promise<void>;
  choose(
    on: ActorAndMessage & { readonly customId: string; readonly labels: readonly string[] },
  ): Promise<void>;
  command(given: ActorAndChannel & GivenCommand): Promise<void>;
}

export function createUses({ simulator, onWhisper, closed }: UsePorts): Uses {
  async function answered(interaction: Interaction): Promise<void> {
    watch(interaction).catch(() => {}); // no further answer
    const limit = AbortSignal.timeout(ANSWER_MS);
    try {
      await simulator.until(() => interaction.answer, limit);
    } catch (error) {
      if (!limit.aborted) throw error;
      throw new RangeError("This interaction failed: the bot did not answer within 3 seconds", {
        cause: error,
      });
    }
  }

  async function watch(interaction: Interaction): Promise<never> {
    const told = new Set<Message>();
    const signal = AbortSignal.any([closed, AbortSignal.timeout(LATER_MS)]);
    for (;;) {
      const isNew = (message: Message) => !told.has(message);
      const message = await simulator.until(() => whispersOf(interaction).find(isNew), signal);
      told.add(message);
      onWhisper(interaction.userId, message);
    }
  }

  return {
    click: (on) => answered(simulator.press(on)),
    choose: (on) => answered(simulator.choose(on)),
    command: (given) => answered(simulator.command(given)),
  };
}
