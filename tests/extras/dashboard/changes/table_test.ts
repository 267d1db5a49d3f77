import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RefusedChange } from "../../../../src/extras/dashboard/base/page.ts";
import { PEOPLE_CHANGES as CHANGES } from "../../../../src/extras/dashboard/changes/people.ts";
import { changeNamed } from "../../../../src/extras/dashboard/changes/table.ts";
import { withParts } from "../parts_fixture.ts";

/** A change, its fields, and the exact words that a person sees. */
const REFUSED: readonly (readonly [string, object, string])[] = [
  [
    "approvals.once",
    { code: "ABCDEFGH" },
    '"ABCDEFGH" is unknown, decided or expired; `barnacle approvals list` shows the open ones',
  ],
  [
    "approvals.always",
    { code: "<b>" },
    '"<b>" is unknown, decided or expired; `barnacle approvals list` shows the open ones',
  ],
  [
    "approvals.deny",
    { code: "\u001b[2J" },
    '"\\u001b[2J" is unknown, decided or expired; `barnacle approvals list` shows the open ones',
  ],
  [
    "pairing.approve",
    { code: "WRONG234" },
    '"WRONG234" is unknown, decided or expired',
  ],
  ["pairing.deny", { code: "WRONG234" }, '"WRONG234" is unknown, decided or expired'],
];

/** Bodies of requests that are no form of the page. */
const NO_FORMS: readonly unknown[] = [
  undefined,
  null,
  "",
  "text",
  7,
  [],
  {},
  { id: "-1" },
  { id: "1.5" },
  { id: "1e400" },
  { id: "x" },
  { id: {} },
  { code: "" },
  { code: "x".repeat(10_000) },
  { session: "" },
  { user: [] },
  { user: "ada", channel: "dm", more: "1" },
  { user: "ada", channel: "dm", mention: "yes" },
  { __proto__: { id: "1" } },
  { constructor: "1", id: "1" },
];

describe("[O6] the changes of the dashboard", () => {
  it("have names of their own", () => {
    const names = CHANGES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.equal(changeNamed("__proto__"), undefined);
  });

  it("have each a row above", () => {
    const rows = new Set(REFUSED.map(([name]) => name));
    assert.deepEqual(CHANGES.map(({ name }) => name).filter((name) => !rows.has(name)), []);
  });

  for (const [name, fields, words] of REFUSED) {
    it(`${name} ${JSON.stringify(fields)} › ${words}`, () =>
      withParts(async (parts) => {
        const change = changeNamed(name);
        assert.ok(change);
        await assert.rejects(async () => await change.run(parts, fields), (error) => {
          assert.ok(error instanceof RefusedChange, String(error));
          assert.equal(error.message, words);
          return true;
        });
      }));
  }

  for (const change of CHANGES) {
    it(`${change.name} › refuses what is no form of it`, () =>
      withParts(async (parts) => {
        for (const fields of NO_FORMS) {
          await assert.rejects(async () => await change.run(parts, fields), RefusedChange);
        }
      }));
  }
});
