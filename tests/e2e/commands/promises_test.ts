/** Holds the fields of `--json` that docs/promises.json lists: a program of a user reads them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readPromises } from "../../../scripts/promises.ts";
import { withSimulation } from "../../support/bot/e2e.ts";

/** Fields of an output's object, or of the first object of its list, as `[].field`. */
function fieldsOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return fieldsOf(value[0]).map((name) => `[].${name}`);
  return typeof value === "object" && value !== null ? Object.keys(value) : [];
}

function missing(promised: readonly string[], output: string): readonly string[] {
  const found = new Set(fieldsOf(JSON.parse(output)));
  return promised.filter((field) => !found.has(field));
}

describe("[O10] --json", () => {
  it("has each promised field", () =>
    withSimulation({}, async ({ start, say, mention, replies, cli, line }) => {
      await line(await start(), /"Barnacle is running"/); // before it, `status` has no bot to ask
      const question = say("grace", "general", `${mention} one`);
      await replies("general", 1);
      const outputs = Object.entries(readPromises().json).map(async ([line, promised]) => {
        const args = line.split(" ").map((word) => word === "MESSAGE" ? question.id : word);
        const { stdout, stderr } = await cli(...args, "--json");
        const text = stdout.join("\n");
        assert.notEqual(text, "", `${line}: ${stderr.join("\n")}`);
        return [line, missing(promised, text)] as const;
      });
      for (const [line, gone] of await Promise.all(outputs)) assert.deepEqual(gone, [], line);
    }));

  it("is red without a field", () => {
    assert.deepEqual(missing(["a", "b"], '{"b":1}'), ["a"]);
    assert.deepEqual(missing(["[].a"], '[{"b":1}]'), ["[].a"]);
  });
});
