/**
 * `barnacle netcheck`: tests the connection from this machine to Discord, step by step.
 *
 * It needs neither a token nor a config, and sends no token.
 */

import { examineNetwork } from "../../bot/preflight/examine.ts";
import { judgeNetwork } from "../../flows/preflight/network.ts";
import { apiOf } from "../shared/discord.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import { reportFindings } from "../shared/columns.ts";
import type { CommonFlags } from "../shared/command.ts";
import type { Io } from "../terminal/io.ts";

/** Runs all steps, and prints a line for each. */
export async function netcheck(flags: Pick<CommonFlags, "json">, io: Io): Promise<ExitCode> {
  const api = apiOf(io.env);
  if ("problem" in api) {
    io.problem(`${api.problem}`);
    return EXIT.config;
  }
  const examined = examineNetwork({
    apiBase: api.base,
    env: io.env,
    showsDns: true,
    opensGateway: true,
  });
  const facts = await io.during("Checking the connection to Discord", examined);
  const findings = judgeNetwork(facts, Date.now());
  return reportFindings(findings, flags.json, io);
}
