import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Table } from "../../../../src/extras/dashboard/base/elements.tsx";
import type { Trend } from "../../../../src/store/figures.ts";
import { DAY_MS } from "../../../../src/lib/clock.ts";
import { TrendChart } from "../../../../src/extras/dashboard/base/trend_chart.tsx";

const NONE: Trend = {
  at: 0,
  accepted: 0,
  ignored: 0,
  answers: 0,
  failures: 0,
  medianMs: 0,
  slowestMs: 0,
  waiting: 0,
  unsent: 0,
};

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
  const chart = async (trends: readonly Trend[]) => {
    const html = String(
      await TrendChart({
        title: "Messages that wait",
        trends,
        from: 0,
        to: DAY_MS,
        textOf: (count) => `${count} messages`,
        lines: [
          { name: "waiting for a turn", valueOf: ({ waiting }) => waiting },
          { name: "waiting for Discord", valueOf: ({ unsent }) => unsent },
        ],
        caption: (turn) => `At most ${turn?.most}.` as never,
      }),
    );
    const [, label = ""] = /aria-label="([^"]*)"/.exec(html) ?? [];
    const [, axis = ""] = /<p class="axis"[^>]*>(.*?)<\/p>/s.exec(html) ?? [];
    const [, caption = ""] = /<figcaption>(.*)<\/figcaption>/s.exec(html) ?? [];
    return { label, axis, caption: caption.replace(/<[^>]+>/g, "") };
  };

  it("has a time axis, a caption for people, and its figures in words apart", async () => {
    const { label, axis, caption } = await chart([
      { ...NONE, at: DAY_MS / 2, waiting: 3 },
      { ...NONE, at: DAY_MS - 60_000, waiting: 1 },
    ]);
    assert.equal(axis.match(/<time [^>]*data-as="clock"/g)?.length, 5);
    assert.equal(caption, "At most 3. Dashed: waiting for Discord.");
    assert.equal(
      label,
      "Messages that wait. Waiting for a turn: mostly 3 messages, at most 3 messages at " +
        "1970-01-01 12:00:00 UTC. Waiting for Discord: always 0 messages.",
    );
  });

  it("says so if nothing was recorded", async () =>
    assert.match((await chart([])).label, /Waiting for a turn: always 0 messages\./));
});
