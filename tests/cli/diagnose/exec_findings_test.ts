/** Tests the check of commands on the host, for `barnacle doctor`. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { BotConfig } from "../../../src/config/config.ts";
import { checkExec } from "../../../src/cli/diagnose/exec_findings.ts";

const EXEC: NonNullable<BotConfig["exec"]> = { mode: "ask", allow: [], sandbox: "auto" };

describe("[A3] checkExec()", () => {
  it("passes without bubblewrap if the broker's socket exists", async () => {
    const folder = mkdtempSync(join(tmpdir(), "barnacle-"));
    const socket = join(folder, "exec.sock");
    writeFileSync(socket, "");
    try {
      assert.deepEqual(await checkExec({ exec: EXEC }, socket), [{
        id: "exec",
        what: "Commands on the host",
        status: "pass",
        why: `they run in a unit of their own (${socket})`,
      }]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("finds nothing if the config has no commands", async () => {
    assert.deepEqual(await checkExec({}), []);
  });
});
