/**
 * Makes the access policies of a recorded config, to judge an old verdict again (P1).
 *
 * The recorded text has no secrets, and the environment of that time is lost. So no secret is
 * resolved, and the account `default` is always included.
 *
 * @module
 */

import type { AccountId } from "../core/discord/ids.ts";
import type { AccessPolicy } from "../policy/rules/rules.ts";
import { toAccessPolicy } from "./access.ts";
import { accountsOf } from "./schema/accounts.ts";
import { mentionsOf } from "./mentions/mention.ts";
import { noFile, parseConfig } from "./parse.ts";

/** The access policy of one account. */
export interface AccountPolicy {
  /** Id of the account. */
  readonly accountId: AccountId;
  /** Names are not resolved yet; see `withNames`. */
  readonly access: AccessPolicy;
}

/**
 * Makes the policies of all accounts. Never rejects.
 *
 * @param text Recorded text, as `Loaded.text`; `undefined` if there was no file.
 * @param file Its path then. Problems in it are not shown.
 * @returns Empty if this version cannot read the text, because another version wrote it.
 */
export async function policiesIn(
  text: string | undefined,
  file = "config.jsonc",
): Promise<readonly AccountPolicy[]> {
  const { settings, written } = text === undefined ? noFile() : await parseConfig({ file, text });
  if (!settings) return [];
  const { matches } = await mentionsOf(settings);
  return accountsOf(settings, written, true).map((account) => ({
    accountId: account.id,
    access: toAccessPolicy(settings, account, matches),
  }));
}
