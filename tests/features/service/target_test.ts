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

  const container = { isRoot: true, hasSystemd: false, isContainer: true };
  const noBus = { userManagerProblem: "Failed to connect to bus: No medium found" };
  const refused: readonly (readonly [string, Partial<ManagerFacts>, RegExp])[] = [
    [
      "a container",
      container,
      /^no service manager runs in this container; make .*docs\/containers/,
    ],
    ["no systemd", { ...container, isContainer: false }, /^systemd does not run .*docs\/service/],
    [
      "a user without a manager",
      noBus,
      /of ada does not answer \(Failed to .*\). Log in as ada.* sudo/,
    ],
    [
      "macOS with sudo",
      { platform: "darwin", isRoot: true },
      /agent of a user; run .* without sudo$/,
    ],
    ["another system", { platform: "freebsd" }, /not on freebsd; start `barnacle run` with that/],
  ];
  for (const [name, facts, message] of refused) {
    it(`is refused: ${name}`, () => {
      assert.throws(() => chooseTarget({ ...LINUX, ...facts }), { message, code: 1 });
    });
  }
});
