/** `barnacle mcp serve`: offers the running bot to an MCP client, over stdin and stdout (O14). */

import { realpathSync } from "node:fs";
import { join, sep } from "node:path";
import process from "node:process";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { createMcpTools } from "./http/mcp_tools.ts";
import { VERSION } from "../../version.ts";
import { CallRefused } from "../../core/programs/service.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import { readConfigLeniently, tellRefused } from "../../cli/shared/read_config.ts";
import { withData } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { createProgramCalls } from "./program_calls.ts";

/** An error of this process is for the person who has started it. */
const messageOf = (error: unknown) => error instanceof Error ? error.message : String(error);

export interface McpServeFlags extends CommonFlags {
  /** Name of the program in `api.programs`; absent: the only one. */
  readonly program?: string;
}

/** Serves until stdin ends. */
export async function serve(flags: McpServeFlags, io: Io): Promise<ExitCode> {
  // An MCP client starts it without the secrets of the bot, and it needs none.
  const loaded = await readConfigLeniently(await configBefore(flags, io), io.env);
  if (tellRefused(loaded, io)) return EXIT.config;
  const names = Object.keys(loaded.config.api.programs);
  const program = flags.program ?? (names.length === 1 ? names[0] : undefined);
  if (program === undefined || !names.includes(program)) {
    io.problem(
      names.length === 0
        ? "api.programs has no program; add one with a token and the id of your Discord user"
        : `choose one by --program: ${names.join(", ")}`,
    );
    return names.length === 0 ? EXIT.config : EXIT.usage;
  }
  return await withData(flags, io, async ({ dataDir }) => {
    // Barnacle starts MCP servers in folders below its data directory, which may be named by a link.
    if ([dataDir, realpathSync(dataDir)].some((own) => io.cwd.startsWith(join(own, sep)))) {
      io.problem("this bot's own MCP client has started it: an agent would ask itself");
      return EXIT.usage;
    }
    const calls = createProgramCalls(dataDir, program);
    await calls.agents().catch((error: unknown) => {
      if (!(error instanceof CallRefused)) throw error;
      throw new StartError("the bot does not answer; start it first", EXIT.tryAgain, error);
    });
    const served = serveStdio(() => createMcpTools(calls, VERSION, messageOf), {
      onerror: (error) => io.err(`barnacle: ${error.message}`),
    });
    await new Promise<void>((resolve) => process.stdin.once("close", resolve).once("end", resolve));
    await served.close();
    return EXIT.done;
  });
}
