/**
 * Registers every secret of a loaded config with the log, whose filter all outputs share.
 *
 * `run`, a reload and `send` use it alike. A key of a provider that is not chosen counts too: the
 * model, or a script that sends its text, may know it nevertheless.
 *
 * @module
 */

import type { Env } from "../lib/env.ts";
import { BOT_TOKEN } from "./config.ts";
import type { LoadedConfig } from "./load.ts";
import { VENDORS } from "./models.ts";
import { envSecret } from "./schema/parts/secrets.ts";

/** Registers all secrets of the config, found by path, and those of the environment. */
export function registerSecrets(
  { secrets }: Pick<LoadedConfig, "secrets">,
  env: Env,
  logging: { readonly addSecret: (secret: string) => void },
): void {
  for (const { secret } of secrets.values()) logging.addSecret(secret.reveal());
  for (const name of [BOT_TOKEN, ...VENDORS.map(({ keyVariable }) => keyVariable)]) {
    const value = envSecret(env, name);
    if (value) logging.addSecret(value.reveal());
  }
}
