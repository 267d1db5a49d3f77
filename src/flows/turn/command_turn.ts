/** Ends the turn of a message that is a command, without asking the model (K1). */

import type { Claim, FinishedTurn } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { freeze } from "../../render/freeze.ts";
import { noticeBody } from "../../render/reply.ts";
import type { Model } from "../../core/model.ts";
import type { Manner, QueueMode } from "../../core/people/chosen.ts";
import { notice } from "../../render/notices/notices.ts";
import { saveTurn, type SaveTurnPorts } from "./finished_turn.ts";
import type { Account } from "../../core/account/account.ts";
import type { Emits } from "../../core/account/events.ts";

/**
 * Runs the command of a claimed message, and stores its answer (T3).
 *
 * @throws {unknown} The store's error, if it refuses the turn.
 */
export async function answerCommand(
  claim: Claim,
  { run, events, ...ports }:
    & SaveTurnPorts
    & Pick<TurnCommands, "run">
    & Emits<"turnStored">,
): Promise<void> {
  const text = await run(claim.message);
  const turn = commandTurn(claim, text);
  const stored = await saveTurn(turn, ports, () => turn);
  if (stored.stored) events.emit.turnStored(stored, claim.message.channelId);
}

/** The record of such a turn. The conversation keeps nothing of it. */
function commandTurn(claim: Claim, text: string): FinishedTurn {
  const { accountId, channelId, guildId, id: cause, revision } = claim.message;
  const end = { claim, entries: [] };
  if (text === "") return { ...end, end: { kind: "declined" }, outbox: [] };
  return {
    ...end,
    end: { kind: "answered" },
    outbox: freeze({
      accountId,
      channelId,
      guildId,
      cause,
      revision,
      agentId: claim.route.agentId,
      kind: "reply",
      quote: isAtDiscord(claim.message) ? { messageId: cause, on: "first" } : undefined,
      ...noticeBody(text),
    }),
  };
}

/** Runs of schedules and questions by commands are no messages at Discord. */
function isAtDiscord({ scheduled, asked }: InboundMessage): boolean {
  return !scheduled && !asked;
}

/** Everything that turns need of commands. */
export interface TurnCommands {
  /** Whether a message is a command. */
  isCommand(message: InboundMessage): boolean;
  /** Runs the command of a message, and returns its answer; an empty one is none. */
  run(message: InboundMessage): Promise<string>;
  /** The model of a conversation. */
  modelOf(sessionKey: string): Model;
  /** The settings that people have chosen by commands. */
  readonly settings: {
    queueMode(message: InboundMessage): QueueMode | undefined;
    mannerOf(sessionKey: string): Manner;
  };
  /** Whether an owner has paused the account (X4). */
  isPaused(): boolean;
}

/**
 * Creates the check of each claim.
 *
 * @returns `undefined` at once if a model answers it; otherwise the turn's end, which rejects if the
 * store refuses it.
 */
export function createCommandTurns(
  { commands, texts, queue, ...ports }:
    & Pick<Account, "texts">
    & Omit<SaveTurnPorts, "queue">
    & Emits<"turnStored">
    & {
      readonly commands: TurnCommands;
      /** Rules of full channel queues. */
      readonly queue: () => SaveTurnPorts["queue"];
    },
): (claim: Claim) => Promise<void> | undefined {
  const end = (claim: Claim, run: TurnCommands["run"]) =>
    answerCommand(claim, { ...ports, queue: queue(), run });
  return (claim) => {
    if (commands.isCommand(claim.message)) return end(claim, commands.run);
    if (!commands.isPaused()) return undefined;
    // Another bot gets no answer: it would answer that one, too.
    const text = claim.message.sender.automaton ? "" : notice("paused", {}, texts());
    return end(claim, () => Promise.resolve(text));
  };
}
