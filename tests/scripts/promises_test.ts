/** Holds docs/stability.md: a name that was promised stays. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  brokenPromises,
  currentNames,
  type Promises,
  readPromises,
  withNames,
} from "../../scripts/promises.ts";

const promised = readPromises();
const current = currentNames();

describe("docs/promises.json", () => {
  it("has no name that the program lost", () => {
    assert.deepEqual(brokenPromises(promised, current), []);
  });

  it("is what docs/stability.md links to", () => {
    const page = readFileSync(join(import.meta.dirname!, "../../docs/stability.md"), "utf8");
    assert.match(page, /\]\(promises\.json\)/);
  });
});

describe("brokenPromises()", () => {
  const without = (list: readonly string[]) => list.slice(1);
  const CHANGES: readonly (readonly [Partial<Promises>, string])[] = [
    [{ config: without(current.config) }, `config: ${current.config[0]} is gone`],
    [{ metrics: without(current.metrics) }, `metrics: ${current.metrics[0]} is gone`],
    [{ commands: without(current.commands) }, `commands: ${current.commands[0]} is gone`],
    [{ exits: { ...current.exits, config: 79 } }, "exits: config is 79, not 78"],
  ];
  for (const [change, words] of CHANGES) {
    it(`says "${words}"`, () => {
      assert.deepEqual(brokenPromises(promised, { ...current, ...change }), [words]);
    });
  }

  it("says nothing about a new name, which a release then promises", () => {
    const more = { ...current, config: [...current.config, "new"] };
    assert.deepEqual(brokenPromises(promised, more), []);
    const next = withNames(promised, more);
    assert.deepEqual(
      next.config.filter((name) =>
        !current.config.includes(name) && !promised.config.includes(name)
      ),
      ["new"],
    );
  });
});
