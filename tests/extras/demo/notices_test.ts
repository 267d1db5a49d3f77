import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readLogLine } from "../../../src/extras/demo/notices.ts";

const line = (level: string, event: string, fields?: object) =>
  JSON.stringify({ time: "2026-11-20T09:00:00.000Z", level, part: "turns", event, fields });

describe("[O5] readLogLine()", () => {
  it("keeps the fields for the page", () => {
    assert.deepEqual(
      readLogLine(line("error", "A turn failed", { failureId: "ab12", reason: "HTML", ms: 3 })),
      { level: "error", text: "A turn failed · reason HTML · failureId ab12" },
    );
    assert.deepEqual(readLogLine(line("warning", "Slow")), { level: "warning", text: "Slow" });
    assert.deepEqual(readLogLine(line("info", "Ready")), { level: "info", text: "Ready" });
  });

  it("ignores lines without an event", () => {
    for (const text of ["", "  at main.ts:3", "{}", "null", '{"level":1,"event":"x"}']) {
      assert.equal(readLogLine(text), undefined);
    }
  });
});
