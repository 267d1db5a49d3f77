/**
 * One account at work: its gateway, its turns, its lanes.
 *
 * A message's way can be read from top to bottom: the gateway's batches are
 * read, accepted and stored; turns claim them; lanes deliver what the turns
 * froze. The parts know each other only by the ports that meet here.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { Model } from "../core/model.ts";
import { TOKEN_HINT } from "../discord/gateway/close_codes.ts";
import type { EarlyThread } from "../discord/gateway/early_thread.ts";
import { uploadLimitOf } from "../discord/gateway/guild_index.ts";
import { createReader } from "../discord/gateway/reader.ts";
import type { GatewayStats } from "../discord/gateway/thread.ts";
import { createApplications } from "../discord/rest/application.ts";
import { createDirectory } from "../discord/rest/directory.ts";
import type { AnswerHooks } from "../discord/rest/exchange.ts";
import { createAcceptor } from "../flows/accept.ts";
import { createTwinWatch } from "../flows/twins.ts";
import { proxyFor } from "../lib/proxy.ts";
import { schedule } from "../lib/schedule.ts";
import type { Logging } from "../log.ts";
import { prepareAdmission } from "../policy/admission.ts";
import type { StoredAccount } from "../store/accounts.ts";
import type { Store } from "../store/store.ts";
import { type AccountEnd, endOf } from "./account_end.ts";
import { catchUpOf } from "./catch_up.ts";
import { connect, type Connection } from "./connect.ts";
import { queueOf } from "./delivery.ts";
import type { Meter } from "./meters.ts";
import { outletOf } from "./outlet.ts";
import { restOf } from "./rest.ts";
import { standingOf } from "./standing.ts";
import { routeOf } from "./turn_rules.ts";
import { historyOf, turnsOf } from "./turns.ts";
import type { Said, Vitals } from "./vitals.ts";

/** What an account needs beside the config. */
export interface Account {
  readonly token: string;
  readonly model: Model;
  /** Base of Discord's REST API, or of the server in its place. */
  readonly apiBase: string;
}

export interface AccountOptions extends Account {
  readonly config: Config;
  readonly store: Store;
  readonly logging: Logging;
  /** Barnacle's own, for the User-Agent. */
  readonly version: string;
  readonly isConnectionDebug: boolean;
  /** Of the gateway's thread. */
  readonly workerUrl: URL;
  /** That thread, loaded ahead. */
  readonly thread?: EarlyThread;
  /** For what it says of proxies and of the host (G15). */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the store knows of it. */
  readonly stored: StoredAccount;
  /** A test's, that ends the process on its way. */
  readonly crashHooks?: AnswerHooks;
}

export interface AccountPorts {
  readonly vitals: Vitals;
  readonly meter: Meter;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** The account cannot go on. */
  readonly onEnd: (end: AccountEnd) => void;
}

export interface RunningAccount {
  /** `undefined` before the gateway is found. */
  stats(): GatewayStats | undefined;
  /** What its parts have to say. */
  said(): Said;
  /** The last ticket that the store holds. */
  committed(): number;
  /** All up to this ticket is on the disk. */
  durable(ticket: number): void;
  /** Takes no new turn, lets running ones end, sends what is ready, closes resumable (G12). */
  stop(): Promise<void>;
}

/** Starts an account; what can heal by itself does not keep it from starting. */
export async function startAccount(
  options: AccountOptions,
  { vitals, meter, now, onEnd }: AccountPorts,
): Promise<RunningAccount> {
  const { config, model, store, logging, stored } = options;
  const { accountId, gateway: { reconnect } } = config.discord;
  const stopping = new AbortController();
  let gateway: Connection | undefined;
  let committed = 0;
  let shardCount = stored.shardCount ?? 1;
  const begun = new Set<number>();

  const client = await restOf(options, {
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
  const admit = prepareAdmission(config.discord.access);

  const outlet = outletOf({
    ...options,
    client,
    meter,
    self: () => reader.self?.userId,
    ownerId: async () => (await applications.me()).ownerId,
    now,
  });
  const { lanes } = outlet;
  const turns = turnsOf({ ...options, now }, {
    admit,
    history: historyOf(client, reader, accountId),
    held: () => catchUp.held(),
    stopping: stopping.signal,
    signs: outlet.signs,
    ...queueOf(config),
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
  });
  const acceptor = createAcceptor({
    store,
    admit,
    route: routeOf(config),
    now,
    schedule,
    log: logging.forPart("inbox"),
    committed(ticket) {
      committed = ticket;
      gateway?.committed(ticket);
    },
    onSessionStarting: (shardId) => catchUp.sessionStarting(shardId), // again where T0 is refused
    onSessionStarted(shardId) {
      // Where none is resumed, the one before was ours to end.
      if (begun.has(shardId) && reconnect.resumeSession) twins.sessionInvalidated(shardId);
      begun.add(shardId);
      catchUp.sessionStarted(shardId);
    },
    onAccepted(accepted) {
      turns.wake();
      outlet.accepted(accepted);
    },
    onSettled: lanes.settled,
    onForeign: (found) => twins.foreign(found),
    onStored: meter.stored,
  });
  const catchUp = catchUpOf(
    { config, store, reader, client, logging, shardCount: () => shardCount, now },
    { found: acceptor.found, onReleased: turns.wake, onFound: meter.found },
  );
  const twins = createTwinWatch({
    now,
    schedule,
    log: logging.forPart("gateway"),
    onChange: () => {},
  });

  const interrupted = await store.voidClaims();
  if (interrupted > 0) {
    logging.forPart("turns").info("Turns of the last process run again", { turns: interrupted });
  }
  for (const { shardId, catchUpFrom: from, lostAt } of stored.shards) {
    if (from === undefined) continue;
    catchUp.start({ shardId, from, ...(lostAt !== undefined && { lostAt }) }); // before any turn
  }
  turns.wake();
  outlet.start();
  const isLeaving = aborted(stopping.signal);
  const connecting = Promise.race([standing.start(), isLeaving]).then(() =>
    connect({ ...options, mayResume: reader.isComplete }, {
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
        if (read.permissionsChanged) lanes.permissionsChanged(read.permissionsChanged);
        if (read.guilds.length > 0) catchUp.ready();
      },
      onState(shardId, state) {
        vitals.setShard(shardId, state);
        if (state.state === "ready") lanes.reachable();
      },
      onBeat(shardId, beat) {
        meter.beat(`${accountId}/${shardId}`, beat);
        if (beat.latencyMs !== undefined) vitals.setLatency(shardId, beat.latencyMs);
      },
      onFinal(final) {
        // Who gives up without exiting stays to be asked why; health says so.
        if (final.kind !== "give_up" || final.exit) onEnd(final);
      },
    })
  ).then((started) => {
    gateway = started;
  }, (error: unknown) => {
    if (!stopping.signal.aborted) onEnd(endOf(error));
  });

  return {
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
    committed: () => committed,
    durable: (ticket) => gateway?.durable(ticket),
    async stop() {
      const grace = setTimeout(() => stopping.abort(), config.shutdownGraceSec * 1_000);
      twins.stop();
      standing.stop();
      outlet.stop();
      await turns.stop();
      await Promise.race([lanes.drain(), isLeaving]);
      clearTimeout(grace);
      stopping.abort();
      await connecting;
      await gateway?.stop();
      await catchUp.stop();
      await acceptor.flush().catch((error: unknown) => {
        const said = "Cannot store what arrived last; Discord will send it again";
        logging.forPart("inbox").error(said, { error });
      });
      await lanes.stop();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
