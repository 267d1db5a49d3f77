/**
 * Finds the config file (C1).
 *
 * @module
 */

import type { Env } from "../lib/env.ts";

/** The result of the search. */
export type Located =
  | { readonly kind: "file"; readonly path: string }
  /** There is no file, so the environment is the config. */
  | { readonly kind: "none"; readonly looked: readonly string[] }
  /**
   * The flag or the variable names a file that does not exist. Barnacle must not read another one.
   */
  | { readonly kind: "missing"; readonly path: string; readonly named: string };

/** Finds the config file: named by flag or environment, else the first that exists. */
export function locateConfig(
  flag: string | undefined,
  env: Env,
  exists: (path: string) => boolean,
): Located {
  const named = flag !== undefined
    ? { path: flag, named: "--config" }
    : env["BARNACLE_CONFIG"]
    ? { path: env["BARNACLE_CONFIG"], named: "BARNACLE_CONFIG" }
    : undefined;
  if (named) {
    return exists(named.path) ? { kind: "file", path: named.path } : { kind: "missing", ...named };
  }

  const looked = ["./config.jsonc", ...homeOf(env), "/etc/barnacle/config.jsonc"];
  const path = looked.find(exists);
  return path === undefined ? { kind: "none", looked } : { kind: "file", path };
}

/** The XDG base directory specification says to ignore relative paths. */
function homeOf(env: Env): readonly string[] {
  const xdg = env["XDG_CONFIG_HOME"];
  if (xdg?.startsWith("/")) return [`${xdg.replace(/\/+$/, "")}/barnacle/config.jsonc`];
  const home = env["HOME"];
  return home ? [`${home.replace(/\/+$/, "")}/.config/barnacle/config.jsonc`] : [];
}
