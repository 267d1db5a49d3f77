import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CHANGES, RefusedChange } from "../../../src/features/dashboard/base/changes.ts";
import { withServed } from "./parts_fixture.ts";

/** A change, the code, and the exact words that a person sees. */
const REFUSED: readonly (readonly [string, string, string])[] = [
  [
    "approvals.once",
    "ABCDEFGH",
    '"ABCDEFGH" is unknown, decided or expired; `barnacle approvals list` shows the open ones',
  ],
  [
    "approvals.always",
    "<b>",
    '"<b>" is unknown, decided or expired; `barnacle approvals list` shows the open ones',
  ],
  [
    "approvals.deny",
    "\u001b[2J",
    '"\\u001b[2J" is unknown, decided or expired; `barnacle approvals list` shows the open ones',
  ],
  ["pairing.approve", "WRONG234", '"WRONG234" is unknown, decided or expired'],
  ["pairing.deny", "WRONG234", '"WRONG234" is unknown, decided or expired'],
];

describe("[O6] the changes of the dashboard", () => {
  it("have names of their own", () => {
    const names = CHANGES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
  });

  it("have each a row above", () => {
    const rows = new Set(REFUSED.map(([name]) => name));
    assert.deepEqual(CHANGES.map(({ name }) => name).filter((name) => !rows.has(name)), []);
  });

  for (const [name, code, words] of REFUSED) {
    it(`${name} ${JSON.stringify(code)} › ${words}`, () =>
      withServed(async (served) => {
        const change = CHANGES.find((one) => one.name === name);
        assert.ok(change);
        await assert.rejects(async () => await change.run(served, code), (error) => {
          assert.ok(error instanceof RefusedChange, String(error));
          assert.equal(error.message, words);
          return true;
        });
      }));
  }
});
