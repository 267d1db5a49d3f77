/**
 * Connects the cards of questions with Discord and the store.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import type { Config } from "../../config/config.ts";
import { createOpenDirect } from "../../discord/rest/calls/channel.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { createQuestionCards, type QuestionCards } from "../../flows/questions/cards.ts";
import { createEmitter } from "../../lib/emitter.ts";
import { schedule } from "../../lib/clock.ts";
import type { Logging } from "../../log.ts";
import type { Connection } from "../../discord/gateway/main/connection.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { Store } from "../../core/store/store.ts";

/** The dependencies of an account's cards. */
export interface AccountCardsOptions {
  /** The current config; a reload replaces it (C9). */
  readonly config: () => Config;
  /** Questions in the store. */
  readonly store: Pick<Store, "questions">;
  /** Sends requests to Discord. */
  readonly client: RestClient;
  /** Sends messages and notices. */
  readonly outbound: Pick<Outbound, "channelQueues">;
  /** The process's log, by part. */
  readonly logging: Logging;
  /** The gateway, which opens forms. */
  readonly connection: Pick<Connection, "setForms">;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

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

/** Creates the cards of an account. */
export function createAccountCards(options: AccountCardsOptions): AccountCards {
  const { config, store, client, outbound, logging, connection, now } = options;
  const events = createEmitter<AccountCardsEvents>();
  const cards = createQuestionCards({
    accountId: config().discord.accountId,
    draw: (count) => randomBytes(count),
    texts: () => config().texts,
    schedule,
    random: Math.random,
    now,
    log: logging.forPart("questions"),
  }, {
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
