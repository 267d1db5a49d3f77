/** Connects receipts with the config of an account. */

import type { BotAccount } from "../../account/account.ts";
import type { AccountPart } from "../../bot/bot_extra.ts";
import { TOOLS } from "../../tools/registry.ts";
import { createReceiptKeeper } from "../../flows/receipts/keep_receipts.ts";
import { lineOf, NOTHING, receiptsOf } from "../../flows/receipts/receipts.ts";

export function createAccountReceipts(account: BotAccount): AccountPart {
  const { start, look, attempted, stop } = createReceiptKeeper(account.forPart("turns"), TOOLS);
  return {
    ...{ start, stop },
    events: { undone: look, attempted },
    linesUnder({ claim: { message }, steps, tools, changes }) {
      const { receipts: mode } = account.config().messages;
      if (mode === "off") return [];
      // Before a restart, the turn may have had other tools.
      const line = lineOf(receiptsOf(steps, [...tools, ...TOOLS], message, changes));
      if (line !== undefined) return [line];
      const hadEffects = tools.some(({ isReadOnly, effect }) => effect ?? isReadOnly !== true);
      return mode === "always" && hadEffects ? [NOTHING] : [];
    },
  };
}
