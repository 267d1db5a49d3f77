/**
 * Makes and starts one account: it connects to Discord, and loads its other parts meanwhile.
 *
 * An IDENTIFY needs a third of the program. The code of turns, tools and commands takes longer to
 * load than Discord takes to answer, and a bot that restarts should be back soon. So this code is
 * loaded once the IDENTIFY has left. Until it is there, events of the gateway and of requests wait.
 */

import { randomBytes } from "node:crypto";
import { uptime } from "node:os";
import type { Bot, BotAccount } from "../../account/account.ts";
import { wakes } from "../../account/per_account.ts";
import type { Config } from "../../config/config.ts";
import { type AccountId, type ChannelId, toAccountId } from "../../core/discord/ids.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import type { VoiceIndex } from "../../discord/gateway/read/voice_index.ts";
import {
  createClient,
  type RequestMetric,
  type RestClient,
} from "../../discord/rest/client/client.ts";
import type { AnswerHooks } from "../../discord/rest/exchange/exchange.ts";
import type { InvalidRequests } from "../../discord/rest/scheduler/rate_limiter.ts";
import { createGatewayConnection } from "../../flows/connection/connection.ts";
import { recallPresence } from "../../flows/presence.ts";
import { createLoader } from "../../lib/cache.ts";
import { type Clock, inTime, schedule } from "../../lib/clock.ts";
import { createHold } from "../../lib/hold.ts";
import type { Log } from "../../lib/log.ts";
import type { Logging } from "../../log.ts";
import { type AccountEnd, tokenHint } from "../account_end.ts";
import { type OwnSetup, settingsOf } from "../rules/setup.ts";
import type { RunningAccount } from "./running.ts";

/**
 * Makes the object of an account. Nothing of it acts before `connection.start`.
 *
 * @throws {StoreError} If the store cannot be read.
 */
export async function createAccount(
  bot: Bot,
  own: OwnSetup,
  { invalidRequests, onEnd, instead }: {
    /** Counts requests that Discord holds against the address, of all accounts. */
    readonly invalidRequests: InvalidRequests;
    readonly onEnd: (end: AccountEnd) => void;
    /** Members that a test replaces. */
    readonly instead?: Partial<BotAccount>;
  },
): Promise<BotAccount> {
  const { config, token, apiBase } = own;
  const { store, build: { version }, crashHooks, now } = bot;
  const { discord: { accountId, tokenPlace } } = config;
  const stored = await store.gateway.loadAccount(accountId);
  const logging = loggingOf(accountId, bot.logging);
  const log = logging.forPart("gateway");
  const settings = settingsOf(own);
  const health = bot.health.accountOf(accountId);
  const held = createHold();
  const stopping = new AbortController();
  const ended = new AbortController();
  const rest = createAccountRest({ ...own, version, invalidRequests, crashHooks }, {
    now,
    log: logging.forPart("delivery"),
    events: {
      request(request) {
        bot.meter.request(request);
        health.setRest(request.status !== undefined && request.status < 500);
      },
      served: held.wrap((channelId) => wakes(account).served(channelId)),
      stopped: held.wrap((count) => wakes(account).stopped(count)),
      tokenRefused: () => account.end({ kind: "refused", hint: tokenHint(tokenPlace) }),
    },
  });
  const made: Omit<
    BotAccount,
    "connection" | "reader" | "self" | "voiceIndex" | "keeper" | "policy"
  > = {
    accountId,
    bot,
    token,
    apiBase,
    store,
    stored,
    settings,
    rest,
    held,
    health,
    config: () => settings.config,
    live: [],
    now,
    schedule,
    random: Math.random,
    randomId,
    draw: randomBytes,
    steadyNow: () => performance.now(),
    bootedAt: () => now() - uptime() * 1_000,
    log,
    forPart: (part) => Object.create(account, { log: { value: logging.forPart(part) } }),
    stopping: stopping.signal,
    endGrace: () => stopping.abort(),
    ended: ended.signal,
    end(how) {
      ended.abort(); // before any other part meets the refusal
      onEnd(how);
    },
  };
  const account = made as BotAccount; // `loadReader` and `runAccount` set the others
  Object.assign(account, { connection: createGatewayConnection(account) }, instead);
  await recallPresence(account);
  return account;
}

/**
 * Milliseconds that connecting gets before other code is loaded. A connection over the internet takes
 * longer, so the processor would only wait.
 */
const HEAD_START_MS = 100;

/**
 * Starts an account. A fault that passes by itself does not fail the start.
 *
 * @param loadRest Loads the other parts; a test may fail here.
 * @throws {unknown} If they cannot be loaded or created; the connection has ended then.
 */
