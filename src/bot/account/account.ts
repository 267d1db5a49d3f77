/**
 * One account at work: its gateway, its turns, its lanes.
 *
 * A message's way can be read from top to bottom: the gateway's batches are
 * read, accepted and stored; turns claim them; lanes deliver what the turns
 * froze. The parts know each other only by the ports that meet here.
 *
 * @module
 */

import type { Judged } from "../../core/inbound/inbox.ts";
import { TOKEN_HINT } from "../../discord/gateway/life/close_codes.ts";
import { bytesOfIndex, uploadLimitOf } from "../../discord/gateway/read/guild_index.ts";
import { createReader } from "../../discord/gateway/read/reader.ts";
import { createApplications } from "../../discord/rest/calls/application.ts";
import { createDirectory } from "../../discord/rest/calls/directory.ts";
import { createAcceptor } from "../../flows/receive/accept.ts";
import { watchFlood } from "../../flows/receive/after_flood.ts";
import { createTwinWatch } from "../../flows/preflight/twins.ts";
import { collectGarbage } from "../../host/process/collect_garbage.ts";
import { proxyFor } from "../../lib/network/proxy.ts";
import { schedule } from "../../lib/schedule.ts";
import { endOf } from "../health/account_end.ts";
import type { AccountOptions, AccountPorts, RunningAccount } from "../ports.ts";
import { catchUpOf } from "../gateway/catch_up.ts";
import { connect, type Connection } from "../gateway/connect.ts";
import { entranceOf } from "../inbound/entrance.ts";
import { outletOf } from "../outbound/outlet.ts";
import { ownersOf } from "../inbound/owner_ids.ts";
import { keepPolicy } from "../rules/policy.ts";
import { restOf } from "../outbound/rest.ts";
import { standingOf } from "../preflight/standing.ts";
import { routeOf } from "../rules/turn_rules.ts";
import { historyOf, turnsOf } from "../turn/turns.ts";

