/**
 * `barnacle netcheck`: tests the connection from this machine to Discord, step by step.
 *
 * It needs neither a token nor a config, and sends no token.
 */

import { examineNetwork, type NetworkOptions } from "../../bot/preflight/examine.ts";
import { judgeNetwork, type NetworkFacts } from "../../flows/preflight/network.ts";
import { apiOf } from "../../cli/shared/discord.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { reportFindings } from "../../cli/shared/columns.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import type { Io } from "../../cli/terminal/io.ts";

/** Probes the way to REST and to the gateway. */
export function probeNetwork(
  place: Pick<NetworkOptions, "apiBase" | "gatewayUrl">,
  io: Io,
): Promise<NetworkFacts> {
  const examined = examineNetwork({ ...place, env: io.env, showsDns: true, opensGateway: true });
  return io.during("Checking the connection to Discord", examined);
}

/** Runs all steps, and prints a line for each. */
export async function netcheck(flags: Pick<CommonFlags, "json">, io: Io): Promise<ExitCode> {
  const api = apiOf(io.env);
  if ("problem" in api) {
    io.problem(`${api.problem}`);
    return EXIT.config;
  }
  const network = await probeNetwork({ apiBase: api.base }, io);
  return reportFindings(judgeNetwork(network, Date.now()), flags.json, io);
}
