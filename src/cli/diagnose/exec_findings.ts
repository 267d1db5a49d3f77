/**
 * Tests the sandbox of commands, for `barnacle doctor` (A3).
 *
 * @module
 */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BotConfig } from "../../config/config.ts";
import type { Finding } from "../../core/finding.ts";
import { BROKER_SOCKET } from "../../exec/remote.ts";
import { probeSandbox } from "../../exec/sandbox.ts";

/**
 * Finds how commands run, if the config allows them: in the broker's unit, or in bubblewrap.
 *
 * @param brokerSocket Socket of the broker; used if it exists.
 */
export async function checkExec(
  { exec }: Pick<BotConfig, "exec">,
  brokerSocket = BROKER_SOCKET,
): Promise<readonly Finding[]> {
  if (!exec) return [];
  const about = { id: "exec", what: "Commands on the host" } as const;
  if (existsSync(brokerSocket)) {
    return [{ ...about, status: "pass", why: `they run in a unit of their own (${brokerSocket})` }];
  }
  const folder = mkdtempSync(join(tmpdir(), "barnacle-exec-"));
  try {
    const bwrap = await probeSandbox(folder);
    if (bwrap !== undefined) {
      return [{ ...about, status: "pass", why: `they run in bubblewrap (${bwrap})` }];
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return exec.sandbox === "off"
    ? [{
      ...about,
      status: "warn",
      why: "bubblewrap does not work, so commands can read the bot's token and its data",
      fix: "install bubblewrap, and remove `exec.sandbox`",
    }]
    : [{
      ...about,
      status: "fail",
      why: "bubblewrap does not work, so no command runs",
      fix: "install bubblewrap, or start barnacle-exec.socket under systemd; or set " +
        '`exec.sandbox: "off"` and take the risk',
    }];
}
