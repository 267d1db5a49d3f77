/** Connects `/catchup` with an account. Its work is loaded with the first call. */

import type { AccountContext } from "../../bot/account_context.ts";
import type { AccountPart, AccountServices } from "../../bot/bot_extra.ts";
import { createLoader } from "../../lib/loader.ts";

export function createAccountCatchup(
  account: AccountContext,
  services: AccountServices,
): AccountPart {
  const loaded = createLoader(async () =>
    (await import("./catch_up.ts")).createCatchUp(account.forPart("interactions"), services)
  );
  return { commands: { catchup: async (call) => await (await loaded.get())(call) } };
}
