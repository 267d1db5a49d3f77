/**
 * Reads the current access rules: the config, with names and pairings of the store.
 *
 * @module
 */

import type { BotConfig } from "../../config/config.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { AccountId, UserId } from "../../core/discord/ids.ts";
import { accessIn, type AccessView } from "./rules_with_lines.ts";
import { EXIT } from "../shared/exit_code.ts";
import type { Io } from "../terminal/io.ts";
import { readConfigLeniently } from "../shared/read_config.ts";
import { StartError } from "../shared/start_error.ts";
import { whichAccount } from "../shared/which_account.ts";
import type { Store } from "../../core/store/store.ts";

/** The rules of all accounts. */
export interface ReadAccess {
  /** Discriminates from a refused config. */
  readonly kind: "read";
  /** The config. */
  readonly config: BotConfig;
  /** One per account of the config, with or without a token. */
  readonly views: readonly AccessView[];
  /** Tests whether a user is paired with an account. */
  isPaired(accountId: AccountId, userId: UserId): boolean;
}

/** The rules, or the config's problems. */
export type AccessNow =
  | ReadAccess
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

/**
 * Reads config and store.
 *
 * @param flag Value of `--config`.
 */
export async function accessNow(
  flag: string | undefined,
  { env }: Io,
  store: Store | undefined,
): Promise<AccessNow> {
  const loaded = await readConfigLeniently(flag, env);
  if (loaded.kind === "refused") return { kind: "refused", problems: loaded.problems };
  const { config, text } = loaded;
  const { file } = config;
  const views = await accessIn(
    { file, text },
    (accountId) => store?.pairing.namesOf(accountId) ?? [],
  );
  const paired = new Set<string>();
  for (const { accountId } of views) {
    for (const { userId } of await store?.pairing.paired(accountId) ?? []) {
      paired.add(`${accountId} ${userId}`);
    }
  }
  return {
    kind: "read",
    config,
    views,
    isPaired: (accountId, userId) => paired.has(`${accountId} ${userId}`),
  };
}

/** Says that the rules are the defaults, because there is no config file. */
export function tellDefaults({ config }: ReadAccess, io: Pick<Io, "err">): void {
  if (config.file !== undefined) return;
  io.err(
    "There is no config file here, so the rules of today are the defaults; " +
      "`--config <file>` names the bot's config.",
  );
}

/**
 * The rules of one account: of `--account`, else of `default` or the only account.
 *
 * @throws {StartError} If the account does not exist.
 */
export function viewOf({ config, views }: ReadAccess, named: string | undefined): AccessView {
  const { accountId } = whichAccount(config, named).discord;
  const view = views.find((other) => other.accountId === accountId);
  if (view) return view;
  throw new StartError(`no account ${accountId} in the config`, EXIT.config);
}
