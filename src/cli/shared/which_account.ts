/**
 * Which account a command is about: of the config, or of what the store has.
 *
 * @module
 */

import { type BotConfig, type Config, forAccount } from "../../config/config.ts";
import { type AccountId, toAccountId } from "../../core/discord/ids.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { Store } from "../../store/store.ts";
import { EXIT } from "./exit_code.ts";
import { StartError } from "./start_error.ts";

/**
 * The account that `--account` names; without it the one that is called `default`, or the only one.
 *
 * @throws {StartError} If there is none of that name, or several to choose from.
 */
export function whichAccount(config: BotConfig, flag: string | undefined): Config {
  const { accounts } = config;
  const wanted = flag === undefined ? undefined : toAccountId(flag);
  const only = accounts.length === 1 ? accounts[0] : undefined;
  const found = wanted === undefined
    ? accounts.find(({ accountId }) => accountId === DEFAULT) ?? only
    : accounts.find(({ accountId }) => accountId === wanted);
  if (found) return forAccount(config, found);
  const known = accounts.map(({ accountId }) => accountId).join(", ");
  throw new StartError(
    wanted === undefined
      ? `There are several accounts: name one by --account (${known})`
      : `There is no account ${printable(wanted)}; there is: ${known}`,
    EXIT.usage,
  );
}

/**
 * The accounts of a store: all, also those that the config forgot, or the one that is named.
 *
 * @throws {StartError} If the store has nothing of that one.
 */
export async function accountsIn(
  store: Pick<Store["gateway"], "accountIds">,
  flag: string | undefined,
): Promise<readonly AccountId[]> {
  const known = await store.accountIds();
  if (flag === undefined) return known;
  const wanted = toAccountId(flag);
  if (known.includes(wanted)) return [wanted];
  throw new StartError(
    `The store has nothing of an account ${printable(wanted)}; it has: ${known.join(", ")}`,
    EXIT.usage,
  );
}

const DEFAULT: AccountId = toAccountId("default");
