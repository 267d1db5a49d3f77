/**
 * Judges the MCP servers of the config, for `barnacle doctor` (T13).
 *
 * @module
 */

import type { McpLook, McpView } from "../../bot/process/mcp_look.ts";
import type { Finding } from "../../core/finding.ts";
import { printable } from "../../lib/text/quoted.ts";

const HASH_CHARS = 12;

/** One finding per server, and one if programs have no sandbox. */
export function judgeServers({ servers, sandbox }: McpView): readonly Finding[] {
  const isOpen = servers.some((server) => server.sandbox === "no");
  return [
    ...servers.map(judgeServer),
    ...(isOpen && sandbox?.kind === "none"
      ? [
        {
          id: "mcp.sandbox",
          what: "MCP sandbox",
          status: "warn",
          why: `programs of MCP servers run as Barnacle's user, without a sandbox: ${
            printable(sandbox.why)
          }`,
          fix: "install bubblewrap (`bwrap`), and allow it user namespaces; or write " +
            '`"sandbox": "off"` for servers that you trust',
        } satisfies Finding,
      ]
      : []),
  ];
}

function judgeServer(look: McpLook): Finding {
  const about = {
    id: "mcp",
    what: `MCP server ${look.id}`,
    where: `mcp.servers.${look.id}`,
  } as const;
  if (look.problem !== undefined) {
    const fix = look.wantsSignIn
      ? `run \`barnacle mcp login ${look.id}\``
      : "correct the server's keys, or remove it from the config";
    return { ...about, status: "fail", why: printable(look.problem), fix };
  }
  const changes = linesOf(look);
  const isInside = look.sandbox === "yes" ? ["in a sandbox"] : [];
  const tools = `${look.tools} tools ${look.hash.slice(0, HASH_CHARS)}`;
  return {
    ...about,
    status: changes.length > 0 ? "warn" : "pass",
    why: [tools, ...isInside, ...changes].join("; "),
    ...(changes.length > 0 && {
      fix:
        "read the new descriptions: the model does. `mcp.servers.<server>.allow` limits the tools",
    }),
  };
}

function linesOf({ changes }: McpLook): readonly string[] {
  if (!changes) return [];
  return (["changed", "added", "removed"] as const).flatMap((what) =>
    changes[what].length === 0
      ? []
      : [`${what} since the last look: ${printable(changes[what].join(", "))}`]
  );
}
