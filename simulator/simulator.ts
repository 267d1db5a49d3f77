/**
 * Simulates Discord on loopback: REST, gateway, people, and records for tests.
 *
 * The demo, the end-to-end tests and the benches run against it. It does not import the bot, and it
 * is strict: it refuses every request that Discord would refuse.
 */

import type { Account } from "./gateway/accounts.ts";
import { createAccounts } from "./gateway/accounts.ts";
import { demoWorld } from "./actions/demo_world.ts";
import { createRestFaults, type RestFaults } from "./notes/faults.ts";
import { type GatewayFaults, startGateway } from "./gateway/server.ts";
import type { SessionState } from "./gateway/sessions.ts";
import { ephemeralMessagesTo, failedInteractions } from "./actions/interactions.ts";
import { createModeration, type Moderation } from "./actions/moderation.ts";
import { createPeople, type People } from "./actions/people.ts";
import { createPortal, type Portal } from "./actions/portal.ts";
import { DEFAULT_RATE_LIMITS, type RateLimitOptions } from "./rest/rate_limits.ts";
import { createRequestLog, type RequestLog } from "./notes/request_log.ts";
import { startRest } from "./rest/server.ts";
import type { IdentifyLimit } from "./gateway/identify_limit.ts";
import { discordNow } from "./world/clock.ts";
import { startVoice, type VoiceControl, type VoiceDeps } from "./voice/voice.ts";
import type { Application, Interaction, Message, World, WorldEvent } from "./world/world.ts";

export interface SimulatorOptions {
  /** The world to simulate; the demo's, if absent. */
  readonly world?: World;
  /** The bot of {@link Simulator.token} and of `in: "dm"`; the world's first, if absent. */
  readonly application?: Application;
  /** Unix time in milliseconds; {@link discordNow}, if absent. */
  readonly now?: () => number;
  readonly random?: () => number;
  readonly host?: string;
  /** Port of REST; 0, the default, takes any free port. */
  readonly port?: number;
  /**
   * Milliseconds between heartbeats: 41,250 by default, as at Discord. Discordeno's own shard hangs
   * below 1,200.
   */
  readonly heartbeatIntervalMs?: number;
  /** Milliseconds that a session outlives its connection: 120,000 by default. */
  readonly sessionTimeoutMs?: number;
  /**
   * Milliseconds for which a nonce is remembered; the world's own setting, if absent: 180,000 by
   * default. `world.nonces.windowMs` changes it later.
   */
  readonly nonceWindowMs?: number;
  /** Milliseconds within which an interaction must be answered: 3,000 by default. */
  readonly interactionMs?: number;
  readonly identifyLimit?: Partial<IdentifyLimit>;
  /** `false` simulates a Discord without rate limits. */
  readonly rateLimits?: Partial<RateLimitOptions> | false;
  /** Loads the library of end-to-end encryption; without it, calls have none. */
  readonly dave?: VoiceDeps["dave"];
  /** Requests kept in the log: 10,000 by default. */
  readonly requestLogLimit?: number;
}

export interface Simulator extends People, Moderation, Portal {
  /** `http://127.0.0.1:49152`: a value for `DISCORD_API_URL`. */
  readonly apiUrl: string;
  /** `ws://127.0.0.1:49153`: the address in `/gateway/bot`, unless a fault names another. */
  readonly gatewayUrl: string;
  /** The bot's token. */
  readonly token: string;
  readonly application: Application;
  /** The world, for reading; `actions/changes.ts` and {@link Simulator.publish} change it. */
  readonly world: World;
  /** Voice channels, and the people in them. */
  readonly voice: VoiceControl;
  readonly faults: { readonly gateway: GatewayFaults; readonly rest: RestFaults };
  /** Every request to REST, refused ones too. */
  readonly requests: RequestLog;
  /** Sends an event to bots and listeners. */
  publish(events: readonly WorldEvent[]): void;
  /**
   * Calls `listener` with every event of the world.
   *
   * @returns Removes the listener.
   */
  subscribe(listener: (event: WorldEvent) => void): () => void;
  /** The counts of an application; of the bot, if none is named. */
  account(application?: Application): Account;
  /**
   * A bot's messages that are not deleted, in order: of one channel, or channel by channel.
   *
   * @param author The bot, if absent.
   */
  posted(channel?: string, author?: Application): readonly Message[];
  /** Ephemeral messages for this person: by username or id. */
  ephemeral(who: string): readonly Message[];
  /** Interactions that no application answered within three seconds. */
  failedInteractions(): readonly Interaction[];
  /** Number of connected sessions, of all applications together. */
  connected(): number;
  /** Number of gateway connections since the start, with those that never identified. */
  opened(): number;
  /** Number of sessions that could be resumed, of all applications together. */
  sessions(): readonly SessionState[];
  /**
   * Waits until `check` returns a value. Calls it after each event and request, and every {@link
   * LOOK_EVERY_MS} for changes outside the simulator.
   *
   * @throws The signal's reason, if it is aborted first.
   */
  until<Value>(check: () => Value | undefined, signal: AbortSignal): Promise<Value>;
  close(): Promise<void>;
}

