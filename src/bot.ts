/**
 * The composition root: every part is made and joined here, and nowhere else.
 *
 * A message's way can be read from top to bottom: the gateway's batches are
 * read, accepted and stored; turns claim them; lanes deliver what the turns
 * froze. The parts know each other only by the ports that meet here.
 *
 * @module
 */

import { createHash } from "node:crypto";
import process from "node:process";
import { connect } from "./bot/connect.ts";
import { createMeter } from "./bot/meters.ts";
import { historyOf, turnsOf } from "./bot/turns.ts";
import { startVitals } from "./bot/vitals.ts";
import type { Config } from "./config/config.ts";
import type { InboundMessage } from "./core/inbound.ts";
import type { Route } from "./core/inbox.ts";
import type { Model } from "./core/model.ts";
import { createReader } from "./discord/gateway/reader.ts";
import type { Gateway, GatewayFinal } from "./discord/gateway/thread.ts";
import { createClient, type RequestMetric, type RestClient } from "./discord/rest/client.ts";
import { createDirectory } from "./discord/rest/directory.ts";
import type { AnswerHooks } from "./discord/rest/exchange.ts";
import { createPost } from "./discord/rest/messages.ts";
import { RestError } from "./discord/rest/rest_error.ts";
import { createAcceptor } from "./flows/accept.ts";
import { createLanes } from "./flows/lanes.ts";
import { createApp, type HttpHandler } from "./http/app.ts";
import { type Build, createMetrics, type ProcessUsage } from "./http/metrics.ts";
import { schedule } from "./lib/schedule.ts";
import type { Logging } from "./log.ts";
import { prepareAdmission } from "./policy/admission.ts";
import { sessionKeyOf } from "./session/session_key.ts";
import type { Store } from "./store/store.ts";

export interface BotOptions {
  readonly config: Config;
  readonly token: string;
  readonly model: Model;
  /** Base of Discord's REST API, or of the server in its place. */
  readonly apiBase: string;
  /** Open, and this process's alone; whoever opened it closes it. */
  readonly store: Store;
  readonly logging: Logging;
  readonly build: Build;
  readonly isConnectionDebug: boolean;
  /** A test's, that ends the process on its way. */
  readonly crashHooks?: AnswerHooks;
}

/** Why a bot ended by itself. */
export type BotEnd = GatewayFinal | { readonly kind: "refused"; readonly hint: string };

export interface Bot {
  /** Answers health, metrics and status; it needs a socket from `host/`. */
  readonly http: HttpHandler;
  /** Resolves if the bot cannot go on; never after {@link Bot.stop}. */
  readonly ended: Promise<BotEnd>;
  /** Takes no new turn, lets running ones end, sends what is ready, closes resumable (G12). */
  stop(): Promise<void>;
}

/** Made here, at the top of `src/`: a compiled binary finds no worker that is named deeper. */
const WORKER_URL = new URL("./worker.ts", import.meta.url);

const now = (): number => Date.now();

