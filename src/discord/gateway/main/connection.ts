/**
 * Keeps the account's gateway connection, from its start to its stop.
 *
 * It exists before the gateway's address is known, so that other parts can be connected to it.
 *
 * A session belongs to one shard out of a fixed count. With another count it is worthless: a bot
 * that resumed it would receive some guilds twice and miss others.
 *
 * Discord sends the guilds one by one after READY. So the report waits until no further guild has
 * arrived for a moment.
 *
 * The count of IDENTIFYs outlives the process, so no crash loop can spend more than Discord allows in
 * a day. Discord would reset the token (G5).
 */

import {
  type GatewayInfo,
  type GatewayStats,
  type IdentifyBudget,
  LOW,
  type OwnVoice,
  type Presence,
  type ShardState,
  SPACING_MS,
} from "../../../core/discord/gateway.ts";
import type { AccountId } from "../../../core/discord/ids.ts";
import type { Self } from "../../../core/inbound/inbound.ts";
import type { OfferedForm } from "../../../core/people/question.ts";
import { type Clock, DAY_MS, type StartTimer } from "../../../lib/clock.ts";
import { createEmitter, type Hold } from "../../../lib/emitter.ts";
import type { Log } from "../../../lib/log.ts";
import type {
  ApplicationAnswer,
  GatewayRecords,
  StoredAccount,
  StoredShard,
} from "../../../store/gateway/gateway.ts";
import type { GuildIndex } from "../decode/guild_index.ts";
import type { GatewayOptions, PermitAnswer, ShardOptions } from "../link/protocol.ts";
import {
  chooseIntents,
  type ChosenIntents,
  type ReactionPlaces,
  READ_TYPES,
  toIntents,
} from "../read/intents.ts";
import type { EarlyThread } from "./early_thread.ts";
import { type Gateway, type GatewayEvents, type GatewayFinal, startGateway } from "./thread.ts";

export interface PermitsPorts extends Clock {
  readonly store: GatewayRecords;
  readonly accountId: AccountId;
  readonly answer: (shardId: number, answer: PermitAnswer) => void;
  /** Whether received events wait in memory, because the account is still loading. */
  readonly isHolding: () => boolean;
  /** Receives the budget whenever it changes or is found spent. */
  readonly onBudget: (budget: IdentifyBudget) => void;
  readonly log: Log;
}

const STORE_RETRY_MS = 5_000;

/** How long a shard keeps a session with a hole while events are held, in milliseconds. */
const HOLDING_MS = 500;

/**
 * Creates the handler of permit requests.
 *
 * @returns Handles a shard's request. With `isAhead` it only asks whether a permit would be
 * granted, and counts none.
 */
export function createPermits(ports: PermitsPorts): (shardId: number, isAhead: boolean) => void {
  const { store, accountId, now, answer, isHolding, onBudget, log } = ports;
  let saidLeft = Infinity;

  /** Warns once on the way down, and again for each fifty less. */
  function report({ left, heldUntil }: IdentifyBudget): void {
    const step = Math.floor(left / 50);
    if (left > LOW) saidLeft = Infinity;
    else if (step < saidLeft) {
      saidLeft = step;
      log.warn("Few IDENTIFYs are left for today; find out why gateway sessions keep ending", {
        left,
        ...(heldUntil !== undefined && { heldUntil: new Date(heldUntil).toISOString() }),
      });
    }
  }

  async function previewPermit(shardId: number): Promise<PermitAnswer> {
    // If the process dies, only the old session can send the held events again.
    if (isHolding()) return { kind: "wait", waitMs: HOLDING_MS, why: "spacing" };
    const waitMs = await store.identifyInMs(accountId, shardId, now());
    if (waitMs === 0) return { kind: "granted" };
    const budget = await store.identifyBudget(accountId, now());
    onBudget(budget);
    sayHeld(budget, log);
    return { kind: "wait", waitMs, why: budget.heldUntil === undefined ? "spacing" : "budget" };
  }

  async function decide(shardId: number): Promise<PermitAnswer> {
    const asked = await store.takeIdentify(accountId, shardId, now());
    const budget = await store.identifyBudget(accountId, now());
    onBudget(budget);
    report(budget);
    if (asked.kind === "granted") return asked;
    if (asked.why === "budget") sayHeld({ ...budget, heldUntil: asked.untilMs }, log);
    return { kind: "wait", waitMs: Math.max(0, asked.untilMs - now()), why: asked.why };
  }

  return (shardId, isAhead) => {
    (isAhead ? previewPermit(shardId) : decide(shardId)).then(
      (decided) => answer(shardId, decided),
      (error: unknown) => {
        log.error("Cannot store the IDENTIFY count, so no IDENTIFY is sent; trying again", {
          error,
        });
        answer(shardId, { kind: "wait", waitMs: STORE_RETRY_MS, why: "spacing" });
      },
    );
  };
}

