import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { layoutOf, systemdWord } from "../../../src/features/service/layout.ts";
import { type HostMachine, openMachine, targetOf } from "../../../src/features/service/machine.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const FACTS = { home: "/home/ada", program: "/tmp/barnacle" };

describe("[O4] the unit of a user", () => {
  const words: readonly (readonly [string, string])[] = [
    ["/home/ada/.local/bin/barnacle", "/home/ada/.local/bin/barnacle"],
    ["/home/ada lovelace/x", '"/home/ada lovelace/x"'],
    ["/home/100%/x", "/home/100%%/x"],
    ["/home/$USER/x", "/home/$$USER/x"],
    ['/home/a"b\\c', '"/home/a\\"b\\\\c"'],
    ["/home/ü", '"/home/ü"'],
    ["/home/a;b", '"/home/a;b"'],
    ["/home/a\nExecStartPre=b\t", '"/home/a\\x0aExecStartPre=b\\x09"'],
  ];
  for (const [path, word] of words) {
    it(`quotes ${path}`, () => assert.equal(systemdWord(path), word));
  }

  it("names program, config and data", () => {
    const { unit } = layoutOf("systemd-user", {
      ...FACTS,
      config: "/home/ada/my bot/config.jsonc",
      dataDir: "/srv/data",
    });
    assert.match(
      unit.text,
      /^ExecStart=\/home\/ada\/\.local\/bin\/barnacle run --config "\/home\/ada\/my bot\/config\.jsonc" --data \/srv\/data$/m,
    );
  });

  it("has this user's paths in a launch agent, escaped", () => {
    const { unit: { text } } = layoutOf("launchd", {
      home: "/Users/a&b",
      program: "/usr/local/bin/barnacle",
    });
    assert.ok(text.includes("<string>/Users/a&amp;b/Library/Logs/barnacle.log</string>"));
    assert.ok(text.includes("<string>/usr/local/bin/barnacle</string>"));
    assert.ok(!text.includes("/Users/me"));
  });
});

/** Chooses for a user of Linux, on a machine with these differences. */
async function chosen(own: Partial<HostMachine>, hasSystemd = false): Promise<string> {
  using root = tempDirectory();
  if (hasSystemd) mkdirSync(join(root.path, "run/systemd/system"), { recursive: true });
  const answers = { code: 0, stdout: "", stderr: "" };
  const linux = { platform: "linux", uid: 1_000, user: "ada", run: async () => await answers };
  return await targetOf({ ...openMachine({}), ...linux, root: root.path, ...own });
}

describe("[O4] the service manager", () => {
  const CHOSEN: readonly (readonly [string, Partial<HostMachine>, boolean, string])[] = [
    ["systemd, as root", { uid: 0 }, true, "systemd"],
    ["systemd, as a user", {}, true, "systemd-user"],
    ["macOS, as a user", { platform: "darwin" }, false, "launchd"],
    ["Windows", { platform: "win32" }, false, "task"],
  ];
  for (const [name, own, hasSystemd, target] of CHOSEN) {
    it(`is chosen: ${name}`, async () => assert.equal(await chosen(own, hasSystemd), target));
  }

  const stderr = "Failed to connect to bus: No medium found";
  const noBus = { run: async () => await Promise.resolve({ code: 1, stdout: "", stderr }) };
  const REFUSED: readonly (readonly [string, Partial<HostMachine>, boolean, RegExp])[] = [
    [
      "a container",
      { uid: 0, env: { container: "docker" } },
      false,
      /^no service manager runs in this container; make .*docs\/containers/,
    ],
    ["no systemd", { uid: 0 }, false, /^systemd does not run .*docs\/service|in this container/],
    [
      "a user without a manager",
      noBus,
      true,
      /of ada does not answer \(Failed to .*\). Log in as ada.* sudo/,
    ],
    [
      "macOS with sudo",
      { platform: "darwin", uid: 0 },
      false,
      /agent of a user; run .* without sudo$/,
    ],
    ["another system", { platform: "freebsd" }, false, /not on freebsd; start `barnacle run` with/],
  ];
  for (const [name, own, hasSystemd, message] of REFUSED) {
    it(`is refused: ${name}`, async () => {
      await assert.rejects(chosen(own, hasSystemd), { message, code: 1 });
    });
  }
});
