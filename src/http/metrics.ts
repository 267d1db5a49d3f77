/**
 * Declares every metric of `/metrics`, once, and counts the bot's events in them.
 *
 * Parts count some metrics as events happen. Others are read off the snapshot at each request. No
 * label is an id, a name or a text from Discord: a busy server must not fill the memory with
 * series, and a chart must not list who talks to the bot. The account label is a key of the config.
 *
 * The usual library (prom-client) took 4 MB and 5 ms, for a page of arithmetic. The compiled
 * program has 55 MB and 60 ms to spend. So this is ours.
 *
 * @see {@link https://prometheus.io/docs/instrumenting/exposition_formats/}
 */

import { CONNECTION_STEPS, type GatewayStats } from "../core/discord/gateway.ts";
import { type AccountId, createdAtMs } from "../core/discord/ids.ts";
import { ALERT_KINDS } from "../core/finding.ts";
import { ModelError } from "../core/model.ts";
import type { Delivery, OutboxRow } from "../core/outbound/outbound.ts";
import type { TurnOutcome } from "../core/step.ts";
import type { RequestMetric } from "../discord/rest/client/client.ts";
import { isReady, judgeHealth } from "./checks.ts";
import type { AccountSnapshot, Snapshot } from "./snapshot.ts";

/** Maps each end of a delivery to its label in `/metrics`. */
const ACKS: Readonly<Partial<Record<Delivery["kind"], string>>> = {
  created: "response",
  already_gone: "unknown_message",
  found: "history",
};

/**
 * Returns how much a total has grown since the last call. Counters of another thread arrive as totals;
 * a replacement thread counts from 0 again.
 */
export function createGrowth(): (name: string, total: number) => number {
  const seen = new Map<string, number>();
  return (name, total) => {
    const before = seen.get(name) ?? 0;
    seen.set(name, total);
    return total < before ? total : total - before;
  };
}

/** Counts events of the accounts' parts. */
export type Meter = ReturnType<typeof createMeter>;

export function createMeter(metrics: Metrics) {
  const grown = createGrowth();

  return {
    request({ route, method, status }: RequestMetric): void {
      const family = status === undefined ? "none" : `${Math.floor(status / 100)}xx`;
      metrics.discordRequests.inc({ route, method, status: family });
    },
    delivery({ message: { of } }: OutboxRow, delivery: Delivery): void {
      const ack = ACKS[delivery.kind];
      if (ack === undefined) return;
      // An echo is counted when it arrives.
      if (!("wasEchoed" in delivery)) metrics.outboxSent.inc({ ack });
      if (
        delivery.kind !== "created" || of?.part !== 0 || of.kind === "draft" || of.kind === "tool"
      ) {
        return;
      }
      const ms = createdAtMs(delivery.messageId) - createdAtMs(of.cause);
      metrics.replyLatencySec.observe(Math.max(0, ms) / 1_000);
    },
    /** Discord's own event has confirmed so many replies. */
    settled: (count: number): void => metrics.outboxSent.add(count, { ack: "echo" }),
    turn(modelId: string, outcome: TurnOutcome, ms: number): void {
      const { modelId: answered = modelId } = outcome.kind === "reply" ? outcome : {};
      const slash = `${answered}/`.indexOf("/");
      const [provider, model] = [answered.slice(0, slash), answered.slice(slash + 1)];
      metrics.llmRequests.inc({ provider, model, outcome: wordOf(outcome) });
      metrics.llmRequestSec.observe(ms / 1_000, { provider, model });
      if (outcome.kind !== "reply" || !outcome.usage) return;
      const { inputTokens, outputTokens } = outcome.usage;
      metrics.llmTokens.add(inputTokens, { provider, model, direction: "input" });
      metrics.llmTokens.add(outputTokens, { provider, model, direction: "output" });
    },
    /** Adds the growth of an account's gateway counters since the last call. */
    gateway(accountId: AccountId, stats: GatewayStats): void {
      const { identifies, resumes, disconnects } = stats;
      const growthOf = (name: string, total: number) => grown(`${accountId} ${name}`, total);
      metrics.identifies.add(growthOf("identifies", identifies));
      for (const [outcome, count] of Object.entries(resumes)) {
        metrics.resumes.add(growthOf(`resume ${outcome}`, count), { outcome });
      }
      for (const [code, count] of Object.entries(disconnects)) {
        metrics.disconnects.add(growthOf(`close ${code}`, count), { code });
      }
    },
  };
}