/**
 * Returns how long the first IDENTIFY must wait for its spacing, in milliseconds. A spent budget is
 * left out: the shard learns of it when it asks for its permit, which logs and shows the reason. A
 * wait from here would be silent.
 */
async function firstIdentifyInMs(
  accountId: AccountId,
  { store, now }: Clock & { readonly store: GatewayRecords },
): Promise<number> {
  return Math.min(await store.identifyInMs(accountId, 0, now()), SPACING_MS);
}

/** Logs that the bot waits for its IDENTIFY budget, and until when. */
function sayHeld({ left, heldUntil }: IdentifyBudget, log: Log): void {
  if (heldUntil === undefined) return;
  log.error(
    "Daily IDENTIFY limit almost reached: not opening a new session, because Discord resets tokens that exceed it",
    { left, until: new Date(heldUntil).toISOString() },
  );
}

/** How long stored flags of the application are used without asking Discord, in milliseconds. */
const FRESH_MS = DAY_MS;

/**
 * Chooses the intents for an account, from stored or freshly read flags.
 *
 * @throws {RestError} If Discord refuses the token.
 */
async function createIntentChoice(
  { accountId, gateway, stored }: {
    readonly accountId: AccountId;
    readonly gateway: {
      readonly intents: "agent_recommended" | readonly string[];
      readonly reactions: ReactionPlaces;
    };
    readonly stored: StoredAccount;
  },
  { readApplication, isTokenRefused, store, now, log }: Clock & {
    readonly log: Log;
    /** Reads the application, whose flags show the intents that the portal grants. */
    readonly readApplication: () => Promise<ApplicationAnswer>;
    /** Whether an error of this request means that Discord refuses the token. */
    readonly isTokenRefused: (error: unknown) => boolean;
    readonly store: GatewayRecords;
  },
) {
  const { flags } = stored;
  const wanted = toIntents(gateway.intents, gateway.reactions);

  /**
   * Reads the flags of the intents that the portal grants. Returns `undefined` if Discord cannot be
   * asked, because a bot that connected before does not wait for the answer. A missing intent is
   * asked for again at each start: the operator may have granted it and restarted the bot.
   */
  async function readFlags(): Promise<number | undefined> {
    const isFresh = flags !== undefined && now() - flags.at < FRESH_MS;
    const { missing } = chooseIntents(wanted, flags?.bits);
    if (isFresh && missing.length === 0) return flags.bits;
    try {
      const application = await readApplication();
      await store.saveApplication(accountId, application, now());
      return application.flags;
    } catch (error) {
      if (isTokenRefused(error)) throw error;
      log.warn("Cannot ask Discord for the granted intents; using the stored ones", { error });
      return flags?.bits;
    }
  }

  let chosen = chooseIntents(wanted, await readFlags());
  let saved = stored.intents;
  /** Unix time in milliseconds of the last 4014 in this process. */
  let refusedAt = -Infinity;

  return {
    get now() {
      return chosen;
    },
    /** Stores the choice if it differs from the stored one; never rejects. */
    async save(): Promise<void> {
      if (saved === chosen.bits) return;
      const { bits } = chosen;
      await store.saveIntents(accountId, bits).then(() => void (saved = bits), (error: unknown) => {
        log.error("Cannot store the intents; the next start will resume nothing", { error });
      });
    },
    /**
     * Chooses fewer intents after Discord closed an IDENTIFY with 4014, at most once a day. If the
     * intents are not the reason, Discord closes each further IDENTIFY too, and trying would spend
     * the budget (G3).
     *
     * @returns `false` if the refusal is final.
     */
    async chooseFewer(): Promise<boolean> {
      if (now() - refusedAt < DAY_MS) return false;
      refusedAt = now();
      // Discord refused, so without an answer no flag is certain.
      const application = await readApplication().catch(() => ({ flags: 0 }));
      const candidates = [chooseIntents(wanted, application.flags), chooseIntents(wanted, 0)];
      const fewer = candidates.find(({ bits }) => bits !== chosen.bits);
      const granted = fewer === candidates[0] ? application.flags : 0;
      await store.saveApplication(accountId, { ...application, flags: granted }, now()).catch(
        (error: unknown) => log.error("Cannot store the granted intents", { error }),
      );
      if (!fewer) return false;
      chosen = fewer;
      return true;
    },
  };
}

