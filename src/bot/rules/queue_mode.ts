/**
 * Decides which messages share a turn (S5).
 *
 * Messages of several people may share one if they have the same rights: the same tools, the same
 * instructions, and the same roles. Otherwise a person could give orders in the turn of another one
 * who may do more.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import type { Config } from "../../config/config.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { TurnRules } from "../../flows/turn/answer_ports.ts";

/** `messages.queue.mode`. */
export type QueueMode = NonNullable<Config["messages"]["queueMode"]>;

/** What happens to messages that wait or arrive while a turn runs. */
export interface QueueModes {
  /** Whether the turn of a waiting message also answers the one behind it. */
  carries(message: InboundMessage, next: InboundMessage): boolean;
  /** Whether a running turn takes in a later message between two steps. */
  steers(message: InboundMessage, next: InboundMessage): boolean;
  /** Whether a later message ends the running turn. */
  interrupts(message: InboundMessage, next: InboundMessage): boolean;
}

/** The part of a turn's rules that rights consist of. */
export type RightsOf = (
  message: InboundMessage,
) => Pick<TurnRules, "tools" | "instructions">;

/**
 * Prepares the modes of a config.
 *
 * @param rulesOf The rules of a message's turn, at this moment.
 */
export function prepareQueueModes(
  { messages: { queueMode } }: Pick<Config, "messages">,
  rulesOf: () => RightsOf,
): QueueModes {
  const modeIn = ({ place }: InboundMessage): QueueMode =>
    queueMode ?? (place.kind === "guild" ? "collect" : "steer");
  const hasSameRights = prepareSameRights(rulesOf);
  return {
    carries: (message, next) => modeIn(next) !== "followup" && hasSameRights(message, next),
    steers: (message, next) => modeIn(next) === "steer" && hasSameRights(message, next),
    interrupts: (message, next) =>
      modeIn(next) === "interrupt" && message.channelId === next.channelId &&
      hasSameRights(message, next),
  };
}

function prepareSameRights(rulesOf: () => RightsOf) {
  return (one: InboundMessage, other: InboundMessage): boolean => {
    if (one.scheduled || other.scheduled) return false; // each run of a schedule has its own result
    if (one.sender.id === other.sender.id && isDeepStrictEqual(rolesOf(one), rolesOf(other))) {
      return one.sender.automaton === other.sender.automaton;
    }
    if (one.sender.automaton || other.sender.automaton) return false;
    if (!isDeepStrictEqual(rolesOf(one), rolesOf(other))) return false;
    const rules = rulesOf();
    const [first, second] = [rules(one), rules(other)];
    return first.tools === second.tools &&
      isDeepStrictEqual(first.instructions, second.instructions);
  };
}

function rolesOf({ sender: { roles } }: InboundMessage): readonly string[] {
  return roles.map(({ id }) => id).sort();
}
