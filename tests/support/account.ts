import type { BotAccount } from "../../src/account/account.ts";
import { wakes } from "../../src/account/per_account.ts";
import { ACCOUNT } from "./discord/builders.ts";
import { recordingLog } from "./recording_log.ts";

/**
 * An account with little but the state of modules, for a part that has a world of its own in its test.
 *
 * @param woken Hears of turns and channels that are woken.
 */
export function bareAccount(
  members: Partial<BotAccount> = {},
  woken: Partial<ReturnType<typeof wakes>> = {},
): BotAccount {
  const account = {
    accountId: ACCOUNT,
    log: recordingLog().log,
    ...members,
    live: [],
    forPart: () => account,
  } as unknown as BotAccount;
  Object.assign(wakes(account), woken);
  return account;
}