/** The chosen intents; a refusal by Discord changes them. */
type IntentChoice = Awaited<ReturnType<typeof createIntentChoice>>;

export interface ShardFacts {
  /** Number of shards that Discord recommends or the config sets. */
  readonly count: number;
  readonly stored: StoredAccount;
  /** Seconds after its last event until a session counts as dead. */
  readonly sessionCacheTtlSec: number;
  /** If `false`, each shard begins a new session. */
  readonly resumeSession: boolean;
  /** Intents that an IDENTIFY would ask for now. A RESUME keeps the intents of its session. */
  readonly intents: number;
  /** Whether the guild index is complete. A resumed session does not send the guilds again. */
  readonly isComplete: boolean;
  /** Milliseconds before the first IDENTIFY, from the store. */
  readonly identifyInMs: number;
  readonly now: number;
}

/** The shards to start, and the reasons for lost sessions. */
interface ShardPlan {
  readonly shards: readonly ShardOptions[];
  /** Stored sessions that are not resumed. */
  readonly lost: readonly LostSession[];
  /** The store has another number of shards. */
  readonly isResharded: boolean;
  readonly hasOtherIntents: boolean;
}

/** A stored session that cannot be resumed. */
export interface LostSession {
  readonly shardId: number;
  /** Unix time in milliseconds of the session's last event. */
  readonly aliveAt: number;
  readonly why: string;
}

export function planShards(facts: ShardFacts): ShardPlan {
  const { count, stored, identifyInMs } = facts;
  const isResharded = stored.shardCount !== undefined && stored.shardCount !== count;
  const lost: LostSession[] = [];

  const shards = Array.from({ length: count }, (_, id): ShardOptions => {
    const known = isResharded ? undefined : stored.shards.find(({ shardId }) => shardId === id);
    const why = known?.session && whyNot(known, facts);
    if (known?.session && why === undefined) {
      const { sessionId, resumeUrl, seq, hasHole } = known.session;
      const session = { sessionId, resumeUrl, seq, hasHole: hasHole || undefined };
      return { id, session, identifyInMs };
    }
    if (known?.session && why !== undefined) {
      lost.push({ shardId: id, aliveAt: known.aliveAt, why });
    }
    return { id, identifyInMs }; // the gateway thread spaces the IDENTIFYs
  });
  return { shards, lost, isResharded, hasOtherIntents: hasOtherIntents(facts) };
}

/**
 * As {@link planShards}, but asks for the guild index only if a session could be resumed.
 *
 * @param isComplete Whether the index is complete.
 */
async function planResumes(
  facts: Omit<ShardFacts, "isComplete">,
  isComplete: () => Promise<boolean>,
): Promise<ShardPlan> {
  const plan = planShards({ ...facts, isComplete: true });
  const resumes = plan.shards.some(({ session }) => session !== undefined);
  return !resumes || await isComplete() ? plan : planShards({ ...facts, isComplete: false });
}

/** Why a session cannot be resumed; `undefined` if it can. */
function whyNot({ aliveAt }: StoredShard, facts: ShardFacts): string | undefined {
  const { resumeSession, isComplete, sessionCacheTtlSec, now } = facts;
  if (hasOtherIntents(facts)) return "it has other intents";
  if (!resumeSession) return "gateway.reconnect.resumeSession is false";
  if (!isComplete) return "the stored guilds are incomplete";
  return now - aliveAt > sessionCacheTtlSec * 1_000 ? "it is too old" : undefined;
}

/** A session stored without intents (by an older release) counts as having the same. */
function hasOtherIntents({ intents, stored }: ShardFacts): boolean {
  return stored.intents !== undefined && stored.intents !== intents;
}