function wordOf(outcome: TurnOutcome): string {
  if (outcome.kind !== "failed") return outcome.kind === "reply" ? "ok" : outcome.kind;
  if (outcome.error instanceof ModelError) return outcome.error.kind;
  return outcome.reason === "unexpected" ? "unexpected" : "timeout";
}

/** The value of each label, by the label's name. */
export type Labels<Name extends string> = Readonly<Record<Name, string>>;

/** The values of a metric's labels, by name; left out for a metric without labels. */
type LabelsArgument<Name extends string> = [Name] extends [never] ? []
  : [labels: Labels<Name>];

/** A value of a gauge, and its labels if it has some. */
type Sample<Name extends string> = readonly [value: number, ...labels: LabelsArgument<Name>];

type Registry = ReturnType<typeof createRegistry<Readings>>;

interface Spec<Name extends string> {
  /** Full name with its unit, in snake case: `"barnacle_start_time_seconds"`. */
  readonly name: string;
  /** One sentence for the operator, written to `# HELP`. */
  readonly help: string;
  /** Names of its labels; absent for a metric without labels. */
  readonly labels?: readonly Name[];
}

type LabelValues = Readonly<Record<string, string>>;

/** All metrics of the process. `Readings` is what gauges are read off. */
export function createRegistry<Readings>() {
  const families: ((readings: Readings) => readonly string[])[] = [];

  function add(
    { name, help }: Spec<string>,
    type: "counter" | "gauge" | "histogram",
    lines: (readings: Readings) => readonly string[],
  ): void {
    families.push((readings) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...lines(readings),
    ]);
  }

  return {
    /** A number that only grows while the process lives. */
    counter<const Name extends string = never>(spec: Spec<Name>) {
      const { seriesOf, all } = createSeries(spec.labels, () => ({ value: 0 }));
      add(
        spec,
        "counter",
        () => all().map(([labels, { value }]) => `${spec.name}${braced(labels)} ${value}`),
      );
      const grow = (by: number, labels?: LabelValues) => void (seriesOf(labels).value += by);
      return {
        inc: (...[labels]: LabelsArgument<Name>) => grow(1, labels),
        /** @param by Not negative. */
        add: (by: number, ...[labels]: LabelsArgument<Name>) => grow(by, labels),
      };
    },
    /** Adds a metric whose samples are read anew for each text, so none gets outdated. */
    gauge<const Name extends string = never>(
      spec: Spec<Name>,
      read: (readings: Readings) => readonly Sample<Name>[],
    ): void {
      const { name, labels = [] } = spec;
      add(
        spec,
        "gauge",
        (readings) =>
          read(readings).map(([value, values]) =>
            `${name}${braced(textOf(labels, values))} ${value}`
          ),
      );
    },
    /** @param spec `buckets` holds upper bounds in rising order; `+Inf` is added. */
    histogram<const Name extends string = never>(
      spec: Spec<Name> & { readonly buckets: readonly number[] },
    ) {
      const { name, buckets, labels } = spec;
      const { seriesOf, all } = createSeries(
        labels,
        () => ({ counts: buckets.map(() => 0), count: 0, sum: 0 }),
      );
      add(spec, "histogram", () =>
        all().flatMap(([text, { counts, count, sum }]) => [
          ...buckets.map((bound, i) =>
            `${name}_bucket${braced(text, `le="${bound}"`)} ${counts[i] ?? 0}`
          ),
          `${name}_bucket${braced(text, 'le="+Inf"')} ${count}`,
          `${name}_sum${braced(text)} ${sum}`,
          `${name}_count${braced(text)} ${count}`,
        ]));
      return {
        /** Counts one value, in the unit that the metric's name states. */
        observe(value: number, ...[values]: LabelsArgument<Name>): void {
          const series = seriesOf(values);
          // Cumulative, as the text has it: a value counts in every bucket it fits. The bounds rise.
          for (let i = buckets.length - 1; i >= 0 && value <= (buckets[i] ?? 0); i--) {
            series.counts[i] = (series.counts[i] ?? 0) + 1;
          }
          series.count++;
          series.sum += value;
        },
      };
    },
    /** Writes all metrics in Prometheus' text format, in the order of their creation. */
    text: (readings: Readings): string =>
      families.map((lines) => `${lines(readings).join("\n")}\n`).join(""),
  };
}

function createSeries<Series>(labels: readonly string[] = [], create: () => Series) {
  const known = new Map<string, Series>();

  function seriesOf(values?: LabelValues): Series {
    const text = textOf(labels, values);
    const series = known.get(text) ?? create();
    known.set(text, series);
    return series;
  }

  if (labels.length === 0) seriesOf(); // a metric without labels exists from the start
  return { seriesOf, all: (): readonly (readonly [text: string, series: Series])[] => [...known] };
}

