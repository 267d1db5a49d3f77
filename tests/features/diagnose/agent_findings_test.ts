import assert from "node:assert/strict";
import { EXEC_LIMITS } from "../../../src/lib/program_limits.ts";
import { describe, it } from "node:test";
import type { McpLook } from "../../../src/mcp/look.ts";
import type { BotConfig } from "../../../src/config/config.ts";
import { checkExec, judgeServers } from "../../../src/features/diagnose/doctor_checks.ts";

const files: McpLook = { id: "files", said: [], tools: 3, sandbox: "yes" };

describe("[T13] judgeServers()", () => {
  it("names tools that the model does not get, and the key that chooses the tools", () => {
    const [finding] = judgeServers({ servers: [{ ...files, cut: ["huge is left out (long)"] }] });
    assert.equal(finding?.status, "warn");
    assert.equal(finding?.why, "3 tools; in a sandbox; huge is left out (long)");
    assert.match(finding?.fix ?? "", /^`mcp\.servers\.files\.allow` chooses/);
  });

  it("names a server that cannot be used, with the last lines that its program wrote", () => {
    const said = ["no key", "for the \u001b[2Jreef"];
    const [finding] = judgeServers({ servers: [{ ...files, problem: "it has ended", said }] });
    assert.equal(finding?.status, "fail");
    assert.match(finding.why, /^it has ended; its program wrote: no key \/ for the \P{Cc}*reef$/u);
  });

  it("says once if programs have no sandbox", () => {
    const open: McpLook = { ...files, sandbox: "no" };
    const sandbox = { kind: "none", why: "bubblewrap is not installed" } as const;
    const all = judgeServers({ servers: [open, { ...open, id: "two" }], sandbox });
    assert.deepEqual(all.map(({ id }) => id), ["mcp", "mcp", "mcp.sandbox"]);
    assert.match(all.at(-1)?.why ?? "", /without a sandbox: bubblewrap is not installed/);
    const off = judgeServers({ servers: [{ ...open, sandbox: "off" }], sandbox });
    assert.equal(off.length, 1);
  });
});

const EXEC: NonNullable<BotConfig["exec"]> = {
  mode: "ask",
  allow: [],
  sandbox: "auto",
  limits: EXEC_LIMITS,
};

describe("[A3] checkExec()", () => {
  it("fails on Windows with any sandbox of the config", async () => {
    for (const sandbox of ["auto", "off"] as const) {
      const [found] = await checkExec({ exec: { ...EXEC, sandbox } } as never, "win32");
      assert.equal(found?.status, "fail");
      assert.match(found?.fix ?? "", /remove `exec`/);
    }
  });

  it("finds nothing if the config has no commands", async () => {
    assert.deepEqual(await checkExec({} as never), []);
  });
});
