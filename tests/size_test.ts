/**
 * Holds the size of each room, because each reader pays for it. A row of `tests/sizes.json` rises only
 * with a reason beside it: `deno run -A scripts/sizes.ts --raise "<row>" "<why>"`.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lowered, presentSizes, readSizes, roomOf } from "../scripts/sizes.ts";

const present = presentSizes();
const table = readSizes();

describe("the project", () => {
  for (const [room, size] of present) {
    it(`has at most the size of the table in ${room}`, () => {
      const max = table[room]?.max;
      assert.ok(
        max !== undefined && size <= max,
        `${room} has ${size}, and tests/sizes.json allows ${
          max ?? "no such row"
        }: make it smaller, ` +
          `or run \`deno run -A scripts/sizes.ts --raise "${room}" "<why>"\``,
      );
    });
  }

  it("has each room of the table", () => {
    assert.deepEqual(Object.keys(table).filter((room) => !present.has(room)), []);
  });
});

describe("lowered()", () => {
  it("lowers rows, keeps their reasons, and raises and adds none", () => {
    const rows = {
      "src/a": { max: 10, why: "tools" },
      "src/b": { max: 5 },
      "src/gone": { max: 3 },
    };
    const sizes = new Map([["src/a", 8], ["src/b", 6], ["src/new", 4]]);
    assert.deepEqual(lowered(rows, sizes), {
      "src/a": { max: 8, why: "tools" },
      "src/b": { max: 5 },
    });
    assert.deepEqual(lowered({ tests: { max: 9_000 } }, new Map([["tests", 2_001]])), {
      tests: { max: 2_500 },
    });
  });
});

describe("roomOf()", () => {
  const cases: readonly (readonly [path: string, room: string | undefined])[] = [
    ["src/main.ts", "src"],
    ["src/policy/rules/rules.ts", "src/policy"],
    ["src/discord/gateway/read/reader.ts", "src/discord/gateway"],
    ["src/extras/demo/scenes/play.ts", "src/extras/demo"],
    ["src/extras/extras.ts", "src/extras"],
    ["tests/policy/rules_test.ts", "tests"],
    ["tests/sizes.json", undefined],
    ["docs/specification/gateway.md", "docs"],
    ["docs/images/demo.webp", undefined],
  ];
  for (const [path, room] of cases) {
    it(`counts ${path} in ${room ?? "no row"}`, () => assert.equal(roomOf(path), room));
  }
});
