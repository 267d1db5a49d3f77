/**
 * `barnacle pause` and `barnacle resume`: stop the bot's turns, and let it go on (X4).
 *
 * They change the row of `/pause`. A running bot changes it for them, and stops its turns.
 */

import type { AccountId } from "../../core/discord/ids.ts";
import { printable } from "../../lib/text/quoted.ts";
import { pauseText } from "../../lib/text/units.ts";
import type { Pause } from "../../core/store/store.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { AccountFlags } from "../../cli/shared/command.ts";
import { accountsIn, withStore } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";

interface Result {
  readonly accountId: AccountId;
  /** Absent if the account is not paused. */
  readonly pause?: Pause;
  readonly isChanged: boolean;
}

/** Pauses accounts, or lets them go on. An account that is so already stays as it is. */
export function setPaused(isPaused: boolean, flags: AccountFlags, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async ({ gateway, settings }) => {
    const results: Result[] = [];
    for (const accountId of await accountsIn(gateway, flags.account)) {
      const change = { to: isPaused, by: "cli" };
      const { pause, isChanged } = await settings.changePause(accountId, change, Date.now());
      results.push({ accountId, pause, isChanged });
    }
    if (flags.json) io.out(JSON.stringify({ accounts: results }));
    else for (const result of results) io.out(lineOf(result, results.length > 1));
    if (results.length === 0) io.err("The data have no account yet; start the bot once.");
    return results.length === 0 ? EXIT.failed : EXIT.done;
  });
}

function lineOf({ accountId, pause, isChanged }: Result, hasOthers: boolean): string {
  const who = hasOthers ? `${printable(accountId)}: ` : "";
  if (!pause) return `${who}${isChanged ? "goes on" : "is not paused"}`;
  return `${who}${isChanged ? "paused" : "paused already"} ${pauseText(pause)}`;
}
