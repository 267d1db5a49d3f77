/** Removes everything that is stored of a person (X5). */

import type { BotAccount } from "../../account/account.ts";
import { changedInAll } from "../../account/per_account.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { dropLogins } from "../../host/files/data_dir.ts";

/**
 * Removes everything that is stored of a person for `/forget` (X5). While a turn of theirs is open, it
 * removes nothing.
 */
export async function forget(account: BotAccount, id: UserId): Promise<"forgotten" | "open turns"> {
  const { bot, store: { forgetting } } = account;
  const forgotten = await forgetting.forget(id, true);
  if (forgotten === "open turns") return "open turns";
  await bot.media.folder.forget(id);
  dropLogins(bot.dataDir, id);
  changedInAll(bot, "forgetting", id);
  return "forgotten";
}
