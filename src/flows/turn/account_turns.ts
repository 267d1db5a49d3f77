/** The turns of an account: claims messages, and runs each turn to its end. */

import { hookedOf, termsOf } from "../../core/inbound/origin.ts";
import type { BotAccount } from "../../account/account.ts";
import { ownServers, tellExtras } from "../../account/extra_parts.ts";
import { perAccount } from "../../account/per_account.ts";
import type { Claim } from "../../core/inbound/inbox.ts";
import { catchUpOf } from "../catch_up/catch_up.ts";
import { commandOf } from "../judging/judge.ts";
import { isOwner, ownsApplicationAsRead } from "../owners/owner_ids.ts";
import { runEnded } from "../schedules/runner.ts";
import { answer } from "./answer.ts";
import { endWithoutModel } from "./command_turn.ts";
import { beginTyping } from "./progress/progress.ts";
import { modesOf } from "./turn_rules.ts";
import { createTurns, type RunningTurn, type Turns } from "./turns.ts";

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
