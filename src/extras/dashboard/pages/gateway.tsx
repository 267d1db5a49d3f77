/**
 * The part Gateway of the page Diagnostics: sessions, heartbeats, resumes, the identify budget, and the limits of requests to
 * Discord.
 */

/** @jsxImportSource hono/jsx */

import { LOW } from "../../../core/discord/identify_budget.ts";
import type { GatewayStats } from "../../../core/discord/gateway.ts";
import type { AccountSnapshot, ShardSnapshot } from "../../../http/snapshot.ts";
import { durationText } from "../../../lib/text/units.ts";
import { Badge, Card, Facts, Table, Time, type Tone } from "../base/elements.tsx";
import { type AnyPage, page, type PageView } from "../base/page.ts";
import type { AccountTraffic } from "../../../bot.ts";

interface Connected {
  readonly account: AccountSnapshot;
  readonly traffic?: AccountTraffic;
}

/** Buckets in the table; a bot in many channels has hundreds. */
const SHOWN_LIMITS = 40;

/** Shows the connections of all accounts. */
export const gatewayPart: AnyPage = page<{
  readonly accounts: readonly Connected[];
  readonly at: number;
}>({
  async load({ bot, now }) {
    await bot.refresh();
    const traffic = bot.traffic();
    const { accounts: all } = bot.snapshot();
    const accounts = all.map((account) => ({
      account,
      traffic: traffic.find(({ accountId }) => accountId === account.id),
    }));
    return { accounts, at: now() };
  },
  view: ({ accounts, at }) => (
    <>
      {accounts.map((connected) => (
        <>
          <Shards {...connected} at={at} />
          <Counts {...connected} at={at} />
          <Requests {...connected} />
        </>
      ))}
    </>
  ),
});

const STATES: Readonly<Record<string, Tone>> = { ready: "good", fatal: "bad" };

function Shards({ account: { id, shards }, at }: Connected & { at: number }): PageView {
  return (
    <Card id={`shards-${id}`} title={`Connections of ${id}`}>
      <Table
        caption={`Connections of ${id}`}
        empty="No connection."
        head={["Shard", "State", "Ready since", "Heartbeat", "Latency", "Stored up to"]}
        rows={shards.map((shard) => [
          shard.id,
          <Badge tone={STATES[shard.state] ?? "warn"}>{shard.state}</Badge>,
          shard.readyAt === undefined ? "–" : <Time at={shard.readyAt} />,
          heartbeatOf(shard, at),
          shard.ack ? `${Math.round(shard.ack.latencyMs)} ms` : "–",
          shard.seqCommitted === undefined ? "–" : `event ${shard.seqCommitted}`,
        ])}
      />
    </Card>
  );
}

function heartbeatOf({ ack }: ShardSnapshot, at: number): string {
  if (!ack) return "not answered yet";
  const every = `every ${(ack.intervalMs / 1_000).toFixed(1)} s`;
  return `answered ${durationText(Math.max(0, at - ack.at))} ago, ${every}`;
}

function Counts({ account, traffic, at }: Connected & { at: number }): PageView {
  const { id, identify, catchUp, compression, twin } = account;
  const stats = traffic?.gateway;
  return (
    <Card id={`counts-${id}`} title={`Sessions of ${id}`}>
      <Facts
        rows={[
          [
            "Identify budget",
            identify === undefined
              ? "not known yet"
              : identify.heldUntil !== undefined && identify.heldUntil > at
              ? (
                <>
                  held back until <Time at={identify.heldUntil} />
                </>
              )
              : `${identify.left} left today${identify.left < LOW ? ": few" : ""}`,
          ],
          ...countRows(stats),
          ["Compression", compression ?? "–"],
          [
            "Catch-up",
            catchUp.pending === 0 ? "nothing to read" : `${catchUp.pending} channels to read`,
          ],
          ["Unreadable channels", catchUp.unreadable.join(", ") || "none"],
          ["Another program with this token", twin ? twin.evidence : "no sign of one"],
        ]}
      />
    </Card>
  );
}

function countRows(
  stats: GatewayStats | undefined,
): readonly (readonly [string, string])[] {
  if (!stats) return [];
  return [
    ["Identifies since the start", String(stats.identifies)],
    ["Resumes", countsText(stats.resumes)],
    ["Lost connections", countsText(stats.disconnects)],
    ["Dispatches", String(sum(stats.dispatches))],
    ["Repeated after a resume", String(stats.replayed)],
    ["Unreadable payloads", String(stats.unparsable)],
    ["Batches not stored yet", String(stats.uncommitted)],
    ["Ended gateway threads", String(stats.deaths)],
  ];
}

/** `"2 resumed, 1 invalid"`. */
function countsText(counts: Readonly<Record<string, number>>): string {
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  return some.map(([name, count]) => `${count} ${name}`).join(", ") || "none";
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function Requests({ account: { id, rest }, traffic }: Connected): PageView {
  return (
    <Card id={`requests-${id}`} title={`Requests of ${id}`}>
      <Facts
        rows={[
          ["Discord's API", rest.isUp ? "answers" : "does not answer"],
          ["Invalid requests", `${rest.invalidRequests} in the last ten minutes`],
          ["Breaker", rest.breaker],
          ["Waiting requests", String(traffic?.queued ?? 0)],
        ]}
      />
      <Table
        caption={`Rate limits of ${id}`}
        empty="No rate limit is known yet."
        head={["Route", "Channel", "Requests left", "Full again", "Under way"]}
        rows={(traffic?.limits ?? []).slice(0, SHOWN_LIMITS).map((one) => [
          one.route,
          one.channelId ?? "–",
          one.limit === undefined ? "–" : `${one.left} of ${one.limit}`,
          one.fullInMs <= 0 ? "now" : `in ${durationText(one.fullInMs)}`,
          String(one.inFlight),
        ])}
      />
    </Card>
  );
}
