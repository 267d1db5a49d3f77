import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isService, isServiceGroup } from "../../../src/host/process/boot.ts";

describe("[SEC-R38] isServiceGroup()", () => {
  const groups: readonly (readonly [text: string, expected: boolean])[] = [
    ["0::/system.slice/barnacle.service\n", true],
    ["0::/user.slice/user-1000.slice/user@1000.service/app.slice/barnacle.service\n", true],
    ["0::/user.slice/user-1000.slice/session-2.scope\n", false],
    ["0::/user.slice/user-1000.slice/user@1000.service/app.slice/tmux-spawn-1.scope\n", false],
    ["0::/\n", false],
    ["", false],
    ["1:name=systemd:/system.slice/barnacle.service\n2:cpu:/\n", true],
  ];
  for (const [text, expected] of groups) {
    it(`is ${expected} for ${JSON.stringify(text)}`, () => {
      assert.equal(isServiceGroup(text), expected);
    });
  }

  it("is false for a process that does not exist", () => assert.equal(isService(-1), false));
});
