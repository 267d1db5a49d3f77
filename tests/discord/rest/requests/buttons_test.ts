import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Button } from "../../../../src/core/outbound/outbound.ts";
import { rowsOf } from "../../../../src/discord/rest/requests/layout.ts";

const button = (style: Button["style"]): Button => ({ customId: style, label: "Let in", style });

describe("[P3] rowsOf()", () => {
  const styles: readonly [Button["style"], number][] = [
    ["primary", 1],
    ["secondary", 2],
    ["success", 3],
    ["danger", 4],
  ];
  it("puts all buttons into one row, in their order, each in its style", () => {
    assert.deepEqual(rowsOf(styles.map(([style]) => button(style))), [{
      type: 1,
      components: styles.map(([customId, style]) => ({
        type: 2,
        style,
        label: "Let in",
        customId,
      })),
    }]);
  });

  it("makes no row without buttons, because Discord accepts no empty row", () =>
    assert.deepEqual(rowsOf([]), []));
});
