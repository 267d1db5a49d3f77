/** Ends the turn of a message that is a command, without asking the model (K1). */

import type { BotAccount } from "../../account/account.ts";
import { wakeChannels } from "../../account/wakes.ts";
import { toUnanswered } from "../../core/inbound/inbox.ts";
import { type Claim, type FinishedTurn, PAUSED } from "../../core/inbound/inbox.ts";
import type { TextCommand } from "../../core/inbound/text_commands.ts";
import { type InboundMessage, isAtDiscord } from "../../core/inbound/inbound.ts";
import { freeze } from "../../render/freeze.ts";
import { noticeBody } from "../../render/reply.ts";
import { showUnanswered } from "../unanswered_reactions.ts";
import { saveTurn, type SaveTurnPorts } from "./save_turn.ts";

type RunCommand = (message: InboundMessage) => Promise<string>;

/**
 * Runs the command of a claimed message, and stores its answer (T3).
 *
 * @throws {unknown} The store's error, if it refuses the turn.
 */
async function answerCommand(
  claim: Claim,
  { run, why, account, ...ports }:
    & SaveTurnPorts
    & {
      readonly run: RunCommand;
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

/**
 * Creates the end of turns without a model: of commands, and of all others while an owner has paused
 * the account (X4).
 *
 * @returns A function that rejects if the store refuses the turn.
 */
export function createCommandTurns(
  { commandOf, maxWaiting, ...ports }:
    & Omit<SaveTurnPorts, "maxWaiting">
    & {
      readonly account: BotAccount;
      /** Reads a message as a command; `undefined` if it is none. */
      readonly commandOf: (message: InboundMessage) => TextCommand | undefined;
      readonly maxWaiting: () => SaveTurnPorts["maxWaiting"];
    },
): (claim: Claim) => Promise<void> {
  const end = (claim: Claim, run: RunCommand, why?: string) =>
    answerCommand(claim, { ...ports, maxWaiting: maxWaiting(), run, why });
  return (claim) => {
    if (commandOf(claim.message)) {
      return end(claim, async (message) => {
        const { runText } = await import("../interactions/run_commands.ts");
        return await runText(ports.account.forPart("interactions"), message);
      });
    }
    // Another bot gets no answer: it would answer that one, too. An event
    // is posted as it is.
    const { sender, hooked } = claim.message;
    const text = sender.automaton ? hooked?.post ?? "" : "My owner has paused me. Ask again later.";
    return end(claim, () => Promise.resolve(text), hooked && PAUSED);
  };
}
