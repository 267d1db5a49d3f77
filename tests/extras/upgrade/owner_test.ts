import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { foreignOwner } from "../../../src/extras/upgrade/owner.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** A machine whose package managers own the files of one of them. */
const machine = (manager = "", uid = 1_000, platform = "linux") => ({
  platform,
  env: {},
  uid,
  run: ([name]: readonly [string, ...string[]]) =>
    Promise.resolve({ code: name === manager ? 0 : 1, stdout: "", stderr: "" }),
});

describe("[O13] the owner of the program", () => {
  const cases: readonly (readonly [string, ReturnType<typeof machine>, boolean, RegExp])[] = [
    ["/nix/store/abc-barnacle/bin/barnacle", machine(), false, /^nix profile upgrade/],
    [
      "/opt/homebrew/Cellar/barnacle/1.0.0/bin/barnacle",
      machine("", 501, "darwin"),
      false,
      /^brew/,
    ],
    ["/home/linuxbrew/.linuxbrew/bin/barnacle", machine(), false, /^brew upgrade barnacle$/],
    [
      String.raw`C:\Users\me\AppData\Local\Microsoft\WinGet\Packages\B\barnacle.exe`,
      machine("", 0, "win32"),
      false,
      /^winget/,
    ],
    ["/usr/bin/barnacle", machine("dpkg-query"), false, /^sudo apt install .*\.deb$/],
    ["/usr/bin/barnacle", machine("pacman"), false, /^yay/],
    ["/usr/bin/barnacle", machine("rpm"), false, /^sudo dnf upgrade/],
    ["/barnacle", machine(), true, /^docker compose pull && docker compose up -d$/],
    ["/usr/bin/barnacle", machine("dpkg-query"), true, /^docker compose/],
  ];
  for (const [program, facts, inContainer, command] of cases) {
    it(`has its own command: ${program}${inContainer ? " in a container" : ""}, ${command}`, async () => {
      assert.match((await foreignOwner(program, facts, inContainer))?.command ?? "", command);
    });
  }

  it("is this user, in a folder that this user may write to", async () => {
    using directory = tempDirectory();
    const program = join(directory.path, "barnacle");
    writeFileSync(program, "");
    assert.equal(await foreignOwner(program, machine("", process.getuid?.()), true), undefined);
  });

  it("is named, if root runs the command for a file of another user", async () => {
    if (process.getuid?.() !== 0) return;
    using directory = tempDirectory();
    const folder = join(directory.path, "bin");
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    const program = join(folder, "barnacle");
    writeFileSync(program, "");
    const { chownSync } = await import("node:fs");
    chownSync(folder, 1_234, 1_234);
    const owner = await foreignOwner(program, machine("", 0), false);
    assert.equal(owner?.command, `sudo -u '#1234' ${program} upgrade`);
    const odd = join(folder, "it's a folder");
    mkdirSync(odd);
    chownSync(odd, 1_234, 1_234);
    writeFileSync(join(odd, "barnacle"), "");
    assert.equal(
      (await foreignOwner(join(odd, "barnacle"), machine("", 0), false))?.command,
      `sudo -u '#1234' '${folder}/it'\\''s a folder/barnacle' upgrade`,
    );
  });

  it("may be anyone, if every user may write to the folder", async () => {
    using directory = tempDirectory();
    const folder = join(directory.path, "bin");
    mkdirSync(folder);
    const program = join(folder, "barnacle");
    writeFileSync(program, "");
    const own = machine("", process.getuid?.());
    for (const [mode, why] of [[0o777, /^every user may write/], [0o1777, /^$/]] as const) {
      chmodSync(folder, mode);
      const owner = await foreignOwner(program, own, false);
      assert.match(owner?.why ?? "", why);
      if (owner) assert.equal(owner.command, `chmod o-w ${folder}, and then this command again`);
    }
  });
});
