import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pageNamed } from "../../../../src/features/dashboard/pages/table.ts";
import { withServed } from "../parts_fixture.ts";

const HOSTILE = "%3Cscript%3Ealert(1)%3C/script%3E";

/** A limit that a model without a known price never reaches. */
const UNCOUNTED = JSON.stringify({
  agents: { defaults: { model: "openai/gpt-99" } },
  budgets: { total: { moneyPerMonth: 5 } },
});

/** A page, the query of its address, words that it shows, and the config; absent: there is none. */
const SHOWN: readonly (readonly [string, string, RegExp, config?: string])[] = [
  ["activity", "message=x", /All messages/],
  ["spend", "", /No limits\..*No model was asked in the last 30 days\./s],
  [
    "spend",
    "",
    /0\.00 of 5\.00 this month; this limit does not count openai\/gpt-99: no price is known\b/,
    UNCOUNTED,
  ],
  ["spend", "days=7&by=guild", /Last 7 days by server/],
  ["spend", "days=-1", /Last 30 days by day/],
  ["spend", "days=1e9", /Last 30 days by day/],
  ["spend", `days=${HOSTILE}&by=${HOSTILE}`, /Last 30 days by day/],
];

describe("[O6] a page of the dashboard", () => {
  for (const [path, query, words, config] of SHOWN) {
    it(`${path}?${query.slice(0, 40)} › shows ${words}`, () =>
      withServed(async (served) => {
        const render = await pageNamed(path)?.open();
        const html = String(await render?.(served, new URLSearchParams(query)));
        assert.match(html, words);
        assert.ok(!html.includes("<script"), html);
      }, config));
  }
});
