/** Tests the choice of the service manager, and the words where there is none. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseTarget, type ManagerFacts } from "../../../src/features/service/target.ts";

const LINUX: ManagerFacts = {
  platform: "linux",
  isRoot: false,
  hasSystemd: true,
  isContainer: false,
  user: "ada",
};

describe("[O4] the service manager", () => {
  const chosen: readonly (readonly [string, Partial<ManagerFacts>, string])[] = [
    ["systemd, as root", { isRoot: true }, "systemd"],
    ["systemd, as a user", {}, "systemd-user"],
    ["macOS, as a user", { platform: "darwin", hasSystemd: false }, "launchd"],
    ["Windows", { platform: "win32", hasSystemd: false }, "task"],
  ];
  for (const [name, facts, target] of chosen) {
    it(`is chosen: ${name}`, () => assert.equal(chooseTarget({ ...LINUX, ...facts }), target));
  }

  const refused: readonly (readonly [string, Partial<ManagerFacts>, string])[] = [
    [
      "a container",
      { isRoot: true, hasSystemd: false, isContainer: true },
      "no service manager runs in this container; make `barnacle run` the container's command, " +
      "and let the container's engine restart it (docs/containers.md)",
    ],
    [
      "a machine without systemd",
      { isRoot: true, hasSystemd: false },
      "systemd does not run on this machine; start `barnacle run` with your supervisor " +
      "(docs/service.md)",
    ],
    [
      "a user without a manager",
      { userManagerProblem: "Failed to connect to bus: No medium found" },
      "the user manager of ada does not answer (Failed to connect to bus: No medium found). Log in " +
      "as ada instead of using su or sudo, or run `sudo loginctl enable-linger ada` first. With " +
      "sudo, this command installs a service of the whole machine",
    ],
    [
      "macOS with sudo",
      { platform: "darwin", isRoot: true },
      "on macOS, Barnacle is a launch agent of a user; run the command without sudo",
    ],
    [
      "another system",
      { platform: "freebsd" },
      "Barnacle installs itself as a service of systemd, launchd and Windows, and not on " +
      "freebsd; start `barnacle run` with that system's own tools",
    ],
  ];
  for (const [name, facts, message] of refused) {
    it(`is refused: ${name}`, () => {
      assert.throws(() => chooseTarget({ ...LINUX, ...facts }), { message, code: 1 });
    });
  }
});
