/** Removes the program's secrets from texts, by all secrets that the program knows at the moment. */

import { createBySecrets } from "../lib/cache.ts";
import { createSecretFilter, createSecretTail } from "../render/safety/secrets.ts";
import type { BotAccount } from "./account.ts";
import { perAccount } from "./per_account.ts";

const filters = perAccount("main", ({ bot: { logging: { secrets } } }) => ({
  clean: createBySecrets(secrets, createSecretFilter),
  tail: createBySecrets(secrets, createSecretTail),
}));

/** Removes them from a text before it is posted (SEC-R10). */
export function cleanSecrets(account: BotAccount, text: string): string {
  return filters(account).clean(text).text;
}

/** Index from which on a secret may begin that the text does not have whole; else the text's length. */
export function secretTail(account: BotAccount, text: string): number {
  return filters(account).tail(text);
}
