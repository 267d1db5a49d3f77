/** Connects the cards of questions with Discord and the store. */

import type { AccountContext } from "../account_context.ts";
import { createOpenDirect } from "../../discord/rest/requests/channel.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { isRefusal } from "../../discord/rest/exchange/rest_error.ts";
import type { Outbound } from "../outbound/outbound.ts";
import { createQuestionCards, type QuestionCards } from "../../flows/questions/cards.ts";

export function createAccountCards(
  account: AccountContext,
  { client, outbound }: {
    readonly client: RestClient;
    readonly outbound: Pick<Outbound, "tellChannel" | "progress">;
  },
): QuestionCards {
  const { config } = account;
  return createQuestionCards(account.forPart("questions"), {
    openDirect: createOpenDirect(client),
    isRefused: isRefusal, // a question goes to the other people, and waits for none
    tellChannel: outbound.tellChannel,
    beginTyping: outbound.progress.typing.begin,
    asCards: () => config().messages.cards === "components",
  });
}
