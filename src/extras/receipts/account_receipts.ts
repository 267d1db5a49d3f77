/** Connects receipts with the config of an account. */

import type { AccountContext } from "../../bot/account_context.ts";
import type { AccountPart } from "../../bot/bot_extra.ts";
import { TOOLS } from "../../tools/registry.ts";
import { createReceiptKeeper } from "../../flows/receipts/keep_receipts.ts";
import { lineOf, NOTHING, receiptsOf } from "../../flows/receipts/receipts.ts";

export function createAccountReceipts(account: AccountContext): AccountPart {
  const { accountId, config, store } = account;
  const keeper = createReceiptKeeper(account.forPart("turns"), TOOLS);
  return {
    start: keeper.changed,
    events: { changesMade: keeper.changed },
    stop: keeper.stop,
    async linesUnder({ claim: { message }, steps, tools }) {
      const { receipts: mode } = config().messages;
      if (mode === "off") return [];
      const undone = steps.length === 0
        ? undefined
        : await store.changes.undoneOf(accountId, message.id);
      const line = lineOf(receiptsOf(steps, tools, message, undone));
      if (line !== undefined) return [line];
      const hadEffects = mode === "always" && tools.some(({ afterEdit }) => afterEdit !== "run");
      return hadEffects ? [NOTHING] : [];
    },
  };
}
