import { describe, it } from "node:test";
import fc from "fast-check";
import { resultOf, resultText } from "../../../src/store/shared/part_reads.ts";
import { sameData } from "../../support/same_data.ts";

/** Keys that people choose may be those of the form itself. */
const KEY = fc.oneof(fc.string(), fc.constantFrom("$kind", "entries", "__proto__"));

const { value: VALUE } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.integer(),
    fc.constantFrom(null, true, "map", "object"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(KEY, tie("value")), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.array(fc.tuple(KEY, tie("value")), { maxLength: 4 }).map((entries) =>
      Object.fromEntries(entries)
    ),
  ),
}));

describe("[O16] resultOf()", () => {
  it("reads what resultText() has written, with maps, whatever keys objects have", () => {
    fc.assert(fc.property(VALUE, (value) => sameData(resultOf(resultText(value)), value)));
  });
});
