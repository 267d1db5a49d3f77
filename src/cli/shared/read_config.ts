/**
 * Finds, reads and checks the config file; the same for every command.
 *
 * @module
 */

import { existsSync, readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { loadConfig, type Loaded } from "../../config/load.ts";
import { locateConfig } from "../../config/locate.ts";
import type { ConfigText } from "../../config/parse.ts";
import { auditPermissions } from "../../config/checks/permissions.ts";
import { type Problem, renderProblems } from "../../config/text/problem.ts";
import type { Env } from "../../config/schema/secrets.ts";
import { codeOf } from "../../lib/error_code.ts";
import type { Io } from "../terminal/io.ts";

/**
 * Finds, reads and checks the config: what `run` starts with.
 *
 * @param flag `--config`.
 * @param insecurePermissions Whether others may write the file (C8).
 */
export async function readConfig(
  flag: string | undefined,
  env: Env,
  insecurePermissions = false,
): Promise<Loaded> {
  return await findConfig(flag, env, { insecurePermissions });
}

/**
 * Reads the config for a command that looks at it, or says a word of it, beside a bot that another
 * user runs: whoever may write the file, and wherever its secrets are.
 */
export async function readConfigLeniently(flag: string | undefined, env: Env): Promise<Loaded> {
  return await findConfig(flag, env, { insecurePermissions: true, isElsewhere: true });
}

async function findConfig(flag: string | undefined, env: Env, leniency: Leniency): Promise<Loaded> {
  const located = locateConfig(flag, env, existsSync);
  if (located.kind === "missing") {
    return refused(located.path, `There is no such file, and ${located.named} names it`);
  }
  const path = located.kind === "file" ? located.path : undefined;
  let source: ConfigText | undefined;
  try {
    source = path === undefined ? undefined : { file: path, text: readFileSync(path, "utf8") };
  } catch (cause) {
    return refused(path ?? "", `The file cannot be read: ${codeOf(cause) ?? "unknown reason"}`);
  }

  return await checkConfig(source, env, leniency);
}

/** What would keep `run` from starting, and is no error of a command. */
interface Leniency {
  /** Others may write the file (C8). */
  readonly insecurePermissions?: boolean;
  /** What only the environment of the bot has is not here. */
  readonly isElsewhere?: boolean;
}

/**
 * Reads the config of a running bot again: the file that it began with, and never another one that
 * is found in its place. Without any file every guild is open, so one that is gone for a moment
 * must not count as none.
 *
 * @param file Absent where the bot began without one; then it is looked for again.
 */
export async function readConfigAgain(
  file: string | undefined,
  flag: string | undefined,
  env: Env,
  insecurePermissions = false,
): Promise<Loaded> {
  if (file === undefined) return await readConfig(flag, env, insecurePermissions);
  if (!existsSync(file)) return refused(file, "The file is gone, and the bot runs by what it was");
  // A pipe can be read once, at the start; again, it would be waited for for ever.
  if (!statSync(file).isFile()) return refused(file, "This is no file that can be read again");
  return await readConfig(file, env, insecurePermissions);
}

/**
 * Checks a text as the config that it is, or that it is about to become (C10).
 *
 * @param source The text and its file, which need not be there yet; `undefined` for no config.
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
    async readFile(path) {
      const text = await textOf(path);
      if (text !== undefined) secretFiles.add(path);
      return text;
    },
  });
  if (loaded.kind === "refused") return loaded;
  const found = [
    ...(path === undefined ? [] : permissionsOf(path, loaded.holdsSecret, true)),
    ...[...secretFiles].flatMap((file) => permissionsOf(file, true, false, isGivenBySystem(env))),
  ].map((problem) =>
    insecurePermissions && problem.severity === "error"
      ? { ...problem, severity: "warning" as const }
      : problem
  );
  const problems = [...found, ...loaded.problems];
  const isRefused = found.some(({ severity }) => severity === "error");
  return isRefused ? { kind: "refused", problems } : { ...loaded, problems };
}

/** Problems as this terminal shows them. */
export function shown(problems: readonly Problem[], { errStyle }: Pick<Io, "errStyle">): string {
  return renderProblems(problems, { colour: errStyle.isOn }).trimEnd();
}

function refused(file: string, message: string): Loaded {
  return { kind: "refused", problems: [{ severity: "error", file, path: "", message }] };
}

/**
 * Whether a file is a credential of the service: systemd keeps them in a place that only the
 * service can enter, and their group's bits are the mask of an access list.
 */
function isGivenBySystem(env: Env): (path: string) => boolean {
  const folder = env["CREDENTIALS_DIRECTORY"];
  return (path) => folder !== undefined && folder !== "" && path.startsWith(`${folder}/`);
}

/** Windows has no such bits, and the audit no word to say there. */
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

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw cause;
  }
}