function textOf(labels: readonly string[], values?: LabelValues): string {
  return labels.map((label) => `${label}="${escaped(values?.[label] ?? "")}"`).join(",");
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function braced(...labels: readonly string[]): string {
  const text = labels.filter((label) => label !== "").join(",");
  return text === "" ? "" : `{${text}}`;
}

export interface Build {
  readonly version: string;
  readonly commit: string;
  /** Such as `"bun 1.4.4"`. */
  readonly runtime: string;
  readonly sqlite: string;
}

/** Figures of the process, read at each request. */
export interface ProcessUsage {
  /** Seconds of CPU time since the start. */
  readonly cpuSec: number;
  /** Bytes that this user may still write to the disk of the data directory; absent if unknown. */
  readonly diskFreeBytes?: number;
}

/** The metrics that parts count as events happen. */
export type Meters = ReturnType<typeof defineMeters>;

/** Histogram limits in seconds, from a quick ACK to the time-outs. */
const BUCKETS_SEC = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

export function createMetrics(build: Build) {
  const registry = createRegistry<Readings>();
  registry.gauge({
    name: "barnacle_build_info",
    help: "Build information; value is always 1.",
    labels: ["version", "commit", "runtime", "sqlite"],
  }, () => [[1, { ...build }]]);
  const meters = defineMeters(registry);
  defineGauges(registry);
  const cpu = registry.counter({
    name: "process_cpu_seconds_total",
    help: "Total user and system CPU time spent in seconds.",
  });
  let cpuSec = 0;
  return {
    ...meters,
    text(snapshot: Snapshot, usage: ProcessUsage, now: number): string {
      cpu.add(Math.max(0, usage.cpuSec - cpuSec));
      cpuSec = Math.max(cpuSec, usage.cpuSec);
      return registry.text({ ...snapshot, ...usage, now });
    },
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

/** The counters and histograms; the help of each says what it counts, and its labels by what. */
function defineMeters(registry: Registry) {
  const counter = <const Name extends string = never>(
    name: string,
    help: string,
    labels: readonly Name[] = [],
  ) => registry.counter({ name: `barnacle_${name}_total`, help, labels });
  const histogram = <const Name extends string = never>(
    name: string,
    help: string,
    labels: readonly Name[] = [],
  ) => registry.histogram({ name: `barnacle_${name}_seconds`, help, labels, buckets: BUCKETS_SEC });

  return {
    identifies: counter("gateway_identify", "IDENTIFY payloads sent."),
    resumes: counter("gateway_resume", "RESUME attempts by outcome.", ["outcome"]),
    // By close code; `"none"` if the connection broke without one.
    disconnects: counter("gateway_disconnects", "Gateway disconnects by close code.", ["code"]),
    // The hook is `"unknown"` if the config has none of that name.
    hookRequests: counter("hook_requests", "Requests to hooks, by result.", ["hook", "result"]),
    outboxSent: counter("outbox_sent", "Replies confirmed, by how the confirmation came.", ["ack"]),
    replyLatencySec: histogram(
      "reply_latency",
      "From Discord's message timestamp to the first reply created.",
    ),
    // `route` is the template: `"/channels/{channel}/messages"`; `status` the class: `"2xx"`, or `"none"`.
    discordRequests: counter(
      "discord_requests",
      "REST requests by route template and status class.",
      ["route", "method", "status"],
    ),
    // `outcome` is `"ok"`, a model error's kind, `"timeout"`, `"unexpected"` or `"interrupted"`.
    llmRequests: counter(
      "llm_requests",
      "Model calls by provider, model and outcome.",
      ["provider", "model", "outcome"],
    ),
    llmRequestSec: histogram("llm_request", "Model call duration.", ["provider", "model"]),
    llmTokens: counter("llm_tokens", "Tokens by direction.", ["provider", "model", "direction"]),
    // Including verdicts that are settled later.
    decisions: counter(
      "decisions",
      "Messages judged, by verdict and reason.",
      ["verdict", "reason"],
    ),
  };
}

type Readings = Snapshot & ProcessUsage & { readonly now: number };

const ACCOUNT_STATES: readonly AccountSnapshot["state"][] = ["running", "disabled", "ended"];

/** Every gauge with its reader, in the order of the output. A gauge without a value is left out. */
function defineGauges(registry: Registry): void {
  const gauge = <const Name extends string = never>(
    name: string,
    help: string,
    read: (readings: Readings) => readonly Sample<Name>[],
    labels: readonly Name[] = [],
  ) => registry.gauge({ name, help, labels }, read);
  /** One value for each account; `undefined` leaves an account out. */
  const ofAccounts = (
    name: string,
    help: string,
    read: (account: AccountSnapshot) => number | undefined,
  ) =>
    gauge(name, help, ({ accounts }) =>
      accounts.flatMap((account) => {
        const value = read(account);
        return value === undefined ? [] : [[value, { account: account.id }] as const];
      }), ["account"]);
  const ofBot = (name: string, help: string, read: (readings: Readings) => number | undefined) =>
    gauge(name, help, (readings) => {
      const value = read(readings);
      return value === undefined ? [] : [[value]];
    });
  const byState = (
    name: string,
    help: string,
    read: (readings: Readings) => Readonly<Record<string, number>>,
  ) =>
    gauge(
      name,
      help,
      (readings) => Object.entries(read(readings)).map(([state, count]) => [count, { state }]),
      ["state"],
    );
  ofBot(
    "barnacle_up_ready",
    "1 if /readyz is 200.",
    (all) => isReady(judgeHealth(all, all.now)) ? 1 : 0,
  );
  gauge(
    "barnacle_account_state",
    "Account state, one series per state, 1 for the current one.",
    ({ accounts }) =>
      accounts.flatMap(({ id: account, state: current }) =>
        ACCOUNT_STATES.map((state) => [state === current ? 1 : 0, { account, state }] as const)
      ),
    ["account", "state"],
  );
  ofAccounts(
    "barnacle_account_paused",
    "1 if an owner or the operator has paused the account.",
    ({ paused }) => paused === undefined ? 0 : 1,
  );
  gauge(
    "barnacle_llm_failing",
    "1 if the model has failed, and Barnacle asks it only now and then.",
    ({ models }) =>
      models.map(({ id, openAt }) => [openAt === undefined ? 0 : 1, { model: id }] as const),
    ["model"],
  );
  gauge(
    "barnacle_budget_used_ratio",
    "Used part of a budget of the whole bot or of an agent; from 1 on, it is spent.",
    ({ budgets = [] }) =>
      budgets.filter(({ of }) => of === undefined) // a series for each guild would be too many
        .map(({ rule, used, limit }) => [limit > 0 ? used / limit : 1, { rule }] as const),
    ["rule"],
  );
  ofBot(
    "barnacle_storage_failing",
    "1 if the store cannot write, or is damaged.",
    ({ store }) => store.isFailing || store.isDamaged ? 1 : 0,
  );
  ofBot(
    "barnacle_storage_free_bytes",
    "Free bytes on the disk of the data directory.",
    (all) => all.diskFreeBytes,
  );
  ofBot(
    "barnacle_start_time_seconds",
    "Unix time of process start.",
    ({ startedAt }) => startedAt / 1_000,
  );
  gauge(
    "barnacle_gateway_state",
    "State of the connection, one series per state, 1 for the current one.",
    ({ accounts }) =>
      accounts.flatMap(({ id: account, connection }) =>
        CONNECTION_STEPS.flatMap((state) =>
          connection ? [[state === connection.state ? 1 : 0, { account, state }] as const] : []
        )
      ),
    ["account", "state"],
  );
  ofAccounts(
    "barnacle_gateway_identify_remaining",
    "IDENTIFYs left in the 24 h budget.",
    ({ identify }) => identify?.left,
  );
  byState(
    "barnacle_inbox_depth",
    "Messages waiting or running.",
    ({ inbox: { waiting, running } }) => ({ waiting, running }),
  );
  ofBot(
    "barnacle_inbox_oldest_age_seconds",
    "Age of the oldest unclaimed message.",
    ({ inbox }) => inbox.oldestMs / 1_000,
  );
  byState("barnacle_outbox_depth", "Replies by state.", ({ outbox }) => {
    const { pending, sending, uncertain, dead, parked } = outbox;
    return { pending, sending, uncertain, dead, parked };
  });
  ofBot(
    "barnacle_outbox_oldest_age_seconds",
    "Age of the oldest unsent reply.",
    ({ outbox }) => outbox.oldestMs / 1_000,
  );
  ofAccounts(
    "barnacle_discord_invalid_requests",
    "Invalid requests in the last 10 minutes.",
    ({ rest }) => rest.invalidRequests,
  );
  gauge(
    "barnacle_alert_open",
    "Open alerts by kind.",
    ({ alerts = [] }) =>
      ALERT_KINDS.map((kind) =>
        [alerts.filter((alert) => alert.kind === kind).length, { kind }] as const
      ),
    ["kind"],
  );
  ofBot("process_resident_memory_bytes", "Resident memory size in bytes.", (all) => all.rssBytes);
}
