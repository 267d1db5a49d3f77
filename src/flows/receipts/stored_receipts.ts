/** Reads the receipts of a turn from the store, for those who ask about it later (R15a). */

import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Tool } from "../../core/turn/tool.ts";
import type { Store } from "../../store/store.ts";
import { lineOf, receiptsOf } from "./receipts.ts";

export interface ReceiptsAccount {
  readonly accountId: AccountId;
  readonly store: {
    readonly turns: Pick<Store["turns"], "stepsOf">;
    readonly changes: Pick<Store["changes"], "ofTurn">;
  };
}

/** Creates the reading of the line; `undefined`: the turn had no effects. */
export function createStoredReceipts(
  { accountId, store }: ReceiptsAccount,
  tools: readonly Tool[],
) {
  return async (
    id: MessageId,
    place: Pick<InboundMessage, "channelId" | "guildId">,
  ): Promise<string | undefined> => {
    const changes = await store.changes.ofTurn(accountId, id);
    return lineOf(receiptsOf(await store.turns.stepsOf(id), tools, place, changes));
  };
}