/** Starts an account; what can heal by itself does not keep it from starting. */
export async function startAccount(
  options: AccountOptions,
  { vitals, meter, room, isOurs, now, onEnd }: AccountPorts,
): Promise<RunningAccount> {
  const { store, logging, stored } = options;
  const { accountId, gateway: { reconnect } } = options.config.discord;
  let { config, model } = options;
  const stopping = new AbortController();
  let gateway: Connection | undefined;
  let shardCount = stored.shardCount ?? 1;
  const begun = new Set<number>();

  const client = restOf(options, {
    onRequest(request) {
      meter.request(request);
      vitals.setRest(request.status !== undefined && request.status < 500);
    },
    onTokenRefused: () => onEnd({ kind: "refused", hint: TOKEN_HINT }),
    onStopped: (count) => outlet.stopped(count),
    now,
    log: logging.forPart("delivery"),
  });
  const applications = createApplications(client);
  stopping.signal.addEventListener("abort", () => client.stop(), { once: true });
  const standing = standingOf({
    ...options,
    applications,
    now,
    log: logging.forPart("preflight"),
    onRefused: () => onEnd({ kind: "refused", hint: TOKEN_HINT }),
  });
  const reader = createReader(
    {
      accountId,
      guilds: await store.guildsOf(accountId),
      ...(stored.self && { self: stored.self }),
    },
    (problem) => {
      meter.misfit();
      logging.forPart("gateway").warn("A dispatch does not fit", { ...problem });
    },
  );
  const policy = await keepPolicy(config, options.text, {
    store,
    now,
    log: logging.forPart("policy"),
  });
  const owners = ownersOf(applications, policy.now, now);
  const outlet = outletOf({
    store,
    client,
    meter,
    logging,
    config: () => config,
    self: () => reader.self?.userId,
    ownerIds: owners.toTell,
    now,
  });
  const { lanes } = outlet;
  const entrance = entranceOf({
    config: () => config,
    version: options.version,
    store,
    client,
    reader,
    policy,
    owners,
    outlet,
    logging,
    isOurs,
    now,
  }, onAccepted);
  const { judge } = entrance;
  const turns = turnsOf(
    { config: () => config, model: () => model, accountId, store, logging, now },
    {
      admit: judge.recall,
      history: historyOf(client, reader, accountId),
      policy: () => policy.now().policy,
      held: () => catchUp.held(),
      stopping: stopping.signal,
      room,
      signs: outlet.signs,
      cleanSecrets: outlet.cleanSecrets,
      uploadLimit: (guildId) => uploadLimitOf(reader.index, guildId),
      onOutbox(stored, channelId) {
        meter.turnStored(stored);
        lanes.wake([channelId]);
      },
      onTurn(outcome, ms) {
        meter.turn(model.id, outcome, ms);
        vitals.setTurn(outcome);
      },
    },
  );

  function onAccepted(accepted: readonly Judged[]): void {
    if (accepted.length === 0) return;
    turns.wake();
    outlet.accepted(accepted);
  }

  const acceptor = createAcceptor({
    store,
    judge: (message, source) => judge.judge(message, {}, source),
    route: (message) => routeOf(config)(message),
    pairing: entrance.desk,
    now,
    schedule,
    log: logging.forPart("inbox"),
    committed: (ticket) => gateway?.committed(ticket),
    onSessionStarting: (shardId) => catchUp.sessionStarting(shardId), // again where T0 is refused
    onSessionStarted(shardId) {
      // Where none is resumed, the one before was ours to end.
      if (begun.has(shardId) && reconnect.resumeSession) twins.sessionInvalidated(shardId);
      begun.add(shardId);
      catchUp.sessionStarted(shardId);
    },
    onAccepted,
    onUndecided: entrance.undecided,
    onChallenged: entrance.challenged,
    onSettled: lanes.settled,
    onForeign: (found) => twins.foreign(found),
    onStored: meter.stored,
  });
  const catchUp = catchUpOf(
    {
      config,
      store,
      reader,
      client,
      logging,
      shardCount: () => shardCount,
      policy: policy.now,
      now,
    },
    { found: acceptor.found, onReleased: turns.wake, onFound: meter.found },
  );
  const flood = watchFlood(schedule, collectGarbage);
  const twins = createTwinWatch({
    now,
    schedule,
    log: logging.forPart("gateway"),
    onChange: () => {},
  });

  await store.voidClaims(accountId); // where it starts anew, of turns that had no end in their time
  for (const { shardId, session, catchUpFrom: from, lostAt } of stored.shards) { // before any turn
    if (session?.hasHole) catchUp.sessionStarting(shardId); // only a READY tells what to read
    else if (from !== undefined) {
      catchUp.start({ shardId, from, ...(lostAt !== undefined && { lostAt }) });
    }
  }
  await entrance.start();
  turns.wake();
  outlet.start();
  const isLeaving = aborted(stopping.signal);
  standing.start();
  const connecting = connect({ ...options, mayResume: reader.isComplete }, {
    directory: createDirectory(client, now),
    readFlags: standing.readFlags,
    proxyFor: (url) => proxyFor(url, options.env),
    store,
    now,
    log: logging.forPart("gateway"),
    stopping: stopping.signal,
    onShards(count) {
      shardCount = count;
      vitals.setShardCount(count);
    },
    onIntents: standing.setUngranted,
    onBudget: vitals.refresh,
    onBatch(batch) {
      const read = reader.read(batch);
      acceptor.accept(read);
      flood.heard(read.bytes);
      entrance.heard(read);
      if (read.permissionsChanged) lanes.permissionsChanged(read.permissionsChanged);
      if (read.guilds.length > 0) catchUp.ready();
    },
    onState(shardId, state) {
      vitals.setShard(shardId, state);
      if (state.state !== "ready") return;
      lanes.reachable();
      entrance.ready();
    },
    onBeat(shardId, beat) {
      meter.beat(`${accountId}/${shardId}`, beat);
      if (beat.latencyMs !== undefined) vitals.setLatency(shardId, beat.latencyMs);
    },
    onDelay: vitals.delayed,
    onFinal(final) {
      // Who gives up without exiting stays to be asked why; health says so.
      if (final.kind !== "give_up" || final.exit) onEnd(final);
    },
  }).then((started) => {
    gateway = started;
  }, (error: unknown) => {
    if (!stopping.signal.aborted) onEnd(endOf(error));
  });

  async function stop(): Promise<void> {
    const grace = setTimeout(() => stopping.abort(), config.shutdownGraceSec * 1_000);
    twins.stop();
    flood.stop();
    standing.stop();
    outlet.stop();
    await turns.stop();
    await Promise.race([lanes.drain(), isLeaving]);
    clearTimeout(grace);
    stopping.abort();
    await connecting;
    await gateway?.stop();
    await catchUp.stop();
    await entrance.stop();
    await acceptor.flush().catch((error: unknown) => {
      const said = "Cannot store what arrived last; Discord will send it again";
      logging.forPart("inbox").error(said, { error });
    });
    await lanes.stop();
  }
  let stopped: Promise<void> | undefined;

  return {
    accountId,
    userId: () => reader.self?.userId,
    stats: () => gateway?.stats(),
    said() {
      const doubt = twins.doubt();
      return {
        catchUp: {
          pending: catchUp.pending(),
          unreadable: catchUp.unreadable().map(({ name }) => name),
        },
        ...(doubt && !doubt.isDeploy && {
          twin: { since: doubt.since, evidence: doubt.evidence },
        }),
        findings: standing.findings(),
        ...outlet.said(),
      };
    },
    async apply(next, nextModel, text) {
      await policy.apply(next, text);
      config = next; // at once with the policy: nothing is judged by one and routed by the other
      model = nextModel;
      vitals.setModel(model.id);
      outlet.reconfigured();
      entrance.reconfigured();
    },
    caches: () => ({ guilds: bytesOfIndex(reader.index), ...turns.caches() }),
    changedElsewhere: () => lanes.wake(),
    stop: () => stopped ??= stop(),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
