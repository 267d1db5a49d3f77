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

  it("is ASCII, because Windows PowerShell reads other letters in the code page of the machine", () => {
    assert.doesNotMatch(TEXT, /[^\n -~]/);
  });

  it("keeps words of other programs from ending it in Windows PowerShell", () => {
    // There, with "Stop", the first line on a redirected stderr ends the script with an error of its own.
    const redirecting = TEXT.split("\n").filter((line) => /\d>/.test(line.replace(/#.*/, "")));
    assert.deepEqual(redirecting.map((line) => line.trim()), [
      "$comment = & { $ErrorActionPreference = 'Continue'; & $minisign.Source -VQ -P $PublicKey -m $Sums 2>$null }",
    ]);
  });

  it("needs no drive letter, for a folder of another machine has none", () => {
    const [asked = ""] = /^.*System\.IO\.DriveInfo.*$/m.exec(TEXT) ?? [];
    assert.match(asked, /^try \{/);
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
