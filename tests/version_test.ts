import assert from "node:assert/strict";
import { describe, it } from "node:test";
import project from "../deno.json" with { type: "json" };
import { BUILD_NAME, VERSION } from "../src/version.ts";

describe("[K2] the version of a run from source", () => {
  it("is that of the project", () => {
    assert.match(VERSION, /^\d+\.\d+\.\d+\S*-source$/);
    assert.equal(VERSION, `${project.version}-source`);
    assert.equal(BUILD_NAME, VERSION);
  });
});
