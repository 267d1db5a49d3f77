import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Table } from "../../../../src/extras/dashboard/base/elements.tsx";

describe("[O6] a table of the dashboard", () => {
  it("shows a hundred rows, and counts the others", async () => {
    const rows = Array.from({ length: 101 }, (_, at) => [`row ${at}`]);
    const html = String(await Table({ caption: "Rows", head: ["Row"], rows, empty: "None." }));
    assert.match(html, /row 99<[^]*1 more; the command lists all/);
    assert.ok(!html.includes("row 100"));
  });

  it("shows a text without rows, and escapes all texts", async () => {
    const none = await Table({ caption: "Rows", head: ["Row"], rows: [], empty: "<None>" });
    assert.equal(String(none), '<p class="empty">&lt;None&gt;</p>');
    const one = await Table({ caption: '"><b>', head: ["<b>"], rows: [["<b>"]], empty: "" });
    assert.ok(!String(one).includes("<b>"));
  });
});
