/** Builds a config as the program reads it, from the keys of a test. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Env } from "../../src/lib/env.ts";
import { readConfig } from "../../src/cli/shared/read_config.ts";
import { type Config, forAccount } from "../../src/config/config.ts";
import { tempDirectory } from "./temp_directory.ts";

/**
 * The config of the account `default`.
 *
 * @param discord Keys of `channels.discord`.
 * @param beside Keys beside `channels`.
 */
export async function loadTestConfig(
  discord: object = {},
  beside: object = {},
  env: Env = {},
): Promise<Config> {
  using folder = tempDirectory();
  const file = join(folder.path, "config.jsonc");
  writeFileSync(file, JSON.stringify({ channels: { discord }, ...beside }), { mode: 0o600 });
  const loaded = await readConfig(file, env);
  const [account] = loaded.kind === "loaded" ? loaded.config.accounts : [];
  if (loaded.kind === "loaded" && account) return forAccount(loaded.config, account);
  throw new TypeError(loaded.problems.map(({ message }) => message).join("; "));
}
