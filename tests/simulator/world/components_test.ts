import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { actionRows, numbered } from "../../../simulator/world/components.ts";
import { toProblems } from "../../../simulator/world/field_problems.ts";

const button = (customId: string, more: object = {}) => ({
  type: 2,
  style: 3,
  custom_id: customId,
  label: "Approve",
  ...more,
});
const row = (...components: readonly object[]) => ({ type: 1, components });
const five = ["a", "b", "c", "d", "e"];

/** The first problem, as Discord's path and code; `"taken"` if there is none. */
function judge(rows: unknown): string {
  const parsed = actionRows.safeParse(rows);
  if (parsed.success) return "taken";
  const [first] = toProblems(parsed.error);
  return `${first?.path.join(".")} ${first?.code}`;
}

describe("[R4] components of a message", () => {
  const cases: readonly [what: string, rows: unknown, judged: string][] = [
    ["none", [], "taken"],
    ["one button", [row(button("a"))], "taken"],
    ["five rows of five", five.map((at) => row(...five.map((id) => button(at + id)))), "taken"],
    [
      "an emoji in place of words",
      [row(button("a", { label: null, emoji: { name: "✅" } }))],
      "taken",
    ],
    ["six rows", [...five, "f"].map((id) => row(button(id))), " BASE_TYPE_BAD_LENGTH"],
    ["no button", [row()], "0.components BASE_TYPE_BAD_LENGTH"],
    [
      "six buttons",
      [row(...[...five, "f"].map((id) => button(id)))],
      "0.components BASE_TYPE_BAD_LENGTH",
    ],
    ["a button in no row", [button("a")], "0.type BASE_TYPE_BAD_TYPE"],
    ["no custom id", [row(button(""))], "0.components.0.custom_id BASE_TYPE_BAD_LENGTH"],
    [
      "101 characters of custom id",
      [row(button("x".repeat(101)))],
      "0.components.0.custom_id BASE_TYPE_MAX_LENGTH",
    ],
    ["100 characters of custom id", [row(button("x".repeat(100)))], "taken"],
    [
      "81 characters of label",
      [row(button("a", { label: "x".repeat(81) }))],
      "0.components.0.label BASE_TYPE_MAX_LENGTH",
    ],
    [
      "neither label nor emoji",
      [row(button("a", { label: "" }))],
      "0.components.0 BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED",
    ],
    [
      "one custom id twice",
      [row(button("a")), row(button("b"), button("a"))],
      "1.components.1.custom_id COMPONENT_CUSTOM_ID_DUPLICATED",
    ],
    [
      "a style that is a link's",
      [row(button("a", { style: 5 }))],
      "0.components.0.style BASE_TYPE_BAD_TYPE",
    ],
    ["an unknown field", [row(button("a", { labl: "x" }))], "0.components.0.labl UNKNOWN_FIELD"],
  ];
  for (const [what, rows, judged] of cases) {
    it(`${what}: ${judged}`, () => assert.equal(judge(rows), judged));
  }

  it("are numbered from 1 in order, unless they have a number", () => {
    const parsed = actionRows.parse([row(button("a"), button("b", { id: 9 })), row(button("c"))]);
    const ids = numbered(parsed).flatMap((row) =>
      row.type === 1 ? [row.id, ...row.components.map(({ id }) => id)] : []
    );
    assert.deepEqual(ids, [1, 2, 9, 4, 5]);
  });
});
