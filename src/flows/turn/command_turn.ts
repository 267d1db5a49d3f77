/** Ends the turn of a message that is a command, without asking the model (K1). */

import type { BotAccount } from "../../account/account.ts";
import { wakeChannels } from "../../account/wakes.ts";
import { toUnanswered } from "../../core/inbound/inbox.ts";
import { type Claim, type FinishedTurn, PAUSED, type Route } from "../../core/inbound/inbox.ts";
import type { TextCommand } from "../../core/inbound/text_commands.ts";
import { type InboundMessage, isAtDiscord } from "../../core/inbound/inbound.ts";
import { freeze } from "../../render/freeze.ts";
import { noticeBody } from "../../render/reply.ts";
import type { Model } from "../../core/model.ts";
import type { Manner, QueueMode } from "../../core/people/chosen.ts";
import { showUnanswered } from "../unanswered_reactions.ts";
import { saveTurn, type SaveTurnPorts } from "./save_turn.ts";

/**
 * Runs the command of a claimed message, and stores its answer (T3).
 *
 * @throws {unknown} The store's error, if it refuses the turn.
 */
async function answerCommand(
  claim: Claim,
  { run, why, account, ...ports }:
    & SaveTurnPorts
    & Pick<TurnCommands, "run">
    & {
      /** Why the text stands in place of an answer; absent: it is the answer. */
      readonly why?: string;
    }
    & { readonly account: BotAccount },
): Promise<void> {
  const text = await run(claim.message);
  const turn = commandTurn(claim, text, why);
  const stored = await saveTurn(turn, ports, () => turn);
  if (!stored.stored) return;
  wakeChannels(account, [claim.message.channelId]);
  if (turn.isMarked) showUnanswered(account, [toUnanswered(claim.message, "refused")]);
}

/** Messages of the longest answer: its lines may leave room in each. */
const MESSAGES = 3;

/** The record of such a turn. The conversation keeps nothing of it. */
function commandTurn(claim: Claim, text: string, why: string | undefined): FinishedTurn {
  const { accountId, channelId, guildId, id: cause, revision, hooked } = claim.message;
  const end = { claim, entries: [] };
  if (text === "") {
    const isMarked = !claim.message.sender.automaton && isAtDiscord(claim.message);
    return { ...end, end: { kind: "declined" }, outbox: [], isMarked };
  }
  return {
    ...end,
    end: why === undefined ? { kind: "answered" } : { kind: "refused", reason: why },
    outbox: freeze({
      accountId,
      channelId,
      guildId,
      cause,
      revision,
      agentId: claim.route.agentId,
      kind: "reply",
      quote: isAtDiscord(claim.message) ? { messageId: cause, on: "first" } : undefined,
      ...noticeBody(text, MESSAGES),
      suppressesEmbeds: hooked !== undefined,
    }),
  };
}

export interface TurnCommands {
  /** Reads a message as a command; `undefined` if it is none. */
  commandOf(message: InboundMessage): TextCommand | undefined;
  /** Runs the command of a message, and returns its answer; an empty one is none. */
  run(message: InboundMessage): Promise<string>;
  modelOf(route: Route): Model;
  /** The settings that people have chosen by commands. */
  readonly settings: {
    queueMode(message: InboundMessage): QueueMode | undefined;
    mannerOf(sessionKey: string): Manner;
  };
}

/**
 * Creates the end of turns without a model: of commands, and of all others while an owner has paused
 * the account (X4).
 *
 * @returns A function that rejects if the store refuses the turn.
 */
export function createCommandTurns(
  { commands, maxWaiting, ...ports }:
    & Omit<SaveTurnPorts, "maxWaiting">
    & {
      readonly account: BotAccount;
      readonly commands: Pick<TurnCommands, "commandOf" | "run">;
      readonly maxWaiting: () => SaveTurnPorts["maxWaiting"];
    },
): (claim: Claim) => Promise<void> {
  const end = (claim: Claim, run: TurnCommands["run"], why?: string) =>
    answerCommand(claim, { ...ports, maxWaiting: maxWaiting(), run, why });
  return (claim) => {
    if (commands.commandOf(claim.message)) return end(claim, commands.run);
    // Another bot gets no answer: it would answer that one, too. An event
    // is posted as it is.
    const { sender, hooked } = claim.message;
    const text = sender.automaton ? hooked?.post ?? "" : "My owner has paused me. Ask again later.";
    return end(claim, () => Promise.resolve(text), hooked && PAUSED);
  };
}
