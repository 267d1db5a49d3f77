import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Served } from "../../../../src/cli/run/served_parts.ts";
import { ALLOW_ONCE, DENY, type Question } from "../../../../src/core/people/question.ts";
import { toAccountId } from "../../../../src/core/discord/ids.ts";
import { outcomeOf } from "../../../../src/features/dashboard/base/decisions.tsx";
import { pageNamed } from "../../../../src/features/dashboard/pages/table.ts";
import type { AccountSnapshot, Snapshot } from "../../../../src/http/snapshot.ts";
import { DAY_MS } from "../../../../src/lib/clock.ts";
import { GUILD_SNAPSHOT } from "../../../cli/data_fixture.ts";
import { another, HEALTHY, SERVING } from "../../../support/bot/health.ts";
import { ACCOUNT, guildMessage, messageId, userId } from "../../../support/discord/builders.ts";
import { challenged, strangersMessage } from "../../../support/discord/pairing.ts";
import { accepted, batch, ignored } from "../../../support/store/store.ts";
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

/** A page as a person reads it, with a bar after each block; `‹›`: a button, with `*` the main one. */
async function read(served: Served, path: string, query = ""): Promise<string> {
  const html = await (await pageNamed(path)?.open())?.(served, new URLSearchParams(query));
  return String(html).replace(/<(span|p) class="hidden".*?<\/\1>/g, "")
    .replace(/<button type="submit"( class="is-main")?[^>]*>([^<]*)<\/button>/g, "‹$2$1›")
    .replaceAll(' class="is-main"', "*").replace(/<time.*?<\/time>|asked \d.* min/g, "TIME")
    .replace(/<\/(?:p|h\d|pre|summary|div|li|tr)>/g, "\n").replace(/<\/t[dh]>/g, " ")
    .replace(/<[^>]+>/g, "").replaceAll("&lt;", "<").replaceAll("&gt;", ">").trim()
    .replace(/ *\n\s*/g, "|");
}

const PAUSED = { ...SERVING, paused: { by: "cli", since: 0 } };
const ENDED: AccountSnapshot = { ...another(), state: "ended" };
const finding = (status: "warn" | "fail") => ({ id: status, what: status, status, why: "why" });
const TWIN = { ...another(), twin: { since: 0, evidence: "two answers" } };

/** Accounts and more of a snapshot, and the page's beginning. */
const STATES: readonly (readonly [Partial<Snapshot>, begins: RegExp])[] = [
  [{}, /^✓Healthy All checks pass\|What needs you\|Nothing needs you\.\|By direct/],
  [{ phase: "starting" }, /^!Starting Phase\|Phase: starting\|What/],
  [{ phase: "draining" }, /^!Stopping It ends its turns\|What/],
  [
    { accounts: [PAUSED] },
    /^!Paused It starts no turn until `barnacle resume`\|Pause \(default\): /,
  ],
  [{ accounts: [PAUSED, ENDED] }, /^!Paused /],
  [{ accounts: [PAUSED, TWIN] }, /^!Impaired Pause \(default\)\|.*\|Another .* \(work\): .*\|→ if/],
  [{ slow: [finding("warn"), finding("fail")] }, /^✕Broken fail\|warn: why\|fail: why\|What/],
  [{ accounts: [ENDED] }, /^✕Broken Account \(work\)\|.*\|→ run `barnacle doctor`/],
  [
    { outbox: { ...HEALTHY.outbox, uncertain: 1, dead: 2 } },
    /you\|3 messages were perhaps not sent/,
  ],
  [{ outbox: { ...HEALTHY.outbox, dead: 1 } }, /you\|1 message was perhaps not sent/],
];

it("[O6] the page Today begins with the state that the bot has at that moment", () =>
  withServed(async (served) => {
    for (const [{ accounts = [SERVING], ...change }, begins] of STATES) {
      const at = Date.now();
      const fresh: Snapshot = {
        ...{ ...HEALTHY, mainTickAt: at, gatewayTickAt: at, ...change },
        store: { ...HEALTHY.store, probedAt: at, answeredAt: at },
        accounts: accounts.map((one) => ({ ...one, gatewayTickAt: at, connection: undefined })),
      };
      let snapshot = HEALTHY;
      const refresh = () => Promise.resolve(snapshot = fresh);
      Object.assign(served.bot, { snapshot: () => snapshot, refresh });
      assert.match(await read(served, "today"), begins);
    }
  }));

const ADA = userId("123456789012345678");
const QUESTION: Question = {
  ...{ kind: "approval", tool: "exec", exact: "ls\u200b", asked: [ADA, userId("77")] },
  text: `May <@${ADA}> in <#1400000000000000011>?`,
  facts: [
    { name: "Who asks", value: `<@!${ADA}>` },
    { name: "Cause", value: "<#77> <@88> <https://a.example>" },
  ],
  choices: [{ key: ALLOW_ONCE }, { key: DENY }],
  ...{ where: "direct", timeoutMs: 60_000 },
};
const USED = {
  inputTokens: 100,
  cachedTokens: 5,
  outputTokens: 20,
  micros: 1_500_000,
  audioSec: 0,
};
const BUSY = JSON.stringify({
  http: { showText: true },
  models: { currency: "EUR" },
  budgets: { total: { tokensPerDay: 100 }, perAgent: { tokensPerMonth: 1_000 } },
});
const DECISIONS = "!pairing stranger0 direct message|" +
  "The sender is neither on the allow list nor paired.|TIME Open|" +
  "✕failed ada friends-of-barnacle#help|The model is away.|TIME Open <b>|" +
  "·ignored ada friends-of-barnacle#help|" +
  "It does not mention the bot; the model may see it as context later.|TIME Open|" +
  "2 more like this|TIME|TIME|!waits for a person ada friends-of-barnacle#help|" +
  "It addresses the bot: by a mention, a reply or a name.|TIME Open hello";
