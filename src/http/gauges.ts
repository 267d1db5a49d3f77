/**
 * The metrics that are read off the snapshot when somebody asks.
 *
 * @module
 */

import { createRegistry } from "../lib/metrics.ts";
import { isReady, judge } from "./checks.ts";
import type { AccountSnapshot, Shard, Snapshot } from "./snapshot.ts";

/** Of the process, read when somebody asks; absent what the system does not tell. */
export interface ProcessUsage {
  readonly cpuSec: number;
  readonly openFds?: number;
  readonly maxFds?: number;
}

export interface Gauges {
  /** Takes the place of what was set before; what is gone is forgotten. */
  set(snapshot: Snapshot, usage: ProcessUsage, now: number): void;
  /** As Prometheus reads it. */
  text(): string;
}

const STATES: readonly Shard["state"][] = [
  "connecting",
  "identifying",
  "resuming",
  "ready",
  "backoff",
  "fatal",
];

const ACCOUNT_STATES: readonly AccountSnapshot["state"][] = ["running", "disabled", "ended"];

export function createGauges(): Gauges {
  const registry = createRegistry();
  const gauge = <const Name extends string = never>(
    name: string,
    help: string,
    labels: readonly Name[] = [],
  ) => registry.gauge({ name, help, labels });

  const ready = gauge("barnacle_up_ready", "1 if /readyz is 200.");
  const configCurrent = gauge(
    "barnacle_config_current",
    "1 if the config on the disk is the one that runs.",
  );
  const accountState = gauge(
    "barnacle_account_state",
    "Account state, one series per state, 1 for the current one.",
    ["account", "state"],
  );
  const started = gauge("barnacle_start_time_seconds", "Unix time of process start.");
  const state = gauge(
    "barnacle_gateway_state",
    "Shard state, one series per state, 1 for the current one.",
    ["shard", "state"],
  );
  const seq = gauge(
    "barnacle_gateway_seq_committed",
    "Last sequence number stored durably.",
    ["shard"],
  );
  const identifyLeft = gauge(
    "barnacle_gateway_identify_remaining",
    "IDENTIFYs left in the 24 h budget.",
    ["account"],
  );
  const catchUpPending = gauge(
    "barnacle_catchup_pending",
    "Channels still to be checked after a lost session.",
    ["account"],
  );
  const pairingPending = gauge(
    "barnacle_pairing_pending",
    "Strangers who wait to be let in.",
    ["account"],
  );
  const inboxDepth = gauge("barnacle_inbox_depth", "Messages waiting or running.", ["state"]);
  const inboxAge = gauge(
    "barnacle_inbox_oldest_age_seconds",
    "Age of the oldest unclaimed message.",
  );
  const outboxDepth = gauge("barnacle_outbox_depth", "Replies by state.", ["state"]);
  const outboxAge = gauge("barnacle_outbox_oldest_age_seconds", "Age of the oldest unsent reply.");
  const parkedChannels = gauge(
    "barnacle_outbox_parked_channels",
    "Channels that Discord does not let the bot post in.",
    ["account"],
  );
  const invalidRequests = gauge(
    "barnacle_discord_invalid_requests",
    "Invalid requests in the last 10 minutes.",
    ["account"],
  );
  const rss = gauge("process_resident_memory_bytes", "Resident memory size in bytes.");
  const openFds = gauge("process_open_fds", "Number of open file descriptors.", []);
  const maxFds = gauge("process_max_fds", "Maximum number of open file descriptors.", []);
  const cpu = registry.counter({
    name: "process_cpu_seconds_total",
    help: "Total user and system CPU time spent in seconds.",
  });
  let cpuSec = 0;

  const ofAccounts = [
    accountState,
    state,
    seq,
    identifyLeft,
    catchUpPending,
    pairingPending,
    parkedChannels,
    invalidRequests,
  ];

  const setAccount = ({ id: account, ...now }: AccountSnapshot) => {
    for (const each of ACCOUNT_STATES) {
      accountState.set(each === now.state ? 1 : 0, { account, state: each });
    }
    for (const { id: shard, state: current, seqCommitted } of now.shards) {
      for (const each of STATES) state.set(each === current ? 1 : 0, { shard, state: each });
      if (seqCommitted !== undefined) seq.set(seqCommitted, { shard });
    }
    if (now.identify) identifyLeft.set(now.identify.left, { account });
    catchUpPending.set(now.catchUp.pending, { account });
    if (now.pairingPending !== undefined) pairingPending.set(now.pairingPending, { account });
    parkedChannels.set(now.parked.length, { account });
    invalidRequests.set(now.rest.invalidRequests, { account });
  };

  const set = (snapshot: Snapshot, usage: ProcessUsage, now: number) => {
    const { accounts, config, inbox, outbox, startedAt, rssBytes } = snapshot;
    ready.set(isReady(judge(snapshot, now)) ? 1 : 0);
    started.set(startedAt / 1_000);
    configCurrent.clear();
    if (config) configCurrent.set(config.problem === undefined ? 1 : 0);
    for (const each of ofAccounts) each.clear();
    for (const account of accounts) setAccount(account);
    inboxDepth.set(inbox.waiting, { state: "waiting" });
    inboxDepth.set(inbox.running, { state: "running" });
    inboxAge.set(inbox.oldestMs / 1_000);
    outboxDepth.set(outbox.pending, { state: "pending" });
    outboxDepth.set(outbox.sending, { state: "sending" });
    outboxDepth.set(outbox.uncertain, { state: "uncertain" });
    outboxDepth.set(outbox.dead, { state: "dead" });
    outboxDepth.set(outbox.parked, { state: "parked" });
    outboxAge.set(outbox.oldestMs / 1_000);
    rss.set(rssBytes);
    cpu.add(Math.max(0, usage.cpuSec - cpuSec));
    cpuSec = Math.max(cpuSec, usage.cpuSec);
    openFds.clear();
    if (usage.openFds !== undefined) openFds.set(usage.openFds);
    maxFds.clear();
    if (usage.maxFds !== undefined) maxFds.set(usage.maxFds);
  };
  return { set, text: registry.text };
}
