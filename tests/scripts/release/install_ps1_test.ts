/** Reads the installer for Windows; only a machine with PowerShell runs a part of it. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { skipUnless } from "../../support/skip.ts";

const TEXT = readFileSync(
  join(import.meta.dirname!, "../../../packaging/install/install.ps1"),
  "utf8",
);
const HAS_PWSH = spawnSync("pwsh", ["-Version"]).status === 0;

describe("[SEC-R37] install.ps1", () => {
  it("closes each bracket", () => {
    const plain = TEXT.replaceAll(/'(?:''|[^'])*'|"(?:``|`"|[^"])*"|#.*/g, "");
    const count = (text: string) => plain.split(text).length - 1;
    for (const [open = "", close = ""] of ["{}", "()", "[]"]) {
      assert.equal(count(open), count(close), `${open}${close}`);
    }
  });

  it("refuses an older release than its own before the download, unless a version is named", () => {
    const [before = "", after = ""] = TEXT.split("    Test-Signature $sums\n");
    assert.match(after, /^ {4}Write-Output "Downloading \$Place\/\$file"\n {4}Get-File \$file\n/);
    assert.match(
      before,
      /if \(-not \$Version -and \(Test-Older \$found\)\) \{\n\s+Fail "\$Place has only \$found, and this script is of \$OwnVersion, so that place is out of date;/,
    );
  });

  it("compares versions as numbers", skipUnless(HAS_PWSH, "no pwsh"), () => {
    const [older] = /^function Test-Older[^]*?^\}/m.exec(TEXT) ?? [];
    const script = `$OwnVersion = '1.10.0-rc.1'\n${older}\n` +
      ["1.9.9", "1.10.0", "1.10.1"].map((version) => `Test-Older '${version}'`).join("\n");
    const { stdout } = spawnSync("pwsh", ["-NoProfile", "-Command", script], { encoding: "utf8" });
    assert.deepEqual(stdout.trim().split(/\r?\n/), ["True", "False", "False"]);
  });
});
