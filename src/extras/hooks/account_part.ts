/** The part of an account that answers events of hooks (W3). */

import type { AccountContext } from "../../bot/account_context.ts";
import type { AccountPart, AccountServices } from "../../bot/bot_extra.ts";
import { createLoadedHooks } from "./load_hooks.ts";

/** Creates the part; its code is loaded with the first hook. */
export function createHooksPart(account: AccountContext, services: AccountServices): AccountPart {
  const { start, wake, stop } = createLoadedHooks(account, async () => {
    const { createAccountHooks } = await import("./account_hooks.ts");
    return createAccountHooks(account, services);
  });
  return {
    start,
    reconfigured: wake,
    namespaces: ["hooks"],
    events: {
      hookEnded: wake,
      hookStored: wake,
      delivered({ message: { of } }) {
        if (of?.kind === "notice") wake(); // perhaps the first of an incident
      },
    },
    stop,
  };
}
