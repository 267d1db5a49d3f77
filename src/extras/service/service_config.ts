/** Finds the config and the data of a service, and checks that the service can start with them. */

import { lstatSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { loadConfig, missingParts } from "../../config/load.ts";
import { CREDENTIALS } from "../../config/schema/parts/secrets.ts";
import type { Problem } from "../../config/text/problem.ts";
import { readBounded } from "../../host/files/read_bounded.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import {
  findConfig,
  problemsText,
  readConfigText,
  SECRET_MAX_BYTES,
  whyUnreadable,
} from "../../cli/shared/read_config.ts";
import type { Io } from "../../cli/terminal/io.ts";
import type { ServiceLayout } from "./layout.ts";
import { type HostMachine, serviceText, textOf } from "./machine.ts";

/**
 * Finds the config that the service is to use.
 *
 * @throws {StartError} If there is none, or it cannot be read.
 */
export function configFor(
  layout: ServiceLayout,
  isMachine: boolean,
  flag: string | undefined,
  machine: HostMachine,
  io: Io,
): { readonly path: string; readonly text: string } {
  const existing = flag === undefined ? serviceText(machine, layout.config) : undefined;
  if (existing !== undefined) return { path: layout.config, text: existing };
  const found = findConfig(flag, io.env);
  if ("problem" in found) throw new StartError(problemsText([found.problem], io), EXIT.config);
  if ("looked" in found) {
    throw new StartError(
      `there is no config at ${layout.config}; \`barnacle setup\` writes one, and --config copies yours`,
      EXIT.config,
    );
  }
  const path = resolve(io.cwd, found.file);
  if (isMachine) refuseForeign(path, io);
  try {
    return { path, text: readConfigText(path) };
  } catch (cause) {
    throw new StartError(`cannot read ${path} (${whyUnreadable(cause)})`, EXIT.config, cause);
  }
}

/**
 * Refuses a config that a user could have changed who is neither root nor the person who typed sudo:
 * it would decide what the machine's service runs.
 */
function refuseForeign(path: string, { env }: Io): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  const self = process.getuid?.();
  if (stats === undefined || self === undefined) return;
  const isOwn = [0, self, Number(env["SUDO_UID"] ?? 0)].includes(stats.uid);
  if (isOwn && (stats.mode & 0o002) === 0) return;
  const why = isOwn ? "every user may write it" : `another user (uid ${stats.uid}) owns it`;
  throw new StartError(
    `the machine's service does not take ${path}: ${why}. Read it, and then ` +
      `\`chown root ${path}\` and \`chmod 640 ${path}\``,
    EXIT.config,
  );
}

/**
 * Checks the config with the service's environment, which has none of this shell's variables: a
 * service that misses its token would end with 78 after it was installed.
 *
 * @param given Secrets that the installation will write, by the name of their file.
 * @param copied Path of a config that will be copied. The files that it names are copied, too.
 * @returns All secrets that the installation must write.
 * @throws {StartError} If the bot could not start with it.
 */
export async function assertUsable(
  { config, credentials }: ServiceLayout,
  text: string,
  given: Readonly<Record<string, string>>,
  copied: string | undefined,
  machine: HostMachine,
  io: Io,
): Promise<Readonly<Record<string, string>>> {
  const secrets: Record<string, string> = { ...given };
  const env = { HOME: machine.home };
  const source = { file: config, text };
  const read = (path: string) => {
    const name = path.startsWith(`${credentials}/`) ? path.slice(credentials.length + 1) : "";
    const known = secrets[name] ?? textOf(machine, path);
    if (known !== undefined || copied === undefined) return known;
    const beside = secretBeside(dirname(copied), name);
    if (beside !== undefined) secrets[name] = beside;
    return beside;
  };
  const problems = await problemsOf(source, env, read);
  if (problems.length === 0) return secrets;
  const isOfShell = (await problemsOf(source, { ...io.env, ...env }, read)).length === 0;
  const advice = isOfShell
    ? ": it does not have the variables of this shell. Write each secret with " +
      '`barnacle secret set`, and name it in the config: "token": { "file": "discord_token" }'
    : "";
  const shown = copied === undefined
    ? problems
    : problems.map((one) => one.file === config ? { ...one, file: copied } : one);
  throw new StartError(
    `the service could not start with this config${advice}\n${problemsText(shown, io)}`,
    EXIT.config,
  );
}

/** The text of a secret beside a config or in its folder `credentials`, where `run` would find it. */
function secretBeside(folder: string, name: string): string | undefined {
  if (!/^[\w.-]+$/.test(name)) return undefined; // only these names are a file of the service's folder
  const path = [join(folder, CREDENTIALS, name), join(folder, name)]
    .find((one) => lstatSync(one, { throwIfNoEntry: false })?.isFile());
  return path === undefined ? undefined : readBounded(path, { maxBytes: SECRET_MAX_BYTES });
}

async function problemsOf(
  source: { readonly file: string; readonly text: string },
  env: Io["env"],
  read: (path: string) => string | undefined,
): Promise<readonly Problem[]> {
  const loaded = await loadConfig(source, { env, readFile: async (path) => await read(path) });
  if (loaded.kind === "refused") {
    return loaded.problems.filter(({ severity }) => severity === "error");
  }
  return missingParts(loaded, env);
}