export async function startAccount(
  bot: Bot,
  own: OwnSetup,
  start: Parameters<typeof createAccount>[2],
  loadRest: () => Promise<{
    readonly runAccount: typeof import("./running.ts").runAccount;
  }> = () => import("./running.ts"),
): Promise<RunningAccount> {
  const account = await createAccount(bot, own, start);
  const { accountId, store, connection, rest, now } = account;
  const reader = createLoader(() => loadReader(account));
  // A RESUME may bring a press at once, and only the gateway's thread can open a form then.
  connection.setForms(await store.questions.openForms(accountId, now()));
  connection.start(async () => (await reader.get()).isComplete);
  try {
    await headStart(account);
    const [{ runAccount }] = await Promise.all([loadRest(), reader.get(), bot.loadTools()]);
    return await runAccount(account);
  } catch (error) {
    account.endGrace();
    rest.stop();
    await connection.stop();
    throw error;
  }
}

/** Waits until the connection leaves the processor idle, or some time at most. */
async function headStart({ connection }: BotAccount): Promise<void> {
  await inTime(connection.waiting, HEAD_START_MS, schedule, () => {});
  await new Promise((resolve) => setTimeout(resolve)); // messages to the gateway thread leave first
}

/** Loads what reads the gateway's dispatches, with what the store has of the guilds. */
async function loadReader(account: BotAccount): Promise<Reader> {
  const { accountId, store, stored, connection, log } = account;
  const { createReader } = await import("../../discord/gateway/read/reader.ts");
  let voiceIndex: VoiceIndex | undefined;
  if (account.config().voice) {
    const { createVoiceIndex } = await import("../../discord/gateway/read/voice_index.ts");
    voiceIndex = createVoiceIndex(connection.renew);
  }
  const guilds = await store.gateway.guildsOf(accountId);
  let misfits = 0;
  const reader = createReader(
    { accountId, guilds, self: stored.self, voice: voiceIndex },
    (problem) => {
      misfits += 1;
      // A server may send nothing else, and the log has room for a few.
      if (!Number.isInteger(Math.log2(misfits))) return;
      log.warn("A dispatch has an unknown form", { ...problem, misfits });
    },
  );
  Object.assign(account, { reader, self: () => reader.self, voiceIndex });
  return reader;
}

/** The log of an account. Its lines name it, except those of `default`, which often is the only one. */
export function loggingOf(accountId: AccountId, logging: Logging): Logging {
  if (accountId === DEFAULT) return logging;
  return { ...logging, forPart: (part, fields) => logging.forPart(part, { accountId, ...fields }) };
}

const DEFAULT: AccountId = toAccountId("default");

const randomId = (): string => randomBytes(6).toString("hex");

/** Requests of a second that stay unused: Discord's clock and the network differ from ours. */
const UNUSED_PER_SEC = 2;

/** Creates the account's client for Discord's REST API. */
export function createAccountRest(
  { config: { discord }, token, apiBase, version, invalidRequests, crashHooks }: {
    readonly config: Config;
    readonly token: string;
    /** Base URL of Discord's REST API. */
    readonly apiBase: string;
    readonly version: string;
    /** The counter that all accounts share. */
    readonly invalidRequests: InvalidRequests;
    /** A test uses it to end the process at a chosen point. */
    readonly crashHooks?: AnswerHooks;
  },
  { events, now, log }: Clock & {
    readonly log: Log;
    readonly events: {
      readonly request?: (request: RequestMetric) => void;
      /** Discord carried out a request to a channel. */
      readonly served?: (channelId: ChannelId) => void;
      readonly tokenRefused?: () => void;
      /** Sending pauses, because Discord counted too many invalid requests. */
      readonly stopped?: (invalidRequests: number) => void;
    };
  },
): RestClient {
  return createClient({
    token,
    apiUrl: apiBase,
    version,
    timeoutMs: discord.rest.timeoutSec * 1_000,
    globalPerSec: discord.rest.globalPerSec,
    unusedPerSec: discord.rateLimit.enabled && discord.rateLimit.burstProtection
      ? UNUSED_PER_SEC
      : 0,
    retry: discord.retry,
    invalidRequests,
    random: Math.random,
    now,
    steadyNow: () => performance.now(),
    schedule,
    onRequest: (request) => events.request?.(request),
    onServed: (channelId) => events.served?.(channelId),
    onTokenRefused: () => events.tokenRefused?.(),
    onBreaker(state) {
      const count = invalidRequests.count(now());
      if (state === "closed") return log.info("Requests to Discord run at full pace again");
      if (state === "slowed") {
        return log.warn(
          "Discord refused so many requests within ten minutes that Barnacle slows all others down, " +
            "so that Discord does not ban this address",
          { count },
        );
      }
      log.error(
        "Discord refused so many requests within ten minutes that Barnacle pauses all requests, " +
          "so that Discord does not ban this address",
        { count },
      );
      events.stopped?.(count);
    },
    ...crashHooks,
  });
}
