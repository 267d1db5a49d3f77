import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Table } from "../../../../src/extras/dashboard/base/elements.tsx";
import { TrendChart } from "../../../../src/extras/dashboard/base/trend_chart.tsx";

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

describe("[O6] a chart of the dashboard", () => {
  it("is told in sentences", async () => {
    const html = String(
      await TrendChart({
        title: "Messages that wait",
        trends: [],
        from: 0,
        to: 86_400_000,
        textOf: String,
        lines: [
          { name: "waiting for a turn", valueOf: ({ waiting }) => waiting },
          { name: "waiting for Discord", valueOf: ({ unsent }) => unsent },
        ],
      }),
    );
    const [, caption = ""] = /<figcaption>(.*)<\/figcaption>/s.exec(html) ?? [];
    const words = caption.replace(/<[^>]+>/g, "").replace(/\s+/g, " ").trim();
    assert.match(
      words,
      /^Waiting for a turn: always 0\. Waiting for Discord: always 0\. From .* to .*; dashed: waiting for Discord\.$/,
    );
  });
});
