import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withRetention } from "../../../scripts/reference/retention.ts";
import { store } from "../../../src/config/schema/discord.ts";
import { TABLES } from "../../../src/store/schema/tables.ts";

describe("[X6] TABLES", () => {
  const holds = TABLES.map(({ holds }) => holds);

  it("go with a table that says how long its rows stay", () => {
    for (const other of holds.filter((one) => typeof one === "string")) {
      assert.equal(typeof TABLES.find(({ name }) => name === other)?.holds, "object", other);
    }
  });

  it("use each key of store.retention", () => {
    const texts = JSON.stringify(holds);
    const unused = Object.keys(store.parse({}).retention).filter((key) =>
      !texts.includes(`{${key}}`)
    );
    assert.deepEqual(unused, []);
  });
});

it("[X6] withRetention() › lists each kind of data under its heading", () => {
  const start = "<!-- Generated: deno run -A scripts/reference/commands.ts -->";
  const page = withRetention(`before\n${start}\nold\n<!-- End of the generated part -->\nafter`);
  assert.match(page, /^before\n.*after$/s);
  assert.doesNotMatch(page, /\bold\b.*undefined|NaN/s);
  assert.match(page, /### People\n\n(?:- .*\n)*- \*\*Pairings: user ID/);
  assert.ok(page.includes("**: 30 days (`decisionsDays`), the newest 200,000."), page);
  assert.ok(page.includes(": for ever (`transcriptsDays`: 0), within 2,048 megabytes (`maxMb`)."));
  assert.throws(() => withRetention("a page without it"), /has no part/);
});