/** The settings and stored facts that a connection starts with. */
export interface ConnectOptions {
  readonly accountId: AccountId;
  readonly token: string;
  readonly restUrl: string;
  readonly userAgent: string;
  readonly isConnectionDebug: boolean;
  readonly gateway: {
    readonly compress: boolean;
    readonly tcpKeepaliveSec: number;
    readonly intents: "agent_recommended" | readonly string[];
    readonly reactions: ReactionPlaces;
    /** Number of shards, or `"auto"` for Discord's recommendation. */
    readonly shards: "auto" | number;
    readonly reconnect: GatewayOptions["reconnect"] & {
      readonly sessionCacheTtlSec: number;
      readonly resumeSession: boolean;
    };
  };
  /** URL of the gateway worker; a compiled binary finds no worker in a deeper path. */
  readonly workerUrl: URL;
  /** The gateway thread, loaded ahead. */
  readonly thread?: EarlyThread;
  readonly stored: StoredAccount;
}

/** What a connection asks of its account. */
export interface ConnectPorts extends Clock {
  /** Finds the gateway: from the store, or by asking until Discord answers or refuses. */
  readonly locate: () => Promise<GatewayInfo>;
  /** Asks Discord once for the gateway's address. */
  readonly readGatewayInfo: () => Promise<GatewayInfo>;
  /** Reads the application, whose flags show the intents that the portal grants. */
  readonly readApplication: () => Promise<ApplicationAnswer>;
  /** Whether an error of these requests means that Discord refuses the token. */
  readonly isTokenRefused: (error: unknown) => boolean;
  /** Returns the proxy for a URL, if one is configured (G15). */
  readonly proxyFor: (url: string) => string | undefined;
  readonly presence: () => Presence;
  readonly store: GatewayRecords;
  readonly stopping: AbortSignal;
  /** Holds the events until their handlers are ready. */
  readonly hold: Hold;
  readonly log: Log;
}

export interface ConnectionEvents extends Omit<GatewayEvents, "onLog" | "onPermitWanted"> {
  onShards(count: number): void;
  /** Takes the wanted intents that Discord does not grant. */
  onIntents(missing: ChosenIntents["missing"]): void;
  /** Takes the budget of IDENTIFYs whenever it changes or is found spent. */
  onBudget(budget: IdentifyBudget): void;
  /** The gateway could not be found: Discord refused the token, or Barnacle has a fault. */
  onFailed(error: unknown): void;
}

/** The gateway closed with 4014: it refuses the intents. */
const DISALLOWED_INTENTS = 4014;

/** Decides which shards resume, and stores the resulting changes. */
async function planSessions(
  options: ConnectOptions,
  ports: ConnectPorts,
  count: number,
  intents: IntentChoice,
  mayResume: () => Promise<boolean>,
): Promise<readonly ShardOptions[]> {
  const { accountId, stored, gateway: { reconnect } } = options;
  const { store, now, log } = ports;
  const facts = {
    count,
    stored,
    sessionCacheTtlSec: reconnect.sessionCacheTtlSec,
    resumeSession: reconnect.resumeSession,
    intents: intents.now.bits,
    identifyInMs: await firstIdentifyInMs(accountId, ports),
    now: now(),
  };
  const plan = await planResumes(facts, mayResume);
  for (const { shardId, aliveAt, why } of plan.lost) {
    const since = new Date(aliveAt).toISOString();
    log.warn("The last session cannot be resumed", { shardId, since, why });
  }
  if (plan.isResharded) {
    log.info("The number of shards has changed", { was: stored.shardCount, is: count });
  }
  if (stored.shardCount !== count || plan.hasOtherIntents) {
    await store.reshard(accountId, count, now());
  }
  await intents.save();
  return plan.shards;
}

async function forgetRefused(accountId: AccountId, { store, log }: ConnectPorts): Promise<void> {
  try {
    await store.forgetRefused(accountId);
  } catch (error) {
    log.warn("Cannot store that Discord has refused an IDENTIFY", { error });
  }
}

/** Milliseconds between two requests for the gateway's address while a shard is down. */
const RELOCATE_MS = 30_000;

/** Milliseconds without a further guild. */
const QUIET_MS = 500;

