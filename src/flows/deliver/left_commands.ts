/**
 * Ends commands that their own turn or process has left without an answer (K5): Discord shows "is
 * thinking" for them until someone does. The text replaces the deferral, or goes to the person as a
 * direct message.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { createdAtMs, parseSnowflake, type UserId } from "../../core/discord/ids.ts";
import { isRefusal, isTokenRefused } from "../../discord/rest/exchange/exchange.ts";
import { createInteractions, type Webhook } from "../../discord/rest/requests/messages.ts";
import { CUT_QUESTION, cutCommandText } from "../../render/sentences.ts";
import type { OpenCommand } from "../../store/inbox/inbox.ts";
import { tellOwners } from "../owners/tell_owners.ts";
import { createRetryQueue } from "../retry_queue.ts";
import { tellPerson } from "../tell.ts";

const retriesOf = perAccount(
  "interactions",
  (account) => createRetryQueue("Cannot end commands that the last process has left", account),
);

/** Begins to end them. It resolves once they are read, and no new command may come before. */
export async function endLeftCommands(account: BotAccount): Promise<void> {
  const left = await account.store.inbox.openCommands(account.accountId);
  for (const command of left) retriesOf(account).add(() => end(account, command));
}

/** Ends no more of them; the next start does. */
export async function stopLeftCommands(account: BotAccount): Promise<void> {
  await retriesOf(account).stop();
}

async function end(account: BotAccount, command: OpenCommand): Promise<void> {
  const { name, isAsked, senderId, interactionId } = command;
  const text = isAsked ? CUT_QUESTION : cutCommandText(name);
  const isAlive = account.now() < tokenEndsAt(interactionId);
  if (!isAlive || !await completeCommand(account, command, text)) {
    await answerDirectly(account, senderId, text);
  }
  await account.store.inbox.commandAnswered(interactionId, true);
}

/**
 * Replaces the answer of a command by a text.
 *
 * @returns Whether Discord has taken it; it takes none once the token has ended.
 * @throws {RestError} If Discord cannot be reached, so that a later try may succeed.
 */
export async function completeCommand(
  { rest }: BotAccount,
  webhook: Webhook,
  text: string,
): Promise<boolean> {
  try {
    await createInteractions(rest, () => false).complete(webhook, text);
    return true;
  } catch (error) {
    if (isRefusal(error) || isTokenRefused(error)) return false;
    throw error;
  }
}

/**
 * Gives a person an answer by direct message; the owners learn if Discord refuses that.
 *
 * @throws {RestError} If Discord cannot be reached.
 */
export async function answerDirectly(
  account: BotAccount,
  userId: UserId,
  text: string,
): Promise<void> {
  try {
    await tellPerson(account, userId, text);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await tellOwners(
      account,
      `Discord lets me give <@${userId}> no answer to a command, not even by direct message.`,
    );
  }
}

/** Unix time in milliseconds until which Discord takes answers of an interaction. */
export function tokenEndsAt(interactionId: string): number {
  const id = parseSnowflake<"interaction">(interactionId);
  return id ? createdAtMs(id) + TOKEN_MS : Infinity;
}

/** Discord takes a token for 15 minutes from its own clock. */
const TOKEN_MS = 15 * 60_000 - 10_000;
