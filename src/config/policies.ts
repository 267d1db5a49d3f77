/**
 * The access policies of a text that is on record, so that an old verdict can be judged again (P1).
 *
 * Nothing is looked up: the text has no secrets any more, and what the environment was then nobody
 * knows. So the account `default` is always among them.
 *
 * @module
 */

import type { AccountId } from "../core/discord/ids.ts";
import type { AccessPolicy } from "../policy/rules.ts";
import { toAccessPolicy } from "./access.ts";
import { accountsOf } from "./schema/accounts.ts";
import { mentionsOf } from "./mention.ts";
import { noFile, parseConfig } from "./parse.ts";

export interface AccountPolicy {
  readonly accountId: AccountId;
  /** Names are not looked up yet; see `withNames`. */
  readonly access: AccessPolicy;
}

/**
 * Reads them. Never rejects.
 *
 * @param text With its secrets blanked, as `Loaded.text`; `undefined` where there was no file.
 * @param file What it was called; nobody is shown what is wrong with it.
 * @returns None where this version cannot read the text: another one has written it.
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
