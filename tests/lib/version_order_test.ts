import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compareVersions, VERSION_FORM } from "../../src/features/upgrade/release.ts";

/** Oldest first: the example of semver.org, and more. */
const ORDER = [
  "no version",
  "0.9.9",
  "1.0.0-alpha",
  "1.0.0-alpha.1",
  "1.0.0-alpha.beta",
  "1.0.0-beta",
  "1.0.0-beta.2",
  "1.0.0-beta.11",
  "1.0.0-rc.1",
  "1.0.0",
  "1.0.10",
  "1.9.0",
  "1.10.0",
  "10.0.0",
];

describe("compareVersions()", () => {
  it("follows Semantic Versioning", () => {
    for (const [at, one] of ORDER.entries()) {
      for (const [other, against] of ORDER.entries()) {
        assert.equal(Math.sign(compareVersions(one, against)), Math.sign(at - other));
      }
    }
  });

  it("knows texts that are no version", () => {
    for (const text of ["1.0", "v1.0.0", "1.0.0+build", "01.0.0", "1.0.0-", "../1.0.0", "1.0.0 "]) {
      assert.equal(VERSION_FORM.test(text), false, text);
    }
  });
});
