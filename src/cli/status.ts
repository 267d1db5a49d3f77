/**
 * `barnacle status`: what the running bot knows of itself.
 *
 * It asks the bot over HTTP, and finds it by what the bot wrote beside its lock,
 * so that what is shown is what `/healthz` is judged by.
 *
 * @module
 */

import { homedir } from "node:os";
import { join } from "node:path";
import { findDataDir } from "../host/data_dir.ts";
import { readHolder } from "../host/lock.ts";
import type { StatusReport } from "../http/app.ts";
import { readConfig } from "./read_config.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";
import type { CommonFlags } from "./flags.ts";
import type { Io } from "./io.ts";

/** Milliseconds that a bot of this machine may take to answer. */
const TIMEOUT_MS = 3_000;

/** @param timeoutMs Milliseconds that the bot may take to answer; a test's are fewer. */
export async function status(
  { config, data, json }: CommonFlags,
  io: Io,
  timeoutMs: number = TIMEOUT_MS,
): Promise<ExitCode> {
  const { env } = io;
  const dataDir = findDataDir({
    env,
    home: homedir(),
    ...(data !== undefined && { flag: data }),
  });
  const holder = readHolder(join(dataDir, "lock"));
  if (!holder?.http) {
    io.err(`barnacle: no Barnacle has run with ${dataDir}; name its directory by --data`);
    return EXIT.tryAgain;
  }
  const report = await ask(holder.http, await tokenOf(config, env), timeoutMs);
  if (typeof report === "string") {
    io.err(`barnacle: the Barnacle with pid ${holder.pid} does not answer: ${report}`);
    return EXIT.tryAgain;
  }
  if (json) io.out(JSON.stringify(report));
  else for (const line of linesOf(report)) io.out(line);
  return report.status === "fail" ? EXIT.failed : EXIT.done;
}

/** @returns The report, or why there is none. */
async function ask(
  address: string,
  token: string | undefined,
  timeoutMs: number,
): Promise<StatusReport | string> {
  try {
    const response = await fetch(`http://${address}/status`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(timeoutMs),
    });
    return response.ok ? await response.json() : `HTTP ${response.status} from ${address}`;
  } catch (error) {
    if (error instanceof SyntaxError) return `what listens on ${address} is no Barnacle`;
    return error instanceof DOMException && error.name === "TimeoutError"
      ? `it listens on ${address}, and said nothing for ${timeoutMs / 1_000} s`
      : `nothing listens on ${address}`; // whatever the runtime calls it
  }
}

/** The config need not be right for its bot to be asked. */
async function tokenOf(flag: string | undefined, env: Io["env"]): Promise<string | undefined> {
  const loaded = await readConfig(flag, env, true);
  return loaded.kind === "loaded" ? loaded.config.http.token?.reveal() : undefined;
}

function linesOf({ status, build, snapshot, checks }: StatusReport): readonly string[] {
  const { version, commit, runtime } = build;
  return [
    `${status}  ${snapshot.phase}, barnacle ${version}${commit && ` (${commit})`}, ${runtime}`,
    ...checks.map(({ status, name, componentId = "", observedValue, observedUnit = "" }) =>
      `${status.padEnd(5)} ${name.padEnd(28)} ${
        componentId.padEnd(14)
      } ${observedValue} ${observedUnit}`
        .trimEnd()
    ),
  ];
}
