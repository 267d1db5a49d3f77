import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BOUNDS, KEYS, withRetention } from "../../../scripts/reference/retention.ts";
import { TABLES } from "../../../src/store/schema/tables.ts";

describe("[X6] BOUNDS", () => {
  it("has a row for each table of the schema, and no other", () => {
    assert.deepEqual(Object.keys(BOUNDS).toSorted(), TABLES.map(({ name }) => name).toSorted());
  });

  it("sends tables that go with others to one with a bound", () => {
    for (const bound of Object.values(BOUNDS)) {
      if ("goesWith" in bound) assert.ok("data" in (BOUNDS[bound.goesWith] ?? {}), bound.goesWith);
    }
  });

  it("uses each key of store.retention", () => {
    const texts = JSON.stringify(BOUNDS);
    const unused = Object.keys(KEYS).filter((key) => !texts.includes(`\`${key}\``));
    assert.deepEqual(unused, []);
  });
});

describe("[X6] withRetention()", () => {
  it("lists each kind of data under its heading", () => {
    const start = "<!-- Generated: deno run -A scripts/reference/commands.ts -->";
    const page = withRetention(`before\n${start}\nold\n<!-- End of the generated part -->\nafter`);
    assert.match(page, /^before\n.*after$/s);
    assert.doesNotMatch(page, /\bold\b.*undefined|NaN/s);
    assert.match(page, /### People\n\n- \*\*Pairings: user ID/);
    assert.ok(page.includes("**: 30 days (`decisionsDays`), the newest 200,000 of them ("), page);
    assert.ok(
      page.includes(": for ever (`transcriptsDays`: 0), within 2,048 megabytes (`maxMb`)."),
    );
    assert.throws(() => withRetention("a page without it"), /has no part/);
  });
});
