/**
 * Who may talk to the bot by the config as it is now, with the names and the pairings of the store.
 *
 * @module
 */

import type { BotConfig } from "../../config/config.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { AccountId, UserId } from "../../core/discord/ids.ts";
import type { Store } from "../../store/store.ts";
import { accessIn, type AccessView } from "./rules_with_lines.ts";
import { EXIT } from "../shared/exit_code.ts";
import type { Io } from "../terminal/io.ts";
import { readConfigLeniently } from "../shared/read_config.ts";
import { StartError } from "../shared/start_error.ts";
import { whichAccount } from "../shared/which_account.ts";

export interface ReadAccess {
  readonly kind: "read";
  readonly config: BotConfig;
  /** One for each account of the config, whether or not it has a token here. */
  readonly views: readonly AccessView[];
  isPaired(accountId: AccountId, userId: UserId): boolean;
}

export type AccessNow =
  | ReadAccess
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

/** @param flag `--config`. */
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
    { ...(file !== undefined && { file }), ...(text !== undefined && { text }) },
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

/**
 * What one account goes by: the one that is named, or the only one, or `default`.
 *
 * @throws {StartError} If there is no such account.
 */
export function viewOf({ config, views }: ReadAccess, named: string | undefined): AccessView {
  const { accountId } = whichAccount(config, named).discord;
  const view = views.find((one) => one.accountId === accountId);
  if (view) return view;
  throw new StartError(`The config says nothing of the account ${accountId}`, EXIT.config);
}
