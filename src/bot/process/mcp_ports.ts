/**
 * Prepares MCP servers of the config: their secrets, their folders, and the files to hide from them.
 *
 * @module
 */

import { existsSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import type { BotConfig } from "../../config/config.ts";
import type { Log } from "../../lib/log.ts";
import { createConfine } from "../../mcp/confine.ts";
import { createSeenTools } from "../../mcp/seen_tools.ts";
import type { McpPorts, McpServer } from "../../mcp/server.ts";
import { revealed } from "../rules/revealed.ts";

/** The folder of MCP servers in the data directory. */
const FOLDER = "mcp";

/** The file with the descriptions that `run` has seen, or `doctor`. */
export type SeenBy = "run" | "doctor";

/** The servers of the config, with their secrets. */
export function serversOf({ mcp }: BotConfig): readonly McpServer[] {
  return mcp.map(({ transport, ...server }) => ({
    ...server,
    transport: transport.kind === "http"
      ? { ...transport, headers: revealed(transport.headers) }
      : { ...transport, env: revealed(transport.env) },
  }));
}

/** The ports of servers that depend on files of this machine. */
export function mcpFiles(
  config: () => BotConfig,
  dataDir: string,
  seenBy: SeenBy,
  log: Log,
): Pick<McpPorts, "confine" | "seen"> {
  return {
    confine: createConfine({
      folder: join(dataDir, FOLDER),
      hidden: () => [dataDir, ...filesWithSecrets(config())],
      log,
    }),
    seen: createSeenTools(join(dataDir, FOLDER, `seen-by-${seenBy}.json`)),
  };
}

/** The config with its backup, files beside it and files that it names, and a unit's credentials. */
export function filesWithSecrets(
  { file: configFile, secretFiles = [] }: Pick<BotConfig, "file" | "secretFiles">,
): readonly string[] {
  const { CREDENTIALS_DIRECTORY } = process.env;
  const credentials = [
    ...(CREDENTIALS_DIRECTORY === undefined ? [] : [CREDENTIALS_DIRECTORY]),
    ...secretFiles.map((path) => resolve(path)),
  ];
  if (configFile === undefined) return credentials;
  const folder = dirname(configFile);
  const beside = [".env", "secrets", "credentials"].map((name) => join(folder, name));
  const target = existsSync(configFile) ? realpathSync(configFile) : configFile;
  return [configFile, `${target}.bak`, ...beside, ...credentials];
}