/** Milliseconds between two calls of the check in {@link Simulator.until}. */
const LOOK_EVERY_MS = 50;

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const {
    now = discordNow,
    random = Math.random,
    host = "127.0.0.1",
    nonceWindowMs,
    interactionMs,
    rateLimits = {},
  } = options;
  const world = options.world ?? demoWorld().world;
  if (nonceWindowMs !== undefined) world.nonces.windowMs = nonceWindowMs;
  if (interactionMs !== undefined) world.interactionMs = interactionMs;
  const application = options.application ?? firstApplication(world);
  const accounts = createAccounts(world);
  const identifyLimit = {
    total: 1_000,
    spacingMs: 5_000,
    ...options.identifyLimit,
  };
  const restFaults = createRestFaults();
  const requests = createRequestLog(options.requestLogLimit ?? 10_000);
  const listeners = new Set<(event: WorldEvent) => void>();
  const waiting = new Set<() => void>();
  requests.subscribe(() => wake());

  const wake = () => {
    if (waiting.size === 0) return;
    queueMicrotask(() => {
      for (const look of waiting) look();
    });
  };

  const publish = (events: readonly WorldEvent[]) => {
    gateway.publish(events);
    for (const event of events) for (const listener of listeners) listener(event);
    wake();
    voice.notice(events);
  };
  const people = createPeople({ world, botId: application.userId, now, publish });
  const voice = await startVoice({ world, people, host, now, random, publish, dave: options.dave });
  const gateway = await startGateway(world, accounts, {
    host,
    now,
    random,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 41_250,
    sessionTimeoutMs: options.sessionTimeoutMs ?? 120_000,
    identifyLimit,
    changed: wake,
    voice: voice.follow,
    sessionEnded: voice.sessionEnded,
  });
  const rest = await startRest({
    world,
    accounts,
    host,
    port: options.port ?? 0,
    now,
    identifyLimit,
    gatewayUrl: () => gateway.url,
    publish,
    log: requests,
    faults: restFaults,
    rateLimits: rateLimits === false
      ? { ...DEFAULT_RATE_LIMITS, isEnabled: false }
      : { ...DEFAULT_RATE_LIMITS, ...rateLimits },
  });
  world.mediaUrl = rest.url;
  return {
    ...people,
    ...createModeration({ world, people, now, publish }),
    ...createPortal({ world, now, publish }),
    apiUrl: rest.url,
    gatewayUrl: gateway.url,
    token: application.token,
    application,
    world,
    voice: voice.control,
    faults: { gateway: gateway.faults, rest: restFaults },
    requests,
    publish,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    account: (of = application) => accounts.of(of),
    posted(channel, bot = application) {
      const channels = channel === undefined
        ? [...world.channels.values()]
        : [people.channel(channel)];
      return channels.flatMap(({ messages }) =>
        [...messages.values()].filter(({ author }) =>
          author.kind === "user" && author.userId === bot.userId
        )
      );
    },
    ephemeral: (who) => ephemeralMessagesTo(world, people.user(who)),
    failedInteractions: () => failedInteractions(world, now()),
    connected: () => gateway.connected(),
    opened: () => gateway.opened(),
    sessions: () => gateway.sessions(),
    until: (check, signal) => waitUntil(check, signal, waiting),
    async close() {
      await Promise.all([gateway.close(), rest.close(), voice.close()]);
    },
  };
}

function firstApplication(world: World): Application {
  for (const application of world.applications.values()) return application;
  throw new RangeError("Cannot simulate Discord for a world without an application: add one");
}

function waitUntil<Value>(
  check: () => Value | undefined,
  signal: AbortSignal,
  waiting: Set<() => void>,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      waiting.delete(look);
      clearInterval(timer);
      signal.removeEventListener("abort", give);
    };
    const give = () => {
      stop();
      reject(signal.reason);
    };
    const look = () => {
      try {
        const value = check();
        if (value === undefined) return;
        stop();
        resolve(value);
      } catch (error) { // the check threw: its caller gets the error
        stop();
        reject(error);
      }
    };
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", give);
    waiting.add(look);
    const timer = setInterval(look, LOOK_EVERY_MS);
    look();
  });
}
