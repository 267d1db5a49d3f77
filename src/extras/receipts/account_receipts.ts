/** Connects receipts with the config of an account. */

import type { AccountContext } from "../../bot/account_context.ts";
import type { AccountPart } from "../../bot/bot_extra.ts";
import { lineOf, NOTHING, receiptsOf } from "../../flows/receipts/receipts.ts";

/** Creates the part of an account. */
export function createAccountReceipts({ config }: AccountContext): AccountPart {
  return {
    linesUnder({ claim: { message }, steps, tools }) {
      const { receipts: mode } = config().messages;
      const line = mode === "off" ? undefined : lineOf(receiptsOf(steps, tools, message));
      if (line !== undefined) return Promise.resolve([line]);
      const hadEffects = mode === "always" && tools.some(({ afterEdit }) => afterEdit !== "run");
      return Promise.resolve(hadEffects ? [NOTHING] : []);
    },
  };
}
