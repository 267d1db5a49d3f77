/**
 * Prepares MCP servers of the config: their secrets, their folders, and the files to hide from
 * them.
 */

import process from "node:process";
import { existsSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { BotConfig } from "../../config/config.ts";
import { revealed } from "../../config/schema/parts/secrets.ts";
import { PROGRAM_BOUNDS } from "../../host/limits/program_bounds.ts";
import { withHome } from "../../lib/env.ts";
import type { Log } from "../../lib/log.ts";
import { createSeenTools, type SeenTools } from "../../mcp/definitions.ts";
import { createLogins, type Logins, type McpHttpServer } from "../../mcp/oauth/provider.ts";
import { createConfine } from "../../mcp/sandbox.ts";
import type { McpHost, McpServer } from "../../mcp/server.ts";

const FOLDER = "mcp";

/** The servers of the config, with their secrets; by default all. */
export function serversOf(
  { mcp }: { readonly mcp: BotConfig["mcp"] },
  login?: ConfiguredServer["login"],
): readonly McpServer[] {
  return Object.entries(mcp.servers).flatMap(([id, server]) => {
    if (login && login !== server.login) return [];
    // The schema wants an address or a command.
    const { args, env, sandbox, limits, allow, seenBy } = server;
    const command = withHome(server.command ?? "", homedir());
    const writable = server.writable.map((path) => withHome(path, homedir()));
    const transport = isHttp(server)
      ? httpServerOf(server)
      : { kind: "stdio" as const, command, args, env: revealed(env), sandbox, writable, limits };
    return { id, transport, allow, seenBy };
  });
}

type ConfiguredServer = BotConfig["mcp"]["servers"][string];

/** Whether a server is reached over HTTP; otherwise it is a program. */
function isHttp(server: ConfiguredServer): server is ConfiguredServer & { readonly url: string } {
  return server.url !== undefined;
}

/** A server over HTTP, with its secrets. */
function httpServerOf(
  { url, headers, oauth, login }: ConfiguredServer & { readonly url: string },
): { readonly kind: "http" } & McpHttpServer {
  const { clientSecret, ...client } = oauth ?? {};
  return {
    kind: "http",
    url,
    headers: revealed(headers),
    ...(login === "each" && { isEach: true as const }),
    oauth: oauth ? { ...client, clientSecret: clientSecret?.reveal() } : undefined,
  };
}

export function loginsIn(dataDir: string): Logins {
  return createLogins(join(dataDir, FOLDER));
}

/** The tools that the bot has seen. */
export function seenIn(dataDir: string): SeenTools {
  return createSeenTools(join(dataDir, FOLDER, "seen.json"));
}

/** The ports of servers that depend on files of this machine. */
export function mcpHostPorts(
  config: () => BotConfig,
  dataDir: string,
  log: Log,
): Pick<McpHost, "confine" | "seen" | "logins"> {
  return {
    confine: createConfine({
      folder: join(dataDir, FOLDER),
      hidden: () => [dataDir, ...filesWithSecrets(config())],
      bounds: PROGRAM_BOUNDS,
      log,
    }),
    seen: seenIn(dataDir),
    logins: loginsIn(dataDir),
  };
}

/** The config with its backup, files beside it and files that it names, and a unit's credentials. */
export function filesWithSecrets(
  { file: configFile, secretFiles = [] }: {
    readonly file?: string;
    readonly secretFiles?: readonly string[];
  },
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
