/** Finds, reads and checks the config file, for all commands. */

import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import type { Env } from "../../lib/env.ts";
import { loadConfig, type Loaded, locateConfig } from "../../config/load.ts";
import type { ConfigText } from "../../config/parse.ts";
import { CREDENTIALS } from "../../config/schema/parts/secrets.ts";
import { auditFolders, auditPermissions } from "../../config/checks/permissions.ts";
import { type Problem, renderProblems } from "../../config/text/problem.ts";
import { FileRefusedError, foldersOf, readBounded } from "../../host/files/read_bounded.ts";
import { codeOf, wordsOfCode } from "../../lib/errors.ts";
import type { Io } from "../terminal/io.ts";

/** Largest size of a config. The parser takes 1 Mi characters, which have at most 3 MiB. */
const CONFIG_MAX_BYTES = 5 * 1_024 * 1_024;
/** Largest size of a file with a secret. */
export const SECRET_MAX_BYTES = 64 * 1_024;

/**
 * Reads the text of a config file.
 *
 * @throws {FileRefusedError} If it is larger than 5 MiB, or no file.
 */
export function readConfigText(path: string): string {
  return readBounded(path, { maxBytes: CONFIG_MAX_BYTES });
}

/** The config, and the folder of its secrets: a change of either means to read the config again. */
export function configPlaces(file: string): readonly string[] {
  return [file, credentialsOf(file)];
}

/** The folder in which `barnacle secret set` writes. */
export function credentialsOf(file: string): string {
  return join(dirname(file), CREDENTIALS);
}

/** Why a file cannot be read: `"it has more than 64 KiB"`, or a code of the system. */
export function whyUnreadable(error: unknown): string {
  if (error instanceof FileRefusedError) return error.message;
  return wordsOfCode(error) ?? codeOf(error) ?? "unknown reason";
}

/**
 * Finds, reads and checks the config as `run` does.
 *
 * @param flag Value of `--config`.
 * @param insecurePermissions Whether other users may write the file (C8).
 */
export async function readConfig(
  flag: string | undefined,
  env: Env,
  insecurePermissions = false,
): Promise<Loaded> {
  return await loadFound(flag, env, { insecurePermissions });
}

/**
 * Reads the config for a command that only reads or edits it, beside a bot of another user. Neither
 * the file's permissions nor placeholders are errors.
 */
export async function readConfigLeniently(flag: string | undefined, env: Env): Promise<Loaded> {
  return await loadFound(flag, env, { insecurePermissions: true, isElsewhere: true });
}

/** `guilds.<id>.slug` of a config, by the guild's id (S2). */
export type SlugOf = (guildId: string) => string | undefined;

type UsableConfig = Extract<Loaded, { readonly kind: "loaded" }>["config"];

export function slugsIn(loaded: Loaded): SlugOf {
  return slugsOf(loaded.kind === "loaded" ? loaded.config : { accounts: [] });
}

export function slugsOf({ accounts }: Pick<UsableConfig, "accounts">): SlugOf {
  return (id) => accounts.find(({ guilds }) => guilds?.[id]?.slug)?.guilds?.[id]?.slug;
}

/**
 * Finds the config file.
 *
 * @returns The file, or the paths without one, or why no config may be used.
 */
export function findConfig(flag: string | undefined, env: Env):
  | { readonly file: string }
  | { readonly looked: readonly string[] }
  | { readonly problem: Problem } {
  const located = locateConfig(flag, env, existsSync);
  switch (located.kind) {
    case "file":
      return { file: located.path };
    case "none":
      return { looked: located.looked };
    case "missing":
      return located.path === ""
        ? problemOf("", `${located.named} names no file: its value is empty`)
        : problemOf(
          located.path,
          `No such file; it is named by ${located.named}`,
          `correct ${located.named}, or run \`barnacle setup\`, which writes a config there`,
        );
  }
}

function problemOf(file: string, message: string, hint?: string) {
  return { problem: { severity: "error" as const, file, path: "", message, hint } };
}

async function loadFound(flag: string | undefined, env: Env, leniency: Leniency): Promise<Loaded> {
  const found = findConfig(flag, env);
  if ("problem" in found) return { kind: "refused", problems: [found.problem] };
  if ("looked" in found) {
    const loaded = await checkConfig(undefined, env, leniency);
    const paths = found.looked.join(", ");
    const none = {
      severity: "note",
      path: "",
      message: `There is no config file at ${paths}`,
    } as const;
    return { ...loaded, problems: [none, ...loaded.problems] };
  }
  const { file } = found;
  let source: ConfigText;
  try {
    source = { file, text: readConfigText(file) };
  } catch (cause) {
    return refused(file, `Cannot read the file: ${whyUnreadable(cause)}`);
  }
  return await checkConfig(source, env, leniency);
}

