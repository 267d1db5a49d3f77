/** Removes everything that is stored of a person, and then rewrites the store's file (X5). */

import type { BotAccount } from "../../account/account.ts";
import { changedInAll, perAccount } from "../../account/per_account.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { dropLogins } from "../../host/files/data_dir.ts";

/** Milliseconds until the file is written anew, and between two times. */
const VACUUM_AFTER_MS = 60_000;

/** Maximum number of tries: another process may read the file. */
const MAX_TRIES = 10;

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
  vacuumLater(account);
  return "forgotten";
}

const vacuums = perAccount("interactions", () => ({ isDue: false }));

/**
 * Writes the file anew, which removes deleted texts from free pages. It blocks all other work, so it
 * comes later, and once for several people.
 */
export function vacuumLater(account: BotAccount, triesLeft: number = MAX_TRIES): void {
  const state = vacuums(account);
  if (state.isDue) return;
  state.isDue = true;
  account.schedule(() => {
    state.isDue = false;
    vacuum(account).catch((error: unknown) => {
      const message = "Cannot write the store anew after a person was forgotten";
      account.forPart("interactions").log.warn(message, { error, triesLeft });
      if (triesLeft > 0) vacuumLater(account, triesLeft - 1);
    });
  }, VACUUM_AFTER_MS);
}

async function vacuum({ store: { forgetting } }: BotAccount): Promise<void> {
  if (await forgetting.isVacuumDue()) await forgetting.vacuum(); // another account may have done it
}
