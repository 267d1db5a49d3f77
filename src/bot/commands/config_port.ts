/**
 * The config file for `/config` (K4).
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import { type ReferenceKey, referenceKeys } from "../../config/reference/keys.ts";
import { configSchema } from "../../config/schema/root.ts";
import type { ConfigPort } from "../../interactions/base/context.ts";
import type { ConfigFile } from "../rules/setup.ts";

/**
 * Creates the port of commands.
 *
 * @param file The file as it is now; `undefined` if there is none.
 */
export function createConfigPort(
  config: () => { readonly discord: Pick<Config["discord"], "configCommand"> },
  file: () => ConfigFile | undefined,
): ConfigPort {
  let paths: readonly string[] | undefined;
  return {
    allows() {
      const { discord: { configCommand } } = config();
      const reading = configCommand !== "off" && file() !== undefined;
      return { reading, writing: reading && configCommand === "write" };
    },
    // Built by the first person who types a path: the schema takes milliseconds.
    paths: () => paths ??= pathsOf(referenceKeys(configSchema)),
    get: (path) => file()?.get(path) ?? Promise.resolve(undefined),
    set: (path, value) => file()?.set(path, value) ?? Promise.resolve("there is no config file"),
  };
}

function pathsOf(keys: readonly ReferenceKey[]): readonly string[] {
  return keys.flatMap(({ path, keys: below }) => [path, ...pathsOf(below)]);
}
