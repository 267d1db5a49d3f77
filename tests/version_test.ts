import assert from "node:assert/strict";
import { it } from "node:test";
import project from "../deno.json" with { type: "json" };
import { BUILD_NAME, VERSION } from "../src/version.ts";

it("[K2] the version of a run from source › is that of the project", () => {
  assert.match(VERSION, /^\d+\.\d+\.\d+\S*-source$/);
  assert.equal(VERSION, `${project.version}-source`);
  assert.equal(BUILD_NAME, VERSION);
});
