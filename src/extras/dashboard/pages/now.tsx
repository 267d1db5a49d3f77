/** The page Now: the bot's state in one word with its cause, its figures, and the last decisions. */

/** @jsxImportSource hono/jsx */

import type { HealthFinding } from "../../../http/health_finding.ts";
import { judgeHealth, worstStatus } from "../../../http/checks.ts";
import type { Snapshot } from "../../../http/snapshot.ts";
import type { JudgedOnRecord } from "../../../store/received/message_record.ts";
import type { Trend } from "../../../store/figures.ts";
import { DAY_MS } from "../../../lib/clock.ts";
import { durationText, sizeOf } from "../../../lib/text/units.ts";
import { unattendedText, type UnattendedUse, unattendedUses } from "../../agent/exports.ts";
import { Decisions } from "../base/decisions.tsx";
import { Badge, Card, Facts, PageLink, Time, type Tone } from "../base/elements.tsx";
import { type AnyPage, page, type PageView } from "../base/page.ts";
import { TrendChart } from "../base/trend_chart.tsx";

interface NowFacts {
  readonly snapshot: Snapshot;
  readonly findings: readonly HealthFinding[];
  readonly decisions: readonly JudgedOnRecord[];
  readonly hasWords: boolean;
  /** Number of commands, drafts, offers and questions that wait for a person. */
  readonly asked: number;
  /** Actions that run without a person, as `barnacle status` shows them (T16). */
  readonly unattended: readonly UnattendedUse[];
  readonly at: number;
  readonly version: string;
  /** The last day by minute, or the last year by hour. */
  readonly trends: readonly Trend[];
  readonly isYear: boolean;
}

/** Decisions on the page. */
const SHOWN = 8;

/** Shows the bot as it is now. */
export const nowPage: AnyPage = page<NowFacts>({
  async load({ bot, store, now, build, unstored, setup }, query) {
    await bot.refresh();
    const [snapshot, at] = [bot.snapshot(), now()];
    const isYear = query.get("span") === "year";
    const stored = await store.trends.trendsSince(isYear ? 3_600 : 60, at - spanOf(isYear));
    return {
      isYear,
      trends: [...stored, ...unstored()],
      snapshot,
      at,
      findings: judgeHealth(snapshot, at).filter(({ status }) => status !== "pass"),
      decisions: await store.received.newestVerdicts(SHOWN),
      hasWords: setup().config.http.showText,
      asked: (await store.questions.open(at)).length,
      unattended: await unattendedUses(setup().config, store.actions, at),
      version: build.version,
    };
  },
  view: (facts) => (
    <>
      <State {...facts} />
      <Charts {...facts} />
      <Figures {...facts} />
      <Accounts {...facts} />
      <Card id="decisions" title="Last messages">
        <Decisions rows={facts.decisions} hasWords={facts.hasWords} />
      </Card>
    </>
  ),
});

/** The state in one word: how good it is, and why. */
export function stateOf(
  { snapshot: { phase, accounts }, findings }: Pick<NowFacts, "snapshot" | "findings">,
): { readonly word: string; readonly tone: Tone; readonly cause: string } {
  const running = accounts.filter(({ state }) => state === "running");
  const worst = findings.find(({ status }) => status === worstStatus(findings));
  const cause = worst ? `${worst.what}${whereText(worst)}: ${worst.why}` : "";
  if (phase === "starting") return { word: "Starting", tone: "warn", cause };
  if (phase === "draining") return { word: "Stopping", tone: "warn", cause: "It ends its turns" };
  if (running.length > 0 && running.every(({ paused }) => paused)) {
    return { word: "Paused", tone: "warn", cause: "It starts no turn until `barnacle resume`" };
  }
  switch (worst?.status) {
    case "fail":
      return { word: "Broken", tone: "bad", cause };
    case "warn":
      return { word: "Impaired", tone: "warn", cause };
    default:
      return { word: "Healthy", tone: "good", cause: "All checks pass" };
  }
}

function whereText({ where }: HealthFinding): string {
  return where === undefined ? "" : ` (${where})`;
}

