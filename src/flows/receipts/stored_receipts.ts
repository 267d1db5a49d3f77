/** Reads the receipts of a message's turn from the store, for those who ask about it later (R15a). */

import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Tool } from "../../core/turn/tool.ts";
import type { ToolChanges } from "../../store/changes/changes.ts";
import type { Steps } from "../../store/turns/turn_ends.ts";
import { lineOf, receiptsOf } from "./receipts.ts";

/** Creates the reading of the line; `undefined`: the turn had no effects. */
export function createStoredReceipts(
  { accountId, store: { turns, changes } }: {
    readonly accountId: AccountId;
    readonly store: {
      readonly turns: Pick<Steps, "stepsOf">;
      readonly changes: Pick<ToolChanges, "undoneOf">;
    };
  },
  tools: readonly Tool[],
) {
  return async (
    id: MessageId,
    place: Pick<InboundMessage, "channelId" | "guildId">,
  ): Promise<string | undefined> => {
    const steps = await turns.stepsOf(id);
    return lineOf(receiptsOf(steps, tools, place, await changes.undoneOf(accountId, id)));
  };
}
