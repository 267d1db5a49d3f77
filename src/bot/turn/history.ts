/** Shows messages of Discord to the model, and names the ids in their texts (H3, H6). */

import type { BotAccount } from "../../account/account.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { namesIn } from "../../discord/gateway/decode/names_in.ts";
import { createShow } from "../../discord/gateway/decode/shown_message.ts";
import { recall } from "../../flows/judging/judge.ts";
import { mayBeSeen } from "../../flows/session/backfill.ts";

export function createHistory(account: BotAccount) {
  const { accountId, reader, store } = account;
  return {
    /** Shows messages of Discord to the model, if the policy lets it see them. */
    show: createShow({
      accountId,
      reader,
      maySee: (message) => mayBeSeen(recall(account, message)),
      footerOf: store.outbox.footerOf,
    }),
    /** Names the ids in texts that come with a message, as of files. */
    namesOf: (texts: readonly string[], { place }: Pick<InboundMessage, "place">) =>
      namesIn(texts, {}, place, reader),
  };
}

export type History = ReturnType<typeof createHistory>;
