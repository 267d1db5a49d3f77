/** The turns of an account: claims messages, and runs each turn to its end, a command without a model (K1). */

import type { BotAccount } from "../../account/account.ts";
import { ownServers, tellExtras } from "../../account/extra_parts.ts";
import { perAccount } from "../../account/per_account.ts";
import { wakeChannels } from "../../account/wakes.ts";
import { type Claim, type FinishedTurn, PAUSED, toUnanswered } from "../../core/inbound/inbox.ts";
import { hookedOf, isAtDiscord, termsOf } from "../../core/inbound/origin.ts";
import { freeze } from "../../render/freeze.ts";
import { noticeBody } from "../../render/reply.ts";
import { catchUpOf } from "../catch_up/catch_up.ts";
import { commandOf } from "../judging/judge.ts";
import { isOwner, ownsApplicationAsRead } from "../owners/owner_ids.ts";
import { runEnded } from "../schedules/runner.ts";
import { showUnanswered } from "../unanswered_reactions.ts";
import { answer } from "./answer.ts";
import { beginTyping } from "./progress/progress.ts";
import { saveTurn } from "./save_turn.ts";
import { modesOf } from "./turn_rules.ts";
import { createTurns, type RunningTurn, type Turns } from "./turns.ts";

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
async function endWithoutModel(account: BotAccount, claim: Claim): Promise<void> {
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

/** Waits for tools that the model sees, and that are not known yet. */
function toolsReady(account: BotAccount, { message, route: { agentId } }: Claim) {
  const { policy, bot: { toolServices } } = account;
  if (message.origin?.kind === "own") return ownServers(account)?.ready(message);
  const { place, sender } = message;
  const hook = hookedOf(message)?.hook;
  return toolServices.ready(agentId, (name) => {
    const ownsApplication = () => ownsApplicationAsRead(account, sender.id);
    const isOffer = place.kind !== "dm";
    const asker = { agentId, place, sender, hook, ownsApplication, isOffer };
    return policy().decideTools(asker, [{ name }]).some(({ isAllowed }) => isAllowed);
  });
}

/** Runs a turn to its end, whoever has asked. */
async function run(account: BotAccount, claim: Claim, turn: RunningTurn): Promise<void> {
  const { accountId, store } = account;
  const { message } = claim;
  const stopTyping = termsOf(message).shows !== "nothing"
    ? beginTyping(account, message.channelId)
    : () => {};
  try {
    const isCommand = commandOf(account, message) !== undefined;
    if (isCommand || store.settings.isPaused(accountId)) {
      return await endWithoutModel(account, claim);
    }
    const listing = toolsReady(account, claim);
    if (listing) await listing;
    await answer(account, claim, turn);
    if (message.origin?.kind === "schedule") runEnded(account, message.id);
  } finally {
    stopTyping();
    if (hookedOf(message)) tellExtras(account, "hookEnded");
  }
}

export const turnsOf: (account: BotAccount) => Turns = perAccount("turns", (account) => {
  const { accountId, store, ended, now, schedule, stopping, log } = account;
  const modes = () => modesOf(account);
  return createTurns({
    ...{ schedule, stopping, log, turnLimit: account.bot.turnLimit },
    claimNext(admits) {
      if (ended.aborted) return Promise.resolve(undefined);
      const delayed = catchUpOf(account).delayedChannels();
      return store.inbox.claimNext(accountId, now(), delayed, modes().carries, admits);
    },
    isOwner: (message) => isOwner(account, message),
    runsBeside: (running, next, agentId) => modes().runsBeside(running, next, agentId),
    interrupts: (message, next, agentId) => modes().interrupts(message, next, agentId),
    isCommand: (message) => commandOf(account, message) !== undefined,
    release: (claim) => store.inbox.release(claim),
    isRunning: store.inbox.isRunning,
    answer: (claim, turn) => run(account, claim, turn),
  });
});