function State(facts: NowFacts): PageView {
  const { word, tone, cause } = stateOf(facts);
  return (
    <section class="card is-wide" id="state" data-live aria-label="State">
      <p class="headline" data-announce>
        <Badge tone={tone}>{word}</Badge> <span>{cause}</span>
      </p>
      {facts.findings.length > 0 && (
        <ul>
          {facts.findings.map((finding) => (
            <li>
              {`${finding.what}${whereText(finding)}: ${finding.why}`}
              {finding.fix !== undefined && ` → ${finding.fix}`}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function spanOf(isYear: boolean): number {
  return isYear ? 365 * DAY_MS : DAY_MS;
}

function Charts({ trends, isYear, at }: NowFacts): PageView {
  const period = { trends, from: at - spanOf(isYear), to: at };
  const count = (value: number) => String(Math.round(value));
  return (
    <>
      <Card id="latency" title={`Time to answer, last ${isYear ? "year" : "day"}`}>
        <TrendChart
          {...period}
          title="Time from a message to the end of its turn"
          textOf={(ms) => ms < 10_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1_000)} s`}
          lines={[
            { name: "median", valueOf: ({ medianMs }) => medianMs },
            { name: "slowest", valueOf: ({ slowestMs }) => slowestMs },
          ]}
        />
        <p>
          {isYear
            ? <PageLink to="now">The last day, by minute</PageLink>
            : <PageLink to="now" query={{ span: "year" }}>The last year, by hour</PageLink>}
        </p>
      </Card>
      <Card id="queue" title={`Queue, last ${isYear ? "year" : "day"}`}>
        <TrendChart
          {...period}
          title="Messages that wait"
          textOf={count}
          lines={[
            { name: "waiting for a turn", valueOf: ({ waiting }) => waiting },
            { name: "waiting for Discord", valueOf: ({ unsent }) => unsent },
          ]}
        />
      </Card>
      <Card id="traffic" title={`Messages ${isYear ? "an hour" : "a minute"}`}>
        <TrendChart
          {...period}
          title="Messages with a decision"
          textOf={count}
          lines={[
            { name: "accepted", valueOf: ({ accepted }) => accepted },
            { name: "not answered", valueOf: ({ ignored }) => ignored },
          ]}
        />
      </Card>
    </>
  );
}

function Figures({ snapshot, asked, unattended, at, version }: NowFacts): PageView {
  const { inbox, outbox, models, startedAt, rssBytes, eventLoopLagMs } = snapshot;
  return (
    <Card id="figures" title="Figures">
      <Facts
        rows={[
          ["Waiting messages", `${inbox.waiting}, the oldest ${durationText(inbox.oldestMs)}`],
          ["Running turns", String(inbox.running)],
          [
            "Waiting for a person",
            asked === 0 ? "0" : <PageLink to="approvals">{`${asked}, see Approvals`}</PageLink>,
          ],
          ...unattended.map((use) =>
            [
              "Without a person",
              <PageLink to="schedules">{unattendedText(use, at)}</PageLink>,
            ] as const
          ),
          ["Unsent messages", String(outbox.pending + outbox.sending + outbox.parked)],
          ["Uncertain or dead", `${outbox.uncertain} and ${outbox.dead}`],
          ...models.map((model) => [`Model ${model.id}`, modelText(model, at)] as const),
          ["Running for", durationText(at - startedAt)],
          ["Memory", rssBytes === undefined ? "unknown" : sizeOf(rssBytes)],
          ["Main thread's delay", `${Math.round(eventLoopLagMs)} ms at most in the last minute`],
          ["Version", version],
        ]}
      />
    </Card>
  );
}

/** Whether a model answers, and which fallback does in its place, for how long. */
function modelText({ openAt, cover }: NowFacts["snapshot"]["models"][number], at: number): string {
  if (openAt === undefined) return "answers";
  const failed = `has failed for ${durationText(at - openAt)}`;
  if (!cover) return failed;
  const { by, why, until } = cover;
  const again = until === undefined || until <= at
    ? "with the next message"
    : `in ${durationText(until - at)}`;
  return `${failed}${why === undefined ? "" : ` (${why})`}; ${by} answers; asked again ${again}`;
}

function Accounts({ snapshot: { accounts } }: NowFacts): PageView {
  return (
    <Card id="accounts" title="Accounts">
      {accounts.map(({ id, name, state, shards, paused, end }) => (
        <Facts
          rows={[
            ["Account", name === undefined ? id : `${name} (${id})`],
            ["State", end ?? state],
            ...shards.map((shard): [string, string] => [
              `Shard ${shard.id}`,
              shard.ack ? `${shard.state}, ${Math.round(shard.ack.latencyMs)} ms` : shard.state,
            ]),
            ...(paused
              ? [
                [
                  "Paused",
                  <>
                    by {paused.by} since <Time at={paused.since} />
                  </>,
                ] as const,
              ]
              : []),
          ]}
        />
      ))}
    </Card>
  );
}
