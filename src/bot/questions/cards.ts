/**
 * Connects the cards of questions with Discord and the store.
 *
 * @module
 */

import type { AccountContext } from "../account_context.ts";
import { createOpenDirect } from "../../discord/rest/calls/channel.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { createQuestionCards, type QuestionCards } from "../../flows/questions/cards.ts";
import { createEmitter } from "../../lib/emitter.ts";
import type { Connection } from "../../discord/gateway/main/connection.ts";
import type { Outbound } from "../outbound/outbound.ts";

/** The cards of an account. */
export interface AccountCards extends QuestionCards {
  /** Connects their events, before the first decision. */
  connect(events: AccountCardsEvents): void;
}

/** The events of an account's cards. */
export interface AccountCardsEvents {
  /** Turns may continue. */
  decided(): void;
}

/** Creates the cards of an account, of which the gateway opens the forms. */
export function createAccountCards(
  account: AccountContext,
  client: RestClient,
  outbound: Pick<Outbound, "channelQueues">,
  connection: Pick<Connection, "setForms">,
): AccountCards {
  const { config, store } = account;
  const events = createEmitter<AccountCardsEvents>();
  const cards = createQuestionCards(account.forPart("questions"), {
    store: store.questions,
    openDirect: createOpenDirect(client),
    isRefused: (error) =>
      error instanceof RestError && (error.kind === "forbidden" || error.kind === "rejected"),
    onOutbox: outbound.channelQueues.wake,
    onForms: connection.setForms,
    onDecided: () => events.emit.decided(),
    asCards: () => config().messages.cards === "components",
  });
  return { ...cards, connect: events.connect };
}
