/**
 * `barnacle mcp list`: shows the MCP servers of the config, their logins and tools (T13).
 *
 * @module
 */

import { type McpState, mcpStates } from "../../bot/mcp/logins.ts";
import { inColumns } from "../shared/columns.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/flags.ts";
import { readConfigLeniently, shown } from "../shared/read_config.ts";
import { timeText } from "../../lib/text/units.ts";
import type { Io } from "../terminal/io.ts";
import { withDataDir } from "./data.ts";

const HASH_CHARS = 12;

/** Lists the servers. */
export async function list(flags: CommonFlags, io: Io): Promise<ExitCode> {
  const loaded = await readConfigLeniently(flags.config, io.env);
  if (loaded.kind === "refused") {
    io.err(shown(loaded.problems, io));
    return EXIT.config;
  }
  return await withDataDir(flags, io, (dataDir) => {
    const states = mcpStates(loaded.config, dataDir);
    if (flags.json) io.out(JSON.stringify(states));
    else if (states.length === 0) io.err("The config has no MCP servers.");
    else {for (const line of inColumns(states.map((state) => rowOf(state, Date.now())))) {
        io.out(line);
      }}
    return Promise.resolve(EXIT.done);
  });
}

function rowOf(state: McpState, now: number): readonly string[] {
  const { id, at, tools, hash = "" } = state;
  const seen = tools === undefined ? "not seen yet" : `${tools} tools ${hash.slice(0, HASH_CHARS)}`;
  return [id, at, loginText(state, now), seen];
}

/**
 * The state of a login in words.
 *
 * @param now Unix time in milliseconds.
 */
export function loginText(
  { id, login, until, isRenewed }: Pick<McpState, "id" | "login" | "until" | "isRenewed">,
  now: number,
): string {
  switch (login) {
    case "program":
      return "a program";
    case "token":
      return "token of the config";
    case "none":
      return "no login";
    case "ended":
      return `login ended: barnacle mcp login ${id}`;
    case "valid":
      if (isRenewed) return "logged in, renewed by itself";
      if (until === undefined) return "logged in";
      return until > now
        ? `logged in until ${timeText(until)}`
        : `login ended ${timeText(until)}: barnacle mcp login ${id}`;
  }
}