export function createOnlineReport(
  { reader, schedule, stopping, onOnline }: {
    readonly schedule: StartTimer;
    /** The account's own user and its guilds, as the gateway told them. */
    readonly reader: { readonly self?: Self | undefined; readonly index: GuildIndex };
    readonly stopping: AbortSignal;
    readonly onOnline: (bot: Self, guilds: readonly string[]) => void;
  },
) {
  let isReady = false;
  let isDone = false;
  let cancel = () => {};
  stopping.addEventListener("abort", () => cancel(), { once: true });

  function report(): void {
    const { self: bot } = reader;
    if (!bot) return; // READY is not read yet
    isDone = true;
    onOnline(bot, Array.from(reader.index.values(), ({ name }) => name));
  }

  function wait(): void {
    if (!isReady || isDone || stopping.aborted) return;
    cancel();
    cancel = schedule(report, QUIET_MS);
  }

  return {
    ready(): void {
      isReady = true;
      wait();
    },
    changed: wait,
  };
}

/**
 * Creates the detector.
 *
 * @param onReachable Called when a shard becomes ready, and not while it stays ready.
 */
export function createReachability(
  onReachable: () => void,
): (shardId: number, state: ShardState) => void {
  const ready = new Set<number>();
  return (shardId, { state }) => {
    if (state !== "ready") ready.delete(shardId);
    else if (!ready.has(shardId)) {
      ready.add(shardId);
      onReachable();
    }
  };
}

