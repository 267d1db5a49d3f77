/** Puts the config of a backup to its place, or beside the store. */

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { replaceFile, WriteError } from "../../host/files/write_file.ts";
import type { Env } from "../../lib/env.ts";
import { codeOf } from "../../lib/errors.ts";
import { openConfig } from "../../cli/config/write.ts";
import { readConfigText } from "../../cli/shared/read_config.ts";
import { SERVICE_CONFIG, SERVICE_DATA } from "../../cli/shared/service_paths.ts";

/** Name of the backup's config in the data directory, if it cannot go to its place. */
const COPY = "config.restored";

/**
 * The restored config.
 *
 * - `new`: there was none, and this one is at its place.
 * - `same`: the config at its place has the same text.
 * - `beside`: another config is at `place`, or this user may not write there. `path` is the name of
 *   the restored one in the data directory.
 */
export type PlacedConfig =
  | { readonly kind: "new" | "same"; readonly path: string }
  | {
    readonly kind: "beside";
    readonly path: string;
    readonly place: string;
    /** Why nothing was written to the place; absent: a config exists there. */
    readonly why?: string;
  };

/** Chooses where a bot with this data directory reads its config. */
export function configPlace(
  flag: string | undefined,
  dataDir: string,
  { env, cwd }: { readonly env: Env; readonly cwd: string },
): string {
  const named = flag ?? (env["BARNACLE_CONFIG"] || undefined);
  if (named !== undefined) return resolve(cwd, named);
  if (dataDir === SERVICE_DATA) return SERVICE_CONFIG;
  const opened = openConfig(undefined, env);
  const file = opened.kind === "opened" ? opened.file : opened.problem.file;
  return resolve(cwd, file ?? "config.jsonc");
}

/**
 * Writes the config to its place if there is none; else into the folder that becomes the data
 * directory.
 *
 * @param from The file of the backup.
 * @param folder The prepared data directory.
 */
export function placeConfig(from: string, place: string, folder: string): PlacedConfig {
  const text = readFileSync(from, "utf8");
  const beside = (why?: string): PlacedConfig => {
    const path = `${COPY}${extname(from)}`;
    renameSync(from, `${folder}/${path}`);
    return { kind: "beside", path, place, why };
  };
  try {
    if (existsSync(place)) {
      return readConfigText(place) === text ? { kind: "same", path: place } : beside();
    }
    replaceFile({ path: place, text, expected: undefined });
    return { kind: "new", path: place };
  } catch (error) {
    const cause = error instanceof WriteError ? error.cause : error;
    return beside(codeOf(cause) ?? "unknown reason");
  }
}

/**
 * Writes files of secrets into the folder `credentials` beside the config; existing ones stay.
 *
 * @returns Paths that cannot be written.
 */
export function placeCredentials(from: string, place: string): readonly string[] {
  const folder = dirname(place);
  const names = existsSync(from) ? readdirSync(from) : [];
  return names.flatMap((name) => {
    const path = join(folder, "credentials", name);
    if (existsSync(path) || existsSync(join(folder, name))) return [];
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, readFileSync(join(from, name)), { mode: 0o600, flag: "wx" });
      return [];
    } catch {
      return [path];
    }
  });
}
