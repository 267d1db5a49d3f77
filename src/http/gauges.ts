/**
 * Computes the metrics that a snapshot shows, at each request.
 *
 * @module
 */

import { CONNECTION_STEPS } from "../core/discord/connection_step.ts";
import { createRegistry, type Registry } from "../lib/metrics.ts";
import { isReady, judge } from "./checks.ts";
import type { AccountSnapshot, Snapshot } from "./snapshot.ts";

/** Figures of the process, read at each request; absent if the system does not report them. */
export interface ProcessUsage {
  /** Seconds of CPU time since the start. */
  readonly cpuSec: number;
  /** Number of open file descriptors; absent if the host does not tell. */
  readonly openFds?: number;
  /** Their limit; absent if the host does not tell. */
  readonly maxFds?: number;
}

/** The metrics that a snapshot shows. */
export interface Gauges {
  /** Replaces all earlier values; series without a value disappear. */
  set(snapshot: Snapshot, usage: ProcessUsage, now: number): void;
  /** The metrics in Prometheus's text format. */
  text(): string;
}

const ACCOUNT_STATES: readonly AccountSnapshot["state"][] = ["running", "disabled", "ended"];

/** Every gauge, in the order of the output. */
function defineGauges(registry: Registry) {
  const gauge = <const Name extends string = never>(
    name: string,
    help: string,
    labels: readonly Name[] = [],
  ) => registry.gauge({ name, help, labels });
  return {
    ready: gauge("barnacle_up_ready", "1 if /readyz is 200."),
    configCurrent: gauge(
      "barnacle_config_current",
      "1 if the config file is the running config.",
    ),
    accountState: gauge(
      "barnacle_account_state",
      "Account state, one series per state, 1 for the current one.",
      ["account", "state"],
    ),
    started: gauge("barnacle_start_time_seconds", "Unix time of process start."),
    state: gauge(
      "barnacle_gateway_state",
      "Shard state, one series per state, 1 for the current one.",
      ["shard", "state"],
    ),
    seq: gauge(
      "barnacle_gateway_seq_committed",
      "Last sequence number stored durably.",
      ["shard"],
    ),
    identifyLeft: gauge(
      "barnacle_gateway_identify_remaining",
      "IDENTIFYs left in the 24 h budget.",
      ["account"],
    ),
    catchUpPending: gauge(
      "barnacle_catchup_pending",
      "Channels still to be checked after a lost session.",
      ["account"],
    ),
    pairingPending: gauge(
      "barnacle_pairing_pending",
      "Unpaired senders waiting for approval.",
      ["account"],
    ),
    inboxDepth: gauge("barnacle_inbox_depth", "Messages waiting or running.", ["state"]),
    inboxAge: gauge(
      "barnacle_inbox_oldest_age_seconds",
      "Age of the oldest unclaimed message.",
    ),
    outboxDepth: gauge("barnacle_outbox_depth", "Replies by state.", ["state"]),
    outboxAge: gauge("barnacle_outbox_oldest_age_seconds", "Age of the oldest unsent reply."),
    parkedChannels: gauge(
      "barnacle_outbox_parked_channels",
      "Channels that Discord does not let the bot post in.",
      ["account"],
    ),
    invalidRequests: gauge(
      "barnacle_discord_invalid_requests",
      "Invalid requests in the last 10 minutes.",
      ["account"],
    ),
    rss: gauge("process_resident_memory_bytes", "Resident memory size in bytes."),
    openFds: gauge("process_open_fds", "Number of open file descriptors."),
    maxFds: gauge("process_max_fds", "Maximum number of open file descriptors."),
  };
}

/** Creates the gauges without values. */
export function createGauges(): Gauges {
  const registry = createRegistry();
  const gauges = defineGauges(registry);
  const cpu = registry.counter({
    name: "process_cpu_seconds_total",
    help: "Total user and system CPU time spent in seconds.",
  });
  let cpuSec = 0;

  const ofAccounts = [
    gauges.accountState,
    gauges.state,
    gauges.seq,
    gauges.identifyLeft,
    gauges.catchUpPending,
    gauges.pairingPending,
    gauges.parkedChannels,
    gauges.invalidRequests,
  ];

  const setAccount = ({ id: account, ...now }: AccountSnapshot) => {
    for (const each of ACCOUNT_STATES) {
      gauges.accountState.set(each === now.state ? 1 : 0, { account, state: each });
    }
    for (const { id: shard, state: current, seqCommitted } of now.shards) {
      for (const each of CONNECTION_STEPS) {
        gauges.state.set(each === current ? 1 : 0, { shard, state: each });
      }
      if (seqCommitted !== undefined) gauges.seq.set(seqCommitted, { shard });
    }
    if (now.identify) gauges.identifyLeft.set(now.identify.left, { account });
    gauges.catchUpPending.set(now.catchUp.pending, { account });
    if (now.pairingPending !== undefined) {
      gauges.pairingPending.set(now.pairingPending, { account });
    }
    gauges.parkedChannels.set(now.parked.length, { account });
    gauges.invalidRequests.set(now.rest.invalidRequests, { account });
  };

  const set = (snapshot: Snapshot, usage: ProcessUsage, now: number) => {
    const { accounts, config, inbox, outbox, startedAt, rssBytes } = snapshot;
    gauges.ready.set(isReady(judge(snapshot, now)) ? 1 : 0);
    gauges.started.set(startedAt / 1_000);
    gauges.configCurrent.clear();
    if (config) gauges.configCurrent.set(config.problem === undefined ? 1 : 0);
    for (const each of ofAccounts) each.clear();
    for (const account of accounts) setAccount(account);
    gauges.inboxDepth.set(inbox.waiting, { state: "waiting" });
    gauges.inboxDepth.set(inbox.running, { state: "running" });
    gauges.inboxAge.set(inbox.oldestMs / 1_000);
    gauges.outboxDepth.set(outbox.pending, { state: "pending" });
    gauges.outboxDepth.set(outbox.sending, { state: "sending" });
    gauges.outboxDepth.set(outbox.uncertain, { state: "uncertain" });
    gauges.outboxDepth.set(outbox.dead, { state: "dead" });
    gauges.outboxDepth.set(outbox.parked, { state: "parked" });
    gauges.outboxAge.set(outbox.oldestMs / 1_000);
    gauges.rss.set(rssBytes);
    cpu.add(Math.max(0, usage.cpuSec - cpuSec));
    cpuSec = Math.max(cpuSec, usage.cpuSec);
    gauges.openFds.clear();
    if (usage.openFds !== undefined) gauges.openFds.set(usage.openFds);
    gauges.maxFds.clear();
    if (usage.maxFds !== undefined) gauges.maxFds.set(usage.maxFds);
  };
  return { set, text: registry.text };
}