const TODAY = "|Approval of a command CDEFGHJA|May @ada in Friends of Barnacle #help?|ls\\u200b|" +
  "Who asks @ada|‹Allow once*›|‹Deny›|All facts|Tool exec|Cause <#77> <@88> https://a.example|" +
  "Decides ada, 77|Expires TIME|stranger0 wants to write to the bot|AAAAAAAA 30000000 TIME|" +
  "‹Approve*›|‹Deny›|By direct message to the bot: /allowlist (who may talk, owners), " +
  "/settings (model, budget), /forget (a person).|Last messages|5 messages in the last 24 hours: " +
  `1 pairing, 1 failed, 2 ignored, 1 waits for a person|${DECISIONS}|All messages`;
const ID = "140000000000000020";
const PAGES: readonly (readonly [path: string, query: string, shows: RegExp])[] = [
  ["today", "", new RegExp(`What needs you${RegExp.escape(TODAY)}$`)],
  ["activity", "", new RegExp(`‹Explain›Messages\\|${RegExp.escape(DECISIONS)}$`)],
  [
    "activity",
    `message=${ID}3`,
    /\|Decision of default\|✕failedIt addr.*\|Turn: failed.*\|error abcdef: The/,
  ],
  ["activity", `message=${ID}9`, /\|No record\|Nothing is on record.* also looks/],
  ["activity", `message=${ID}1`, /\|·ignoredIt.*No turn began, and nothing/],
  ["spend", "by=model", /\|Total 1 120 1.50 EUR\|openai\/gpt 1 120 1.50 EUR\|/],
  ["spend", "", /today, spent\|.*main\): 120 of 1000 .*, 12 %\|/],
];

it("[O6] [L5] the pages of a bot with a question, pairing requests, messages and use", () =>
  withServed(async (served, { claim, now }) => {
    const { inbox, questions, turns } = served.store;
    const asked = [{ callKey: "1:a", code: "CDEFGHJA", question: QUESTION }];
    await questions.park({ claim, steps: [], charges: [], asked, now });
    const of = (id: string) => guildMessage({ id: messageId(id), text: "<@5> <b>" });
    await inbox.acceptBatch(batch({ judged: [ignored(of(`${ID}0`))] }), now - DAY_MS);
    const judged = [
      ...["1", "2"].map((last) => ignored(of(ID + last))),
      accepted(of(`${ID}3`), { agentId: "main", sessionKey: "other" }),
      challenged(strangersMessage(0)),
    ];
    await inbox.acceptBatch(batch({ judged, guilds: [GUILD_SNAPSHOT] }), now);
    const second = await inbox.claimNext(ACCOUNT, now, []) ?? assert.fail();
    const end = { kind: "failed", failureId: "abcdef", reason: "The model is away." } as const;
    const by = { agentId: "main", channelId: claim.message.channelId, userId: ADA };
    const charge = { kind: "answer", ...by, ...USED, model: "openai/gpt", ms: 1, at: now } as const;
    const ended = { claim: second, end, entries: [], outbox: [], charges: [charge] };
    await turns.finishTurn(ended, now);
    for (const [path, query, shows] of PAGES) assert.match(await read(served, path, query), shows);
    const more = Array.from({ length: 50 }, (_, at) => ignored(of(`1400000000000000${300 + at}`)));
    await inbox.acceptBatch(batch({ judged: more }), now);
    assert.match(await read(served, "activity"), /\|Older messages$/);
    assert.ok((await read(served, "activity", "before=7")).endsWith(`Messages|${DECISIONS}`));
  }, BUSY));

type Given = Parameters<typeof outcomeOf>[0];

const ROWS: readonly (readonly [given: Partial<Given>, shown: string])[] = [
  [{ verdict: "ignore" }, "plain ignored"],
  [{ verdict: "challenge" }, "warn pairing"],
  [{ verdict: "undecided" }, "plain undecided"],
  [{ state: undefined }, "plain accepted"],
  [{ state: "waiting" }, "plain waiting"],
  [{ state: "waiting", asksPerson: true }, "warn waits for a person"],
  [{ state: "running" }, "plain answering"],
  [{ state: "answered" }, "good answered"],
  [{ state: "answered", unsent: "pending" }, "plain sending"],
  [{ state: "answered", unsent: "sending" }, "plain sending"],
  [{ state: "answered", unsent: "dead" }, "bad not delivered"],
  [{ state: "answered", unsent: "uncertain" }, "bad not delivered"],
  [{ state: "answered", answeredBy: toAccountId("other") }, "plain other answers it"],
  [{ state: "declined" }, "plain no answer"],
  [{ state: "refused" }, "warn refused"],
  [{ state: "failed" }, "bad failed"],
  [{ state: "cancelled" }, "plain deleted or edited"],
  [{ state: "stopped" }, "plain stopped"],
  [{ state: "interrupted" }, "plain followed by another"],
];

describe("[O6] the outcome of a message", () => {
  for (const [given, shown] of ROWS) {
    it(`is "${shown}" for ${JSON.stringify(given)}`, () => {
      const facts: Given = {
        verdict: "accept",
        accountId: ACCOUNT,
        answeredBy: ACCOUNT,
        state: "waiting",
        unsent: undefined,
        asksPerson: false,
        ...given,
      };
      assert.equal(outcomeOf(facts).join(" "), shown);
    });
  }
});
