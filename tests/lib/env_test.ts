import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isSameBoot, withHome } from "../../src/lib/env.ts";

const KERNEL = "5f2c0011-2233-4455-6677-8899aabbccdd";
const SYSTEMD = "5f2c00112233445566778899aabbccdd";

describe("[G11] isSameBoot()", () => {
  const CASES: readonly (readonly [string | undefined, string | undefined, boolean | undefined])[] =
    [
      [KERNEL, KERNEL, true],
      [KERNEL, SYSTEMD, true],
      [SYSTEMD, KERNEL, true],
      [SYSTEMD.toUpperCase(), KERNEL, true],
      [KERNEL, SYSTEMD.replace("5", "6"), false],
      [undefined, SYSTEMD, undefined],
      [KERNEL, undefined, undefined],
      [undefined, undefined, undefined],
    ];
  for (const [one, other, same] of CASES) {
    it(`is ${same} of ${one} and ${other}`, () => assert.equal(isSameBoot(one, other), same));
  }
});

describe("[C1] withHome()", () => {
  const CASES: readonly (readonly [path: string, expected: string])[] = [
    ["~/.openclaw/workspace", "/home/ada/.openclaw/workspace"],
    ["~", "/home/ada"],
    ["~\\skills", "/home/ada\\skills"],
    ["~grace/skills", "~grace/skills"],
    ["a/~/b", "a/~/b"],
    ["/srv/~", "/srv/~"],
    ["", ""],
  ];
  for (const [path, expected] of CASES) {
    it(`of ${path} is ${expected}`, () => assert.equal(withHome(path, "/home/ada"), expected));
  }

  it("leaves a path as it is without a home folder", () => {
    assert.equal(withHome("~/a"), "~/a");
  });
});
