/**
 * `barnacle doctor`: checks every known cause that keeps the bot from working, with a fix for each
 * (O3, G13).
 *
 * It is safe beside a running bot: it never sends IDENTIFY, and keeps no lock. `--fix` changes one
 * thing, after a question: the intents that a bot may enable by itself.
 */

import { resolve } from "node:path";
import { type BotConfig, forAccount } from "../../config/config.ts";
import { type LoadedConfig, verdictOn } from "../../config/load.ts";
import type { Problem } from "../../config/text/problem.ts";
import { DOCTOR_PARTS, type DoctorPart } from "./commands.ts";
import type { Finding } from "../../core/finding.ts";
import { judgeNetwork } from "../../flows/preflight/network.ts";
import { printable } from "../../lib/text/quoted.ts";
import { apiOf, lockedBot, tokenIn } from "../../cli/shared/discord.ts";
import type { ExitCode } from "../../cli/shared/exit_code.ts";
import { exitCodeOf, printLines, reportFindings } from "../../cli/shared/columns.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { configBefore, useData } from "../../cli/shared/find_data.ts";
import { dataDirOf } from "../../cli/shared/store_access.ts";
import { holderOf, isHeld } from "../../cli/shared/running_bot.ts";
import { problemsText, readConfig } from "../../cli/shared/read_config.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { probeNetwork, runDoctorChecks } from "./doctor_checks.ts";
import { inspectHost } from "./host_facts.ts";

export interface DoctorFlags extends CommonFlags {
  /** Parts to check; all if absent. */
  readonly only?: readonly DoctorPart[];
  /** Whether to test the connection to Discord alone. */
  readonly network: boolean;
  /** Whether to send a test alert alone. */
  readonly alerts: boolean;
  /** Whether to enable missing intents. */
  readonly fix: boolean;
  /** Whether to do so without a question. */
  readonly yes: boolean;
}

/** Runs all checks, and prints a line for each. */
export async function doctor(flags: DoctorFlags, io: Io): Promise<ExitCode> {
  if (flags.network) return reportFindings(await examineNetworkAlone(io), flags.json, io);
  if (flags.alerts) return await (await import("../alerts/test_alert.ts")).testAlerts(flags, io);
  const loaded = await readConfig(await configBefore(flags, io), io.env);
  const problems = verdictOn(loaded, io.env).filter(({ severity }) => severity !== "note");
  const others = loaded.kind === "refused"
    ? []
    : await examine(loaded, problems.length === 0, flags, io);
  if (flags.json) return reportFindings([...problems.map(toFinding), ...others], true, io);
  // Every command shows a problem of the config in the same way.
  if (problems.length > 0) {
    printLines(problemsText(problems, { errStyle: io.style }).split("\n"), io);
  }
  if (problems.length > 0 && others.length > 0) io.out("");
  reportFindings(others, false, io);
  return exitCodeOf([...problems.map(toFinding), ...others]);
}

/** Needs neither a token nor a config, and sends no token. */
async function examineNetworkAlone(io: Io): Promise<readonly Finding[]> {
  const api = apiOf(io.env);
  if ("problem" in api) return [wrongApi(api.problem)];
  return judgeNetwork(await probeNetwork({ apiBase: api.base }, io), Date.now());
}

const wrongApi = (why: string): Finding => ({
  id: "config",
  what: "Environment",
  status: "fail",
  why,
});

async function examine(
  { config }: LoadedConfig,
  isFaultless: boolean,
  flags: DoctorFlags,
  io: Io,
): Promise<readonly Finding[]> {
  const { env } = io;
  const api = apiOf(env);
  if ("problem" in api) return [wrongApi(api.problem)];
  const accounts = config.accounts.map((account) => {
    const own = forAccount(config, account);
    return { config: own, token: tokenIn(own) };
  });
  const place = await useData(flags.data, io);
  const dataDir = place.state === "foreign" ? dataDirOf(flags.data, io) : place.dataDir;
  const host = await inspectHost(
    dataDir,
    accounts.map(({ config: { discord: { accountId } }, token }) => ({
      accountId,
      bot: token !== undefined ? lockedBot(token, api.base) : undefined,
    })),
    Date.now(),
  );
  const facts = {
    config,
    accounts,
    dataDir,
    host,
    api: api.base,
    mending: flags,
    io,
    now: Date.now,
  };
  return [
    ...(isFaultless ? [validConfig(config)] : []),
    ...await otherConfig(config, dataDir),
    ...await runDoctorChecks(new Set(flags.only ?? DOCTOR_PARTS), facts),
  ];
}

function toFinding({ severity, file, line, path, message, hint }: Problem): Finding {
  const place = [file, line].filter((part) => part !== undefined).join(":");
  const where = [place, path].filter((part) => part !== "").join(" ");
  return {
    id: "config",
    what: "Config",
    status: severity === "error" ? "fail" : "warn",
    where: where !== "" ? where : undefined,
    why: message,
    fix: hint,
  };
}

/** The running bot may read another config than this command has found. */
async function otherConfig({ file }: BotConfig, dataDir: string): Promise<readonly Finding[]> {
  const holder = await isHeld(dataDir) === true ? holderOf(dataDir) : undefined;
  if (holder?.config === undefined) return [];
  if (file !== undefined && resolve(file) === holder.config) return [];
  return [{
    id: "config",
    what: "Config",
    status: "warn",
    where: file,
    why:
      `${file === undefined ? "this command found no file" : "these findings are of this file"}, ` +
      `and the running bot (pid ${holder.pid}) reads ${printable(holder.config)}`,
    fix: `to check that one, add --config ${printable(holder.config)}`,
  }];
}

function validConfig({ file }: BotConfig): Finding {
  return {
    id: "config",
    what: "Config",
    status: "pass",
    where: file,
    why: file === undefined ? "no file; environment variables suffice" : "valid",
  };
}
