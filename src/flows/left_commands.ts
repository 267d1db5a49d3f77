/**
 * Ends the commands that the last process has left without an answer (K5): Discord shows "is thinking"
 * for them until someone does.
 */

import type { BotAccount } from "../account/account.ts";
import { perAccount } from "../account/per_account.ts";
import type { UserId } from "../core/discord/ids.ts";
import { isRefusal, isTokenRefused, RestError } from "../discord/rest/exchange/rest_error.ts";
import { createInteractions, type Webhook } from "../discord/rest/requests/interactions.ts";
import { CUT_QUESTION, cutCommandText } from "../render/sentences.ts";
import type { OpenCommand } from "../store/inbox/inbox.ts";
import { createRetryQueue } from "./retry_queue.ts";
import { tellPerson } from "./tell.ts";

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

/**
 * Replaces the answer of a command by a text.
 *
 * @returns Whether Discord has taken it; it takes none once the token has ended.
 * @throws {RestError} If Discord cannot be reached, so that a later try may succeed.
 */
export async function completeCommand(
  { rest }: BotAccount,
  { applicationId, token }: Pick<Webhook, "applicationId" | "token">,
  senderId: UserId,
  text: string,
): Promise<boolean> {
  const webhook: Webhook = {
    applicationId,
    token,
    sender: { id: senderId, username: "", roles: [] },
  };
  try {
    await createInteractions(rest, () => false).complete(webhook, text);
    return true;
  } catch (error) {
    if (isRefusal(error) || isTokenRefused(error)) return false;
    throw error;
  }
}

async function end(account: BotAccount, command: OpenCommand): Promise<void> {
  const { name, isAsked, senderId, interactionId } = command;
  const text = isAsked ? CUT_QUESTION : cutCommandText(name);
  if (!await completeCommand(account, command, senderId, text)) {
    try {
      await tellPerson(account, senderId, text);
    } catch (error) {
      if (!(error instanceof RestError) || !isRefusal(error)) throw error;
      account.log.warn("A person cannot be told that a command was cut", { command: name, error });
    }
  }
  await account.store.inbox.commandAnswered(interactionId, true);
}
