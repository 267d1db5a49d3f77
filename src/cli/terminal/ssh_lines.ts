/** Tells a user in an SSH session how their own computer reaches a page of this machine. */

import type { Env } from "../../lib/env.ts";

/**
 * The command that makes the page reachable from the computer at the other end of an SSH session.
 *
 * @returns Nothing outside of SSH.
 */
export function sshLines(env: Env, port: number): readonly string[] {
  // Client address, client port, server address, server port.
  const [, , server, sshPort] = env["SSH_CONNECTION"]?.trim().split(/\s+/) ?? [];
  if (!server || !sshPort) return [];
  const user = env["USER"] || env["LOGNAME"];
  const other = sshPort === "22" ? "" : `-p ${sshPort} `;
  return [
    `ssh -L ${port}:127.0.0.1:${port} ${other}${user ? `${user}@` : ""}${server}`,
    "Run this on your own computer, and open the page there.",
  ];
}
