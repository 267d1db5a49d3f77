/** Ends the turn of a message that is a command, without asking the model (K1). */

import type { BotAccount } from "../../account/account.ts";
import { wakeChannels } from "../../account/wakes.ts";
import { toUnanswered } from "../../core/inbound/inbox.ts";
import { type Claim, type FinishedTurn, PAUSED } from "../../core/inbound/inbox.ts";
import { hookedOf, isAtDiscord } from "../../core/inbound/origin.ts";
import { freeze } from "../../render/freeze.ts";
import { noticeBody } from "../../render/reply.ts";
import { commandOf } from "../judging/judge.ts";
import { showUnanswered } from "../unanswered_reactions.ts";
import { saveTurn } from "./save_turn.ts";

/** @param why Why the text stands in place of an answer; absent: it is the answer. */
async function answerCommand(
  account: BotAccount,
  claim: Claim,
  text: string,
  why?: string,
): Promise<void> {
  const turn = commandTurn(claim, text, why);
  const stored = await saveTurn(account, turn, () => turn);
  if (!stored.stored) return;
  wakeChannels(account, [claim.message.channelId]);
  if (turn.isMarked) showUnanswered(account, [toUnanswered(claim.message, "refused")]);
}

/** Messages of the longest answer: its lines may leave room in each. */
const MESSAGES = 3;

/** The record of such a turn. The conversation keeps nothing of it. */
function commandTurn(claim: Claim, text: string, why: string | undefined): FinishedTurn {
  const { accountId, channelId, guildId, id: cause, revision } = claim.message;
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
      suppressesEmbeds: hookedOf(claim.message) !== undefined,
    }),
  };
}

/**
 * Ends a turn without a model: of a command, or of any other message while an owner has paused the
 * account (X4).
 *
 * @throws {unknown} The store's error, if it refuses the turn.
 */
export async function endWithoutModel(account: BotAccount, claim: Claim): Promise<void> {
  const { sender } = claim.message;
  if (commandOf(account, claim.message)) {
    const { runText } = await import("../interactions/run_commands.ts");
    const text = await runText(account.forPart("interactions"), claim.message);
    return await answerCommand(account, claim, text);
  }
  const hooked = hookedOf(claim.message);
  // Another bot gets no answer: it would answer that one, too. An event is posted as it is.
  const text = sender.automaton ? hooked?.post ?? "" : "My owner has paused me. Ask again later.";
  await answerCommand(account, claim, text, hooked && PAUSED);
}
