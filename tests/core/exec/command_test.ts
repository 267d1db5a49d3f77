import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  decideExec,
  type ExecRule,
  mayAllowAlways,
  type ResolvedCommand,
} from "../../../src/core/exec/command.ts";

const COMMAND: ResolvedCommand = {
  argv: ["backup", "--daily"],
  path: "/usr/local/bin/backup",
  realPath: "/usr/local/bin/backup",
  contentHash: "aa",
  cwd: "/work",
  filesHash: "dd",
  binding: "bb",
  isInWorkspace: false,
};

const RULE: ExecRule = { path: COMMAND.path, args: ["--daily"], isPattern: false };

describe("[A1] decideExec()", () => {
  const cases = [
    ["deny", [RULE], "deny"],
    ["allowlist", [RULE], "run"],
    ["allowlist", [], "deny"],
    ["ask", [RULE], "run"],
    ["ask", [], "ask"],
    ["full", [], "run"],
  ] as const;
  for (const [mode, rules, expected] of cases) {
    it(`${mode}, with ${rules.length} rules › ${expected}`, () => {
      assert.equal(decideExec(mode, rules, COMMAND), expected);
    });
  }

  const others: readonly [string, Partial<ExecRule>, "run" | "ask"][] = [
    ["another program", { path: "/usr/bin/backup" }, "ask"],
    ["another content", { contentHash: "cc" }, "ask"],
    ["the same content", { contentHash: "aa" }, "run"],
    ["another folder", { cwd: "/work/sub" }, "ask"],
    ["the same folder", { cwd: "/work" }, "run"],
    ["other contents of files", { filesHash: "ee" }, "ask"],
    ["the same contents of files", { filesHash: "dd" }, "run"],
    ["fewer arguments", { args: [] }, "ask"],
    ["more arguments", { args: ["--daily", "--force"] }, "ask"],
    ["other arguments", { args: ["--weekly"] }, "ask"],
    ["any arguments", { args: ["*"], isPattern: true }, "run"],
    ["further arguments", { args: ["--daily", "*"], isPattern: true }, "run"],
    ["a star that a person allowed", { args: ["*"] }, "ask"],
  ];
  for (const [title, fields, expected] of others) {
    it(`[A2] a rule with ${title} › ${expected}`, () => {
      assert.equal(decideExec("ask", [{ ...RULE, ...fields }], COMMAND), expected);
    });
  }
});

const USR_BIN = { path: "/usr/bin/ls", realPath: "/usr/bin/ls", isInWorkspace: false };

describe("[SEC-R21] mayAllowAlways()", () => {
  const cases: readonly (readonly [argv: string, place: Partial<typeof USR_BIN>, may: boolean])[] =
    [
      ["ls -la /srv", {}, true],
      ["/usr/bin/ls", {}, true],
      ["grep -n error app.log", { path: "/bin/grep", realPath: "/usr/bin/grep" }, true],
      ["sh -c id", { path: "/bin/sh", realPath: "/usr/bin/dash" }, false],
      ["backup --daily", { path: "/opt/backup", realPath: "/opt/backup" }, false],
      ["ls", { realPath: "/usr/bin/busybox" }, false],
      ["ls", { path: "/proc/self/exe" }, false],
      ["tidy", {}, false],
      ["./ls", { isInWorkspace: true }, false],
      ["ls;id", {}, false],
      ["", {}, false],
    ];
  for (const [written, place, may] of cases) {
    it(`${may ? "permits" : "refuses"} ${written} ${JSON.stringify(place)}`, () => {
      assert.equal(mayAllowAlways(written.split(" "), { ...USR_BIN, ...place }), may);
    });
  }

  it("permits no program that runs others", () => {
    const runners =
      "sh bash env xargs find sudo ssh git tar awk sed perl python3 node make npm docker " +
      "vim less man sort split diff file journalctl dmesg systemctl time nohup watch strace busybox";
    for (const name of runners.split(" ")) {
      const path = `/usr/bin/${name}`;
      assert.equal(mayAllowAlways([name], { path, realPath: path, isInWorkspace: false }), false);
    }
  });
});
