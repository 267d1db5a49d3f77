/** Keeps the calls of an account, from the main thread. */

import type { AccountContext } from "../../../bot/account_context.ts";
import type { AccountServices, VoiceService } from "../../../bot/bot_extra.ts";
import type { Calls } from "../line/call.ts";

/** Creates the calls of an account: none. Their thread starts with the first one. */
export function createCalls(
  _account: AccountContext,
  _services: Pick<AccountServices, "client"> & { readonly voice: VoiceService },
): Calls {
  throw new Error("not yet");
}
