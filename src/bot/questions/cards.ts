/** Connects the cards of questions with Discord and the store. */

import type { AccountContext } from "../account_context.ts";
import { createOpenDirect } from "../../discord/rest/calls/channel.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { createQuestionCards, type QuestionCards } from "../../flows/questions/cards.ts";

/** Creates the cards of an account. */
export function createAccountCards(
  account: AccountContext,
  { client }: { readonly client: RestClient },
): QuestionCards {
  const { config } = account;
  return createQuestionCards(account.forPart("questions"), {
    openDirect: createOpenDirect(client),
    isRefused: (error) =>
      error instanceof RestError && (error.kind === "forbidden" || error.kind === "rejected"),
    asCards: () => config().messages.cards === "components",
  });
}