/** Problems that keep `run` from starting, but that a command may ignore. */
interface Leniency {
  /** Other users may write the file (C8). */
  readonly insecurePermissions?: boolean;
  /** The bot has another environment, or runs later. */
  readonly isElsewhere?: boolean;
}

/**
 * Reads the config of a running bot again: only the file that the bot started with. Without a file
 * every guild is open, so a file that is missing for a moment must not count as no config.
 *
 * @param file Absent if the bot started without a file; then the search starts again.
 */
export async function readConfigAgain(
  file: string | undefined,
  flag: string | undefined,
  env: Env,
  insecurePermissions = false,
): Promise<Loaded> {
  if (file === undefined) return await readConfig(flag, env, insecurePermissions);
  if (!existsSync(file)) {
    return refused(file, "The file no longer exists; the bot keeps its last config");
  }
  return await readConfig(file, env, insecurePermissions);
}

/**
 * Checks the text of a config, before or after it is written (C10).
 *
 * @param source The text and its file, which need not exist yet; `undefined` for no config.
 */
export async function checkConfig(
  source: ConfigText | undefined,
  env: Env,
  { insecurePermissions = false, isElsewhere = false }: Leniency = {},
): Promise<Loaded> {
  const path = source !== undefined && existsSync(source.file) ? source.file : undefined;
  const secretFiles = new Set<string>();
  const loaded = await loadConfig(source, {
    env,
    isElsewhere,
    readFile(path) {
      return Promise.try(() => {
        const text = secretIn(path);
        if (text !== undefined) secretFiles.add(path);
        return text;
      });
    },
  });
  if (loaded.kind === "refused") return loaded;
  const permissions = [
    ...(path === undefined ? [] : permissionsOf(path, loaded.holdsSecret, true)),
    ...(path === undefined ? [] : folderProblems(path)),
    ...[...secretFiles].flatMap((file) => permissionsOf(file, true, false, isGivenBySystem(env))),
  ].map((problem) =>
    insecurePermissions && problem.severity === "error"
      ? { ...problem, severity: "warning" as const }
      : problem
  );
  const problems = [...permissions, ...loaded.problems];
  const isRefused = permissions.some(({ severity }) => severity === "error");
  return isRefused ? { kind: "refused", problems } : { ...loaded, problems };
}

/** Problems as text for stderr, without a line break at the end. */
export function problemsText(
  problems: readonly Problem[],
  { errStyle }: Pick<Io, "errStyle">,
): string {
  return renderProblems(problems, { colour: errStyle.isOn }).trimEnd();
}

/** Tells the problems of a config on stderr if they keep the command from going on. */
export function tellRefused<Read extends { readonly kind: string }>(
  read: Read | RefusedConfig,
  io: Io,
): read is RefusedConfig {
  if (!("problems" in read) || read.kind !== "refused") return false;
  io.err(problemsText(read.problems, io));
  return true;
}

type RefusedConfig = Extract<Loaded, { kind: "refused" }>;

function refused(file: string, message: string): Loaded {
  return { kind: "refused", problems: [problemOf(file, message).problem] };
}

/**
 * Tests for a credential of the systemd service. Only the service can enter their directory, and
 * their group bits are the mask of an access list.
 */
function isGivenBySystem(env: Env): (path: string) => boolean {
  const folder = env["CREDENTIALS_DIRECTORY"];
  return (path) => folder !== undefined && folder !== "" && path.startsWith(`${folder}/`);
}

/** No problems on Windows, which has no permission bits. */
function permissionsOf(
  path: string,
  holdsSecret: boolean,
  isConfig: boolean,
  isCredential: (path: string) => boolean = () => false,
): readonly Problem[] {
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  if (uid === undefined || gid === undefined) return [];
  const { mode, uid: owner, gid: group } = statSync(path);
  return auditPermissions({
    path,
    mode,
    uid: owner,
    gid: isCredential(path) ? gid : group,
    self: { uid, gid },
    holdsSecret,
    isConfig,
  });
}

function folderProblems(path: string): readonly Problem[] {
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  if (uid === undefined || gid === undefined) return [];
  return auditFolders(path, foldersOf(path), { uid, gid });
}

function secretIn(path: string): string | undefined {
  try {
    return readBounded(path, { maxBytes: SECRET_MAX_BYTES });
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw cause;
  }
}
