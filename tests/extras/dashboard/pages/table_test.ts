import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { RefusedChange } from "../../../../src/extras/dashboard/base/page.ts";
import { pageNamed } from "../../../../src/extras/dashboard/pages/table.ts";
import { messageId } from "../../../support/discord/builders.ts";
import { ROUTE } from "../../../support/store/store.ts";
import { withParts } from "../parts_fixture.ts";

const HOSTILE = "%3Cscript%3Ealert(1)%3C/script%3E";

/** A limit that a model without a known price never reaches. */
const UNCOUNTED = JSON.stringify({
  agents: { defaults: { model: "openai/gpt-99" } },
  budgets: { total: { moneyPerMonth: 5 } },
});

/** A page, the query of its address, words that it shows, and the config; absent: there is none. */
const SHOWN: readonly (readonly [string, string, RegExp, config?: string])[] = [
  ["people", HOSTILE, /direct messages/],
  [
    "people",
    "",
    /Test as a person.*No one is paired\..*Forget a person/s,
  ],
  ["activity", "", /No sessions yet\./],
  ["activity", `session=${HOSTILE}`, /no session &quot;&lt;script&gt;/],
  ["activity", "message=x", /All messages/],
  ["activity", `session=${"x".repeat(9_000)}`, /no session/],
  ["memory", HOSTILE, /No notes\./],
  ["spend", "", /No limits\..*No model was asked in the last 30 days\./s],
  [
    "spend",
    "",
    /0\.00 of 5\.00 this month; this limit does not count openai\/gpt-99: no price is known\b/,
    UNCOUNTED,
  ],
  ["spend", "days=7", /Tokens of the last 7 days/],
  ["spend", "days=-1", /Tokens of the last 30 days/],
  ["spend", "days=1e9", /Tokens of the last 30 days/],
  ["spend", `days=${HOSTILE}`, /Tokens of the last 30 days/],
  ["memory", "", /No reminders and no scheduled tasks\./],
  ["settings", "", /The bot runs without a config file; `barnacle config set` makes one/],
  ["settings", "search=", /No key has these words\./],
  ["settings", `search=${HOSTILE}`, /value="&lt;script&gt;.*No key has these words\./s],
  ["help", "", /folder docs of the source has this page\./],
  ["help", "page=../../etc/passwd", /folder docs of the source has this page\./],
  [
    "settings",
    "search=discord",
    /^(?:(?:(?!<article).)*<article){12}(?!.*<article).*\d\d+ more keys/s,
  ],
  ["settings", "search=histroyLimit", /“historyLimit”.*channels\.discord\.historyLimit/s],
];

describe("[O6] a page of the dashboard", () => {
  for (const [path, query, words, config] of SHOWN) {
    it(`${path}?${query.slice(0, 40)} › shows ${words}`, () =>
      withParts(async (parts) => {
        const html = String(
          await (await pageNamed(path)?.open())?.render(parts, new URLSearchParams(query)),
        );
        assert.match(html, words);
        assert.ok(!html.includes("<script"), html);
      }, config));
  }

  for (
    const [what, text, said] of [
      [
        "a syntax error and a secret",
        '{ "channels": { "discord": { "token": "hunter2hunter2" }, }',
        /The file has a syntax error and secrets\..*barnacle config check --config .*config\.jsonc/s,
      ],
      [
        "more than 60 KiB",
        `{ "agents": { "list": [{ "id": "main", "prompt": "${"x".repeat(62_000)}" }] } }`,
        /The file is too large to change it here.*barnacle config set .*config check --config/s,
      ],
    ] as const
  ) {
    it(`settings › with ${what}, shows the problems and the commands instead of an editor`, () =>
      withParts(async (parts) => {
        const configFile = join(parts.dataDir, "config.jsonc");
        writeFileSync(configFile, text, { mode: 0o600 });
        writeFileSync(`${configFile}.bak`, "{}", { mode: 0o600 });
        const html = String(
          await (await pageNamed("settings")?.open())?.render(
            { ...parts, configFile },
            new URLSearchParams(),
          ),
        );
        assert.match(html, said);
        assert.match(html, /cp \S+config\.jsonc\.bak \S+config\.jsonc</);
        assert.doesNotMatch(html, /<textarea|hunter2/);
      }));
  }

  it("activity › stays below 100 kB with a long transcript", () =>
    withParts(async (parts, claim) => {
      const stamp = { messageId: messageId("101"), at: parts.now() };
      const entries = Array.from({ length: 200 }, (_, at) => ({
        role: "assistant" as const,
        text: `${at} ${"long ".repeat(4_000)}`,
        ...stamp,
      }));
      const turn = { claim, end: { kind: "answered" as const }, entries, outbox: [] };
      await parts.store.turns.finishTurn(turn, parts.now());
      const query = new URLSearchParams({ session: ROUTE.sessionKey });
      const html = String(await (await pageNamed("activity")?.open())?.render(parts, query));
      assert.ok(html.length < 100_000, `${html.length}`);
      assert.match(html, /150 older entries are in the export/);
      const file = await (await pageNamed("activity")?.open())?.download?.(parts, query);
      assert.equal(file?.text.trim().split("\n").length, 200);
    }));

  for (const query of ["", "session=", "session=nothing"]) {
    it(`activity › has no file for "${query}"`, () =>
      withParts(async (parts) => {
        const page = await pageNamed("activity")?.open();
        const asked = new URLSearchParams(query);
        await assert.rejects(async () => await page?.download?.(parts, asked), RefusedChange);
      }));
  }
});
