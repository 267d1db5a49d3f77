import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readTree } from "../../../src/config/text/edit.ts";

function faultOf(text: string): string | undefined {
  const tree = readTree(text);
  return tree.kind === "faults" ? tree.faults[0]?.message : undefined;
}

describe("[C1] otherFormat()", () => {
  const YAML = [
    "channels:\n  discord: {}",
    "# mine\r\n---\r\nlog:\r\n  level: debug\r\n",
    "- a\n- b",
    "log: { level: debug }",
    "log: # comment\n  level: debug",
  ];
  for (const text of YAML) {
    it(`recognizes YAML: ${JSON.stringify(text)}`, () => {
      assert.match(faultOf(text) ?? "", /^This is YAML/);
    });
  }

  const OTHERS: readonly (readonly [text: string, told: RegExp])[] = [
    ["{ log: { level: 'debug' } }", /JSON5/],
    ["{\n  log: {}\n}", /JSON5/],
    ['"log": {}', /text after the end/],
    ['{ "log": { "level" "debug" } }', /colon is missing/],
    ["hello", /not a value/],
  ];
  for (const [text, told] of OTHERS) {
    it(`does not take ${JSON.stringify(text)} for YAML`, () => {
      assert.match(faultOf(text) ?? "", told);
    });
  }
});
