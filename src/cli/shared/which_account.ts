/** Finds the accounts that a command acts on, in the config or in the store. */

import { type BotConfig, type Config, forAccount } from "../../config/config.ts";
import { type AccountId, toAccountId } from "../../core/discord/ids.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { EXIT, StartError } from "./exit_code.ts";
import type { Store } from "../../store/store.ts";

/**
 * Finds the account of `--account`; without it `default`, or the only account.
 *
 * @throws {StartError} If it does not exist, or the choice is ambiguous.
 */
export function whichAccount(config: BotConfig, flag: string | undefined): Config {
  const { accounts } = config;
  const wanted = flag === undefined ? undefined : toAccountId(flag);
  const only = accounts.length === 1 ? accounts[0] : undefined;
  const account = wanted === undefined
    ? accounts.find(({ accountId }) => accountId === DEFAULT) ?? only
    : accounts.find(({ accountId }) => accountId === wanted);
  if (account) return forAccount(config, account);
  const known = accounts.map(({ accountId }) => accountId).join(", ");
  throw new StartError(
    wanted === undefined
      ? `several accounts: choose one with --account (${known})`
      : `unknown account ${quoted(wanted)}; accounts: ${known}`,
    EXIT.usage,
  );
}

/**
 * Lists the accounts of a store, including accounts that the config no longer has.
 *
 * @param flag Value of `--account`, which selects one of them.
 * @throws {StartError} If the store has no data of that account.
 */
export async function accountsIn(
  store: Store["gateway"],
  flag: string | undefined,
): Promise<readonly AccountId[]> {
  const known = await store.accountIds();
  if (flag === undefined) return known;
  const wanted = toAccountId(flag);
  if (known.includes(wanted)) return [wanted];
  throw new StartError(
    `no data of account ${quoted(wanted)}; accounts with data: ${known.join(", ")}`,
    EXIT.usage,
  );
}

const DEFAULT: AccountId = toAccountId("default");
