/**
 * The list of contents at the beginning of a backup, and the names of its parts.
 *
 * The list comes first, so that a restore can refuse a backup before it reads the rest. The checksums
 * come last: a backup without them is cut.
 */

import { z } from "zod";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";

/** Number of the format. A Barnacle refuses backups with a higher one. */
export const FORMAT = 1;

export const ENDINGS = { plain: ".tar.zst", encrypted: ".tar.zst.age" } as const;

export const MANIFEST_NAME = "manifest.json";
/** The checksums, as `sha256sum` writes them. */
export const SUMS_NAME = "SHA256SUMS";
export const STORE_PATH = `data/${DATABASE_NAME}`;
export const DATA_FOLDER = "data";
export const CONFIG_FOLDER = "config";
/** Files of secrets, in an encrypted backup. */
export const CREDENTIALS_FOLDER = "config/credentials";
/** Workspaces that the config puts outside of the data directory, by agent. */
export const WORKSPACES_FOLDER = "workspaces";

/** Where a secret of the config comes from. */
const secretPlace = z.object({
  /** Path in the config: `"channels.discord.token"`. */
  key: z.string(),
  /** The variable or the file that the config names; absent: the config file itself has it. */
  from: z.string().optional(),
  /** Whether that is a file; backups of older versions do not tell. */
  isFile: z.literal(true).optional(),
});

export const manifestSchema = z.object({
  format: z.int().positive(),
  /** Version of Barnacle that made the backup. */
  barnacle: z.string(),
  schema: z.int().nonnegative(),
  /** Unix time in milliseconds. */
  createdAt: z.int().nonnegative().max(8.64e15),
  accounts: z.array(z.object({
    id: z.string(),
    userId: z.string().optional(),
    name: z.string().optional(),
  })),
  bytes: z.int().nonnegative(),
  /** Whether it has the secrets of the config file and of credentials, and logins of MCP servers. */
  hasSecrets: z.boolean(),
  /** Secrets that must be set again after a restore on another machine. */
  setAgain: z.array(secretPlace),
  /** Servers whose logins are left out. */
  logins: z.array(z.string()),
  /** Name and path of the config file; absent without one. */
  config: z.object({ name: z.string(), path: z.string() }).optional(),
  /** Paths of the workspaces in {@link WORKSPACES_FOLDER}. */
  workspaces: z.record(z.string(), z.string()),
  /** Files that are left out: links, devices, names with control characters, and Barnacle's own. */
  left: z.array(z.string()),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** Longest list of contents. */
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

/** Most names of files that are left out; the last one tells how many more there are. */
export const MAX_LEFT = 1_000;

/** Reads the format alone, because a later one may have other fields. */
export const formatSchema = z.object({ format: z.int().positive(), barnacle: z.string() });
