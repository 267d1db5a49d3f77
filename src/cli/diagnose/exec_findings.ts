/**
 * Tests the sandbox of commands, for `barnacle doctor` (A3).
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BotConfig } from "../../config/config.ts";
import type { Finding } from "../../core/finding.ts";
import { probeSandbox } from "../../exec/sandbox.ts";

/** Tests bubblewrap if the config allows commands. */
export async function checkExec({ exec }: BotConfig): Promise<readonly Finding[]> {
  if (!exec) return [];
  const about = { id: "exec", what: "Commands on the host" } as const;
  const folder = mkdtempSync(join(tmpdir(), "barnacle-exec-"));
  try {
    const bwrap = await probeSandbox(folder);
    if (bwrap !== undefined) {
      return [{ ...about, status: "pass", why: `they run in bubblewrap (${bwrap})` }];
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return exec.maySkipSandbox
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
      fix: 'install bubblewrap, or set `exec.sandbox: "off"` and take the risk',
    }];
}
