/**
 * Decides which messages share a turn, and which turns of a session run side by side (S5).
 *
 * Messages of several people may share one if they have the same rights: the same tools, the same
 * instructions, the same roles, and no owner among them. Otherwise a person could give orders in the turn of another one
 * who may do more.
 *
 * A turn's tools act for the sender of its first message (T4). So several people share no turn with a
 * tool that shows or changes things of its asker, or that needs permissions of the asker. They share
 * none either if there is a budget, because the first sender would pay for all (X4).
 */

import { isDeepStrictEqual } from "node:util";
import type { QueueMode } from "../../../core/config_file.ts";
import type { InboundMessage, Sender } from "../../../core/inbound/inbound.ts";
import { termsOf } from "../../../core/inbound/origin.ts";
import { hasBudget } from "../../../core/spending/budget.ts";
import type { Tool } from "../../../core/turn/tool.ts";
import type { Instructions } from "../../../render/prompt/system_prompt.ts";

/**
 * What happens to messages that wait or arrive while a turn runs. All are of one session, and so for
 * one agent.
 */
export interface QueueModes {
  /** Whether the turn of a waiting message also answers the one behind it. */
  carries(message: InboundMessage, next: InboundMessage, agentId: string): boolean;
  /** Whether a running turn takes in a later message between two steps. */
  steers(message: InboundMessage, next: InboundMessage, agentId: string): boolean;
  /** Whether a later message ends the running turn. */
  interrupts(message: InboundMessage, next: InboundMessage, agentId: string): boolean;
  /** Whether the turn of a message may begin while turns of its session run, given by their last. */
  runsBeside(running: readonly InboundMessage[], next: InboundMessage, agentId: string): boolean;
}

/** The part of a turn's rules that rights consist of. */
export type RightsOf = (message: InboundMessage) => {
  readonly tools: readonly Tool[];
  readonly instructions: Instructions;
  readonly ownerId?: string;
};

/** Facts about messages, at the moment. */
interface QueueFacts {
  /** The rights of messages in turns of an agent. */
  readonly rightsOf: (agentId: string) => RightsOf;
  /** Whether the sender of a message is an owner of the bot. */
  readonly isOwner: (message: InboundMessage) => boolean;
  /** Commands share no turn, end none, and run beside none: each has an answer of its own (K1). */
  readonly isCommand: (message: InboundMessage) => boolean;
  /** The mode that a person has chosen for a place. */
  readonly chosenIn: (message: InboundMessage) => QueueMode | undefined;
}

/** Prepares the modes of a config. */
export function prepareQueueModes(
  { messages: { queue }, budgets }: {
    readonly messages: {
      readonly queue: { readonly mode?: QueueMode; readonly turnsPerChannel: number };
    };
    readonly budgets: Parameters<typeof hasBudget>[0];
  },
  { rightsOf, isOwner, isCommand, chosenIn }: QueueFacts,
): QueueModes {
  const modeIn = (message: InboundMessage): QueueMode =>
    chosenIn(message) ?? queue.mode ?? (message.place.kind === "guild" ? "collect" : "steer");
  const isTalk = (message: InboundMessage, next: InboundMessage) =>
    !isCommand(message) && !isCommand(next);
  const areSame = prepareSameRights(rightsOf, isOwner);
  const hasSameRights: Decide = (message, next, agentId) =>
    isTalk(message, next) && areSame(message, next, agentId);
  const isShared = hasBudget(budgets) ? isSamePerson : prepareIsShared(rightsOf);
  const mayShare: Decide = (message, next, agentId) =>
    hasSameRights(message, next, agentId) && isShared(message, next, agentId);
  const carries: Decide = (message, next, agentId) =>
    modeIn(next) !== "followup" && mayShare(message, next, agentId);
  const interrupts: Decide = (message, next, agentId) =>
    modeIn(next) === "interrupt" && message.channelId === next.channelId &&
    hasSameRights(message, next, agentId);
  return {
    carries,
    steers: (message, next, agentId) =>
      modeIn(next) === "steer" && mayShare(message, next, agentId),
    interrupts,
    runsBeside: (running, next, agentId) =>
      queue.turnsPerChannel > 1 && (running.length < queue.turnsPerChannel || isOwner(next)) &&
      running.every((message) =>
        isTalk(message, next) && message.sender.id !== next.sender.id &&
        message.channelId === next.channelId &&
        !carries(message, next, agentId) && !interrupts(message, next, agentId)
      ),
  };
}

type Decide = QueueModes["carries"];

function prepareSameRights(
  rightsOf: (agentId: string) => RightsOf,
  isOwner: (message: InboundMessage) => boolean,
): Decide {
  return (one, other, agentId) => {
    const { answered } = termsOf(one);
    if (answered === undefined || answered !== termsOf(other).answered) return false;
    if (isSamePerson(one, other) && isDeepStrictEqual(rolesOf(one), rolesOf(other))) {
      return one.sender.automaton === other.sender.automaton;
    }
    if (one.sender.automaton || other.sender.automaton) return false;
    if (!isDeepStrictEqual(rolesOf(one), rolesOf(other))) return false;
    if (isOwner(one) !== isOwner(other)) return false;
    const rules = rightsOf(agentId);
    const [first, second] = [rules(one), rules(other)];
    return first.tools === second.tools && first.ownerId === second.ownerId &&
      isDeepStrictEqual(first.instructions, second.instructions);
  };
}

/** Whether messages are of one person, or their turn has no tool that acts for its asker. */
function prepareIsShared(rightsOf: (agentId: string) => RightsOf): Decide {
  return (one, other, agentId) =>
    isSamePerson(one, other) || !rightsOf(agentId)(one).tools.some(actsForAsker);
}

/** The parts of a tool with gates check the rights of their asker by themselves. */
function actsForAsker({ isPersonal, needs, withGates }: Tool): boolean {
  return isPersonal === true || needs.length > 0 || withGates !== undefined;
}

/** Members of a PluralKit system share an account, and are different people (T14). */
function isSamePerson({ sender: one }: InboundMessage, { sender: other }: InboundMessage): boolean {
  const memberOf = ({ pluralkit }: Sender) => pluralkit?.memberId;
  return one.id === other.id && memberOf(one) === memberOf(other);
}

function rolesOf({ sender: { roles } }: InboundMessage): readonly string[] {
  return roles.map(({ id }) => id).sort();
}
