/** The part of the page Diagnostics with charts and figures. */

/** @jsxImportSource hono/jsx */

import type { Snapshot } from "../../../http/snapshot.ts";
import type { Trend } from "../../../store/figures.ts";
import { DAY_MS } from "../../../lib/clock.ts";
import { durationText, sizeOf } from "../../../lib/text/units.ts";
import { Card, Facts, PageLink, Time } from "../base/elements.tsx";
import { type AnyPage, page, type PageView } from "../base/page.ts";
import { TrendChart } from "../base/trend_chart.tsx";

interface FiguresFacts {
  readonly snapshot: Snapshot;
  readonly at: number;
  readonly version: string;
  /** The last day by minute, or the last year by hour. */
  readonly trends: readonly Trend[];
  readonly isYear: boolean;
}

/** Shows how the bot has done. */
export const figuresPart: AnyPage = page<FiguresFacts>({
  async load({ bot, store, now, build, unstored }, query) {
    await bot.refresh();
    const [snapshot, at] = [bot.snapshot(), now()];
    const isYear = query.get("span") === "year";
    const stored = await store.trends.trendsSince(isYear ? 3_600 : 60, at - spanOf(isYear));
    return {
      isYear,
      trends: [...stored, ...unstored()],
      snapshot,
      at,
      version: build.version,
    };
  },
  view: (facts) => (
    <>
      <Charts {...facts} />
      <Figures {...facts} />
      <Accounts {...facts} />
    </>
  ),
});

function spanOf(isYear: boolean): number {
  return isYear ? 365 * DAY_MS : DAY_MS;
}

/** `"0.1 s"`. */
function secondsText(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
}

/** `"1 message"`, `"3 messages"`. */
function messagesText(count: number): string {
  return `${Math.round(count)} ${Math.round(count) === 1 ? "message" : "messages"}`;
}

function Charts({ trends, isYear, at }: FiguresFacts): PageView {
  const period = { trends, from: at - spanOf(isYear), to: at };
  const span = isYear ? "year" : "day";
  const sum = (valueOf: (trend: Trend) => number) =>
    trends.reduce((total, trend) => total + valueOf(trend), 0);
  return (
    <>
      <Card id="latency" title={`Time to answer, last ${span}`}>
        <TrendChart
          {...period}
          title="Time from a message to the end of its turn"
          textOf={secondsText}
          lines={[
            { name: "median", valueOf: ({ medianMs }) => medianMs },
            { name: "slowest", valueOf: ({ slowestMs }) => slowestMs },
          ]}
          caption={(median, slowest) =>
            median && slowest && slowest.most > 0
              ? (
                <>
                  {`Answers took ${secondsText(median.usual)}, at most ${
                    secondsText(slowest.most)
                  } at `}
                  <Time at={slowest.mostAt} />.
                </>
              )
              : <>No message was answered.</>}
        />
        <p>
          {isYear
            ? <PageLink to="diagnostics">The last day, by minute</PageLink>
            : <PageLink to="diagnostics" query={{ span: "year" }}>The last year, by hour</PageLink>}
        </p>
      </Card>
      <Card id="queue" title={`Queue, last ${span}`}>
        <TrendChart
          {...period}
          title="Messages that wait"
          textOf={(count) => String(Math.round(count))}
          lines={[
            { name: "waiting for a turn", valueOf: ({ waiting }) => waiting },
            { name: "waiting for Discord", valueOf: ({ unsent }) => unsent },
          ]}
          caption={(turn, unsent) => (
            <>
              {turn && turn.most > 0
                ? (
                  <>
                    {`At most ${messagesText(turn.most)} waited for a turn, at `}
                    <Time at={turn.mostAt} />
                    {unsent && unsent.most > 0 && `, and ${messagesText(unsent.most)} for Discord`}.
                  </>
                )
                : unsent && unsent.most > 0
                ? `At most ${messagesText(unsent.most)} waited for Discord.`
                : "No message waited."}
            </>
          )}
        />
      </Card>
      <Card id="traffic" title={`Messages ${isYear ? "an hour" : "a minute"}, last ${span}`}>
        <TrendChart
          {...period}
          title="Messages with a decision"
          textOf={(count) => String(Math.round(count))}
          lines={[
            { name: "accepted", valueOf: ({ accepted }) => accepted },
            { name: "not answered", valueOf: ({ ignored }) => ignored },
          ]}
          caption={() => (
            <>
              {`${messagesText(sum(({ accepted }) => accepted))} accepted, ${
                Math.round(sum(({ ignored }) => ignored))
              } not answered.`}
            </>
          )}
        />
      </Card>
    </>
  );
}

function Figures({ snapshot, at, version }: FiguresFacts): PageView {
  const { inbox, outbox, models, startedAt, rssBytes, eventLoopLagMs } = snapshot;
  return (
    <Card id="figures" title="Figures">
      <Facts
        rows={[
          ["Waiting messages", `${inbox.waiting}, the oldest ${durationText(inbox.oldestMs)}`],
          ["Running turns", String(inbox.running)],
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
function modelText(
  { openAt, cover }: FiguresFacts["snapshot"]["models"][number],
  at: number,
): string {
  if (openAt === undefined) return "answers";
  const failed = `has failed for ${durationText(at - openAt)}`;
  if (!cover) return failed;
  const { by, why, until } = cover;
  const again = until === undefined || until <= at
    ? "with the next message"
    : `in ${durationText(until - at)}`;
  return `${failed}${why === undefined ? "" : ` (${why})`}; ${by} answers; asked again ${again}`;
}

function Accounts({ snapshot: { accounts } }: FiguresFacts): PageView {
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
