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
import { createDuplicateWatch } from "../../flows/preflight/duplicate_instance.ts";
import { collectGarbage } from "../../host/process/collect_garbage.ts";
import { proxyFor } from "../../lib/network/proxy.ts";
import { schedule } from "../../lib/schedule.ts";
import { endOf } from "../health/account_end.ts";
import type { AccountOptions, AccountPorts, RunningAccount } from "../ports.ts";
import { createAccountCatchUp } from "../gateway/catch_up.ts";
import { connect, type Connection } from "../gateway/connect.ts";
import { createInbound } from "../inbound/inbound.ts";
import { createOutbound } from "../outbound/outbound.ts";
import { ownersOf } from "../inbound/owner_ids.ts";
import { keepPolicy } from "../rules/policy.ts";
import { createAccountRest } from "../outbound/rest.ts";
import { createConnectionState } from "../preflight/connection_state.ts";
import { routeOf } from "../rules/turn_rules.ts";
import { createAccountTurns, historyOf } from "../turn/turns.ts";

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

  const client = createAccountRest(options, {
    onRequest(request) {
      meter.request(request);
      vitals.setRest(request.status !== undefined && request.status < 500);
    },
    onTokenRefused: () => onEnd({ kind: "refused", hint: TOKEN_HINT }),
    onStopped: (count) => outbound.stopped(count),
    now,
    log: logging.forPart("delivery"),
  });
  const applications = createApplications(client);
  stopping.signal.addEventListener("abort", () => client.stop(), { once: true });
  const connectionState = createConnectionState({
    ...options,
    applications,
    now,
    log: logging.forPart("preflight"),
    onRefused: () => onEnd({ kind: "refused", hint: TOKEN_HINT }),
  });
  const reader = createReader(
    {
      accountId,
      guilds: await store.gateway.guildsOf(accountId),
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
  const outbound = createOutbound({
    outbox: store.outbox,
    client,
    meter,
    logging,
    config: () => config,
    self: () => reader.self?.userId,
    ownerIds: owners.toTell,
    now,
  });
  const { channelQueues } = outbound;
  const inbound = createInbound({
    config: () => config,
    version: options.version,
    store,
    client,
    reader,
    policy,
    owners,
    outbound,
    logging,
    isOurs,
    now,
  }, onAccepted);
  const { judge } = inbound;
  const turns = createAccountTurns(
    { config: () => config, model: () => model, accountId, store, logging, now },
    {
      admit: judge.recall,
      history: historyOf(client, reader, accountId),
      policy: () => policy.now().policy,
      held: () => catchUp.held(),
      stopping: stopping.signal,
      room,
      signs: outbound.signs,
      cleanSecrets: outbound.cleanSecrets,
      uploadLimit: (guildId) => uploadLimitOf(reader.index, guildId),
      onOutbox(stored, channelId) {
        meter.turnStored(stored);
        channelQueues.wake([channelId]);
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
    outbound.accepted(accepted);
  }

  const acceptor = createAcceptor({
    store,
    judge: (message, source) => judge.judge(message, {}, source),
    route: (message) => routeOf(config)(message),
    pairing: inbound.pairingService,
    now,
    schedule,
    log: logging.forPart("inbox"),
    committed: (ticket) => gateway?.committed(ticket),
    onSessionDue: (shardId) => catchUp.sessionDue(shardId),
    onSessionStarting: (shardId) => catchUp.sessionStarting(shardId), // again where T0 is refused
    onSessionStarted(shardId) {
      // Where none is resumed, the one before was ours to end.
      if (begun.has(shardId) && reconnect.resumeSession) duplicates.sessionInvalidated(shardId);
      begun.add(shardId);
      catchUp.sessionStarted(shardId);
    },
    onAccepted,
    onUndecided: inbound.undecided,
    onChallenged: inbound.challenged,
    onSettled: channelQueues.settled,
    onForeign: (found) => duplicates.foreign(found),
    onStored: meter.stored,
  });
  const catchUp = createAccountCatchUp(
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
  const duplicates = createDuplicateWatch({
    now,
    schedule,
    log: logging.forPart("gateway"),
    onChange: () => {},
  });

  await store.inbox.voidClaims(accountId); // where it starts anew, of turns that had no end in their time
  for (const { shardId, session, catchUpFrom: from, lostAt } of stored.shards) { // before any turn
    if (session?.hasHole) catchUp.sessionDue(shardId); // only a READY tells what to read
    else if (from !== undefined) {
      catchUp.start({ shardId, from, ...(lostAt !== undefined && { lostAt }) });
    }
  }
  await inbound.start();
  turns.wake();
  outbound.start();
  const isLeaving = aborted(stopping.signal);
  connectionState.start();
  const connecting = connect({ ...options, mayResume: reader.isComplete }, {
    directory: createDirectory(client, now),
    readFlags: connectionState.readFlags,
    proxyFor: (url) => proxyFor(url, options.env),
    store: store.gateway,
    now,
    log: logging.forPart("gateway"),
    stopping: stopping.signal,
    onShards(count) {
      shardCount = count;
      vitals.setShardCount(count);
      catchUp.setShardCount(count);
    },
    onIntents: connectionState.setUngranted,
    onBudget: vitals.refresh,
    onBatch(batch) {
      const read = reader.read(batch);
      acceptor.accept(read);
      flood.heard(read.bytes);
      inbound.heard(read);
      if (read.permissionsChanged) channelQueues.permissionsChanged(read.permissionsChanged);
      if (read.guilds.length > 0) catchUp.ready();
    },
    onState(shardId, state) {
      vitals.setShard(shardId, state);
      if (state.state !== "ready") return;
      channelQueues.reachable();
      inbound.ready();
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
    duplicates.stop();
    flood.stop();
    connectionState.stop();
    outbound.stop();
    await turns.stop();
    await Promise.race([channelQueues.drain(), isLeaving]);
    clearTimeout(grace);
    stopping.abort();
    await connecting;
    await gateway?.stop();
    await catchUp.stop();
    await inbound.stop();
    await acceptor.flush().catch((error: unknown) => {
      const said = "Cannot store what arrived last; Discord will send it again";
      logging.forPart("inbox").error(said, { error });
    });
    await channelQueues.stop();
  }
  let stopped: Promise<void> | undefined;

  return {
    accountId,
    userId: () => reader.self?.userId,
    stats: () => gateway?.stats(),
    said() {
      const doubt = duplicates.doubt();
      return {
        catchUp: {
          pending: catchUp.pending(),
          unreadable: catchUp.unreadable().map(({ name }) => name),
        },
        ...(doubt && !doubt.isDeploy && {
          twin: { since: doubt.since, evidence: doubt.evidence },
        }),
        findings: connectionState.findings(),
        ...outbound.said(),
      };
    },
    async apply(next, nextModel, text) {
      await policy.apply(next, text);
      config = next; // at once with the policy: nothing is judged by one and routed by the other
      model = nextModel;
      vitals.setModel(model.id);
      outbound.reconfigured();
      inbound.reconfigured();
    },
    caches: () => ({ guilds: bytesOfIndex(reader.index), ...turns.caches() }),
    changedElsewhere: () => channelQueues.wake(),
    stop: () => stopped ??= stop(),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