/** Makes the bot and sets it going; what can heal by itself does not keep it from starting. */
export async function startBot(options: BotOptions): Promise<Bot> {
  const { config, model, store, logging, build } = options;
  const { accountId } = config.discord;
  const stopping = new AbortController();
  const { promise: ended, resolve: end } = Promise.withResolvers<BotEnd>();
  await store.adoptPeer(accountId, peerOf(options));
  const account = await store.loadAccount(accountId);
  const guilds = await store.guildsOf(accountId);
  let gateway: Gateway | undefined;

  const metrics = createMetrics(build);
  const meter = createMeter(metrics);
  const vitals = startVitals({
    store,
    accountId,
    heardAt: account.session?.aliveAt ?? now(),
    metrics,
    gateway: () => gateway?.stats(),
    now,
    log: logging.forPart("health"),
  });
  vitals.setModel({ id: model.id });

  const client = restOf(options, (request) => {
    meter.request(request);
    vitals.setRest(request.status !== undefined && request.status < 500);
    if (request.status === 401) end({ kind: "refused", hint: TOKEN_HINT });
  });
  const reader = createReader(
    { accountId, guilds, ...(account.self && { self: account.self }) },
    (problem) => logging.forPart("gateway").warn("A dispatch does not fit", { ...problem }),
  );
  const admit = prepareAdmission(config.discord.access);

  const lanes = createLanes({
    accountId,
    outbox: store.outbox,
    post: createPost(client),
    now,
    schedule,
    random: Math.random,
    log: logging.forPart("delivery"),
    onDelivery: meter.delivery,
  });
  const turns = turnsOf({ ...options, now }, {
    admit,
    history: historyOf(client, reader, accountId),
    stopping: stopping.signal,
    onOutbox: lanes.wake,
    onTurn: (outcome, ms) => meter.turn(model.id, outcome, ms),
  });
  const acceptor = createAcceptor({
    store,
    admit,
    route: routeOf(config),
    now,
    schedule,
    log: logging.forPart("inbox"),
    committed: (seq) => gateway?.committed(seq),
    onAccepted: turns.wake,
    onSettled: lanes.wake,
    onStored: meter.stored,
  });

  await store.voidClaims();
  turns.wake();
  lanes.wake();
  const connecting = !config.discord.enabled
    ? Promise.resolve()
    : connect({ ...options, account, workerUrl: WORKER_URL }, {
      directory: createDirectory(client),
      saveGatewayUrl: (url) => store.saveGatewayUrl(accountId, url, now()),
      now,
      log: logging.forPart("gateway"),
      stopping: stopping.signal,
      onBatch: (batch) => acceptor.accept(reader.read(batch)),
      onState: vitals.setShard,
      onBeat(beat) {
        meter.beat(`${accountId}/0`, beat);
        if (beat.latencyMs !== undefined) vitals.setLatency(beat.latencyMs);
      },
      onFinal(final) {
        // Who gives up without exiting stays to be asked why; health says so.
        if (final.kind !== "give_up" || final.exit) end(final);
      },
    }).then((started) => {
      gateway = started;
    }, (error: unknown) => {
      if (!stopping.signal.aborted) end(endOf(error));
    });
  vitals.setPhase("running");

  async function stop(): Promise<void> {
    vitals.setPhase("draining");
    const grace = setTimeout(() => stopping.abort(), config.shutdownGraceSec * 1_000);
    await turns.stop();
    await Promise.race([lanes.drain(), aborted(stopping.signal)]);
    clearTimeout(grace);
    stopping.abort();
    await connecting;
    await gateway?.stop();
    await acceptor.flush().catch((error: unknown) => {
      logging.forPart("inbox").error("Cannot store what arrived last; Discord will send it again", {
        error,
      });
    });
    client.stop();
    await lanes.stop();
    vitals.stop();
  }

  const http = createApp({
    snapshot: vitals.snapshot,
    usage: processUsage,
    metrics: {
      ...metrics,
      text(snapshot, usage, at) {
        if (gateway) meter.gateway(gateway.stats());
        return metrics.text(snapshot, usage, at);
      },
    },
    build,
    now,
    ...(config.http.token && { token: config.http.token.reveal() }),
    hosts: config.http.hosts,
    onError: (error) => logging.forPart("http").error("A request failed", { error }),
  });
  return { http, ended, stop };
}

const TOKEN_HINT = "The bot token is wrong. Copy it anew from the Developer Portal.";

/** Names the server and the bot without telling the token. */
function peerOf({ apiBase, token }: BotOptions): string {
  return `${apiBase} ${createHash("sha256").update(token).digest("base64url").slice(0, 16)}`;
}

function restOf(
  { config: { discord }, token, apiBase, build, crashHooks }: BotOptions,
  onRequest: (request: RequestMetric) => void,
): RestClient {
  return createClient({
    token,
    apiUrl: apiBase,
    version: build.version,
    timeoutMs: discord.rest.timeoutSec * 1_000,
    globalPerSec: discord.rest.globalPerSec,
    now,
    steadyNow: () => performance.now(),
    schedule,
    ...crashHooks,
    onRequest,
  });
}

function routeOf({ agent, dmScope }: Config): (message: InboundMessage) => Route {
  return (message) => ({
    agentId: agent.id,
    sessionKey: sessionKeyOf(message, agent.id, dmScope),
  });
}

/** Discord's refusal of the token is final; anything else here is a fault of ours. */
function endOf(error: unknown): BotEnd {
  if (error instanceof RestError) return { kind: "refused", hint: error.message };
  throw error;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function processUsage(): ProcessUsage {
  const { user, system } = process.cpuUsage();
  return { cpuSec: (user + system) / 1_000_000 };
}