/** Creates an account's connection; it connects with `start`. */
export function createConnection(options: ConnectOptions, ports: ConnectPorts) {
  const { accountId, gateway: { shards, compress, tcpKeepaliveSec, reconnect } } = options;
  const { token, restUrl, userAgent, isConnectionDebug, workerUrl, thread } = options;
  const { hold, readGatewayInfo, store, stopping, now, log } = ports;
  const { promise: waiting, resolve: waits } = Promise.withResolvers<void>();
  const listeners = createEmitter<ConnectionEvents>();
  const tell = hold.wrap((event: (to: ConnectionEvents) => void) => event(listeners.emit));
  const ready = new Set<number>();
  let url = "";
  let forms: readonly OfferedForm[] = [];
  /** The thread that runs; `undefined` before the gateway is found. */
  let current: Gateway | undefined;
  let committedUpTo = 0;
  let isTold = true;
  let relocating: ReturnType<typeof setInterval> | undefined;
  let isStopped = false;
  let opening: Promise<void> | undefined;

  const onPermitWanted = createPermits({
    ...{ store, accountId, now, log },
    answer: (shardId, answer) => current?.permit(shardId, answer),
    isHolding: () => hold.isHolding,
    onBudget(budget) {
      waits(); // the IDENTIFY leaves now, or waits for its turn
      tell((to) => to.onBudget(budget));
    },
  });

  async function open(mayResume: () => Promise<boolean>): Promise<void> {
    stopping.throwIfAborted();
    const place = await ports.locate();
    const intents = await createIntentChoice(options, ports);
    stopping.throwIfAborted();
    url = place.url;
    const shardCount = Math.max(1, shards === "auto" ? place.shards : shards);
    const common = {
      ...{ token, compress, tcpKeepaliveSec, reconnect, shardCount },
      maxConcurrency: place.limit.maxConcurrency,
      ...{ restUrl, userAgent, isConnectionDebug, dispatches: READ_TYPES },
    };
    const planned = await planSessions(options, ports, shardCount, intents, mayResume);
    tell((to) => to.onShards(shardCount));
    relocating = setInterval(() => {
      if (ready.size < shardCount) void relocate();
    }, RELOCATE_MS);
    stopping.addEventListener("abort", () => clearInterval(relocating), { once: true });

    function begin(starts: readonly ShardOptions[]): void {
      const { bits, missing } = intents.now;
      tell((to) => to.onIntents(missing));
      current = startGateway(
        {
          ...{ ...common, url, presence: ports.presence(), shards: starts },
          intents: bits,
          proxy: ports.proxyFor(url),
        },
        {
          onBatch: (batch) => tell((to) => to.onBatch(batch)),
          onBeat: (shardId, beat) => tell((to) => to.onBeat(shardId, beat)),
          onDelay: (ms) => tell((to) => to.onDelay(ms)),
          onRefused: (interactionId) => tell((to) => to.onRefused(interactionId)),
          onState(shardId, state) {
            if (state.state === "ready") ready.add(shardId);
            else ready.delete(shardId);
            if (hasAsked(state)) waits();
            tell((to) => to.onState(shardId, state));
          },
          onPermitWanted,
          onLog: (level, event, fields) => log[level](event, fields),
          onFinal(final) {
            goOn(final).catch((error: unknown) => {
              log.error("Cannot continue without the intent", { error });
              tell((to) => to.onFinal(final));
            });
          },
        },
        { workerUrl, takeThread: thread?.take, now, random: Math.random },
        current?.lastTicket(),
      );
      current.setForms(forms);
    }

    /**
     * Starts another thread with fewer intents if Discord refuses those of the first. The operator may
     * have cleared the checkbox since the flags were read.
     */
    async function goOn(final: GatewayFinal): Promise<void> {
      if (final.kind === "stop") await forgetRefused(accountId, ports); // no session began
      const isRefused = final.kind === "stop" && final.code === DISALLOWED_INTENTS;
      const goesOn = isRefused && await intents.chooseFewer();
      if (!goesOn || isStopped) {
        clearInterval(relocating);
        return tell((to) => to.onFinal(final));
      }
      await intents.save();
      log.warn("Discord does not grant a requested intent; continuing without it", {
        missing: intents.now.missing.join(", "),
      });
      await current?.stop();
      if (!isStopped) begin(planned.map(({ id }) => ({ id, identifyInMs: 0 })));
    }

    begin(planned);
  }

  async function relocate(): Promise<void> {
    try {
      const found = await readGatewayInfo();
      await store.saveGateway(accountId, found, now());
      if (found.url === url) return;
      log.info("The gateway has moved", { to: found.url });
      url = found.url;
      current?.setUrl(url);
    } catch (error) {
      log.debug("Cannot ask Discord for the gateway's address", { error });
    }
  }

  return {
    /** Connects those who listen, before the first event. */
    connect: listeners.connect,
    /**
     * Starts connecting, and resumes the sessions of the last run where possible.
     *
     * @param mayResume Whether the guild index is complete. A resumed session does not send the guilds
     * again. Called only if there is a session to resume, because the index takes long to load.
     */
    start(mayResume: () => Promise<boolean>): void {
      opening = open(mayResume).catch((error: unknown) => {
        waits();
        if (!stopping.aborted) tell((to) => to.onFailed(error));
      });
    },
    /**
     * Resolves once the first session is being opened, or if nothing can be opened yet: the connection
     * then waits for Discord.
     */
    waiting,
    /** Replaces the forms that people may open; their buttons may be sent then. */
    setForms(offered: readonly OfferedForm[]): void {
      forms = offered;
      current?.setForms(offered);
    },
    /** Takes the interactions of an owner or approver, however many others send. */
    admit: (userId: string): void => current?.admit(userId),
    /**
     * Reports that the store holds every batch up to this ticket. The thread gets to know in the next
     * turn of the event loop: on one core, waking it at once would delay the turn that just began.
     */
    committed(ticket: number): void {
      committedUpTo = Math.max(committedUpTo, ticket);
      if (!isTold) return;
      isTold = false;
      setImmediate(() => {
        isTold = true;
        current?.committed(committedUpTo);
      });
    },
    /** Replaces the shard's session, because an event of it could not be read. */
    renew: (shardId: number): void => current?.renew(shardId),
    /** `undefined` before the gateway is found. */
    stats: (): GatewayStats | undefined => current?.stats(),
    /** Shows another presence, which `presence` returns for later threads. */
    setPresence: (presence: Presence): void => current?.setPresence(presence),
    /** Joins, moves or leaves a voice channel. Discord answers by events, or does not. */
    setVoice: (own: OwnVoice): void => current?.setVoice(own),
    /** Closes so that the sessions can be resumed. Call it after `stopping` is aborted. */
    async stop(): Promise<void> {
      isStopped = true;
      await opening;
      clearInterval(relocating);
      await current?.stop();
    },
  };
}

export type Connection = ReturnType<typeof createConnection>;

/** Whether the shard's IDENTIFY or RESUME has left, so that Discord's answer comes next. */
function hasAsked({ state }: ShardState): boolean {
  return state === "resuming" || state === "ready" || state === "fatal";
}
