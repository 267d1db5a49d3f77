import type { Account } from "../../src/core/account/account.ts";
import { wakes } from "../../src/account/wakes.ts";
import type { BotAccount } from "../../src/account/account.ts";
import { ACCOUNT } from "./discord/builders.ts";
import { FakeClock } from "./fake_clock.ts";
import { type LogLine, recordingLog } from "./recording_log.ts";

/** The members of an account's context that each flow may use. */
export type TestAccount = Pick<
  Account,
  | "accountId"
  | "draw"
  | "ended"
  | "log"
  | "now"
  | "random"
  | "randomId"
  | "schedule"
  | "stopping"
>;

/** An account with a clock that the test moves, and a log that it reads. */
export function testAccount(
  given: Partial<TestAccount> = {},
  clock: FakeClock = new FakeClock(),
): { readonly account: TestAccount; readonly clock: FakeClock; readonly lines: LogLine[] } {
  const { log, lines } = recordingLog();
  const account: TestAccount = {
    accountId: ACCOUNT,
    random: () => 0,
    randomId: () => "0123456789ab",
    draw: (count) => new Uint8Array(count),
    now: clock.now,
    schedule: clock.schedule,
    log,
    stopping: new AbortController().signal,
    ended: new AbortController().signal,
    ...given,
  };
  return { account, clock, lines };
}

/**
 * An account with nothing but the state of modules, for a flow that is not converted yet.
 *
 * @param woken Hears of turns and channels that are woken.
 */
export function bareAccount(
  members: Partial<BotAccount> = {},
  woken: Partial<ReturnType<typeof wakes>> = {},
): BotAccount {
  const account = { ...members, live: new Map(), forPart: () => account } as unknown as BotAccount;
  Object.assign(wakes(account), woken);
  return account;
}
