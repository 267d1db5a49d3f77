/**
 * Keeps the account's gateway connection, from its start to its stop.
 *
 * Discord sends the guilds one by one after READY. So the report of being online waits until no
 * further guild has arrived for a moment.
 *
 * The count of IDENTIFYs outlives the process, so no crash loop can spend more than Discord allows in
 * a day. Discord would reset the token (G5).
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import {
  type ConnectionState,
  type GatewayStats,
  type IdentifyBudget,
  LOW,
  type OwnVoice,
  type Presence,
  SPACING_MS,
} from "../../core/discord/gateway.ts";
import type { GatewaySession } from "../../core/inbound/inbound.ts";
import type { OfferedForm } from "../../core/people/question.ts";
import type { PermitAnswer } from "../../discord/gateway/link/protocol.ts";
import {
  type Gateway,
  type GatewayEvent,
  type GatewayFinal,
  startGateway,
} from "../../discord/gateway/main/thread.ts";
import {
  chooseIntents,
  type ChosenIntents,
  READ_TYPES,
  toIntents,
} from "../../discord/gateway/read/intents.ts";
import { API_VERSION, userAgentOf } from "../../discord/rest/client/client.ts";
import { isTokenRefused } from "../../discord/rest/exchange/exchange.ts";
import { readGatewayInfo } from "../../discord/rest/requests/application.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { proxyFor } from "../../lib/network/fetch_plain.ts";
import type { StoredAccount } from "../../store/gateway/gateway.ts";
import { readApplication } from "../owners/owner_ids.ts";
import { locateGateway } from "../preflight/before_connecting.ts";
import { presenceOf } from "../presence.ts";

/** What a connection tells its account. */
type ConnectionEvent =
  | Exclude<GatewayEvent, { readonly kind: "permit_wanted" | "log" }>
  /** The wanted intents that Discord does not grant. */
  | { readonly kind: "intents"; readonly missing: ChosenIntents["missing"] }
  /** The budget of IDENTIFYs has changed or is found spent. */
  | { readonly kind: "budget" }
  /** The gateway could not be found: Discord refused the token, or Barnacle has a fault. */
  | { readonly kind: "failed"; readonly error: unknown };

/** The gateway closed with 4014: it refuses the intents. */
const DISALLOWED_INTENTS = 4014;

/** Milliseconds between two requests for the gateway's address while the bot is away. */
const RELOCATE_MS = 30_000;

/** Milliseconds without a further guild. */
const QUIET_MS = 500;

/** Reports that the account is online, once its guilds have come. */
export const onlineOf: (account: BotAccount) => ReturnType<typeof createOnlineReport> = perAccount(
  "gateway",
  createOnlineReport,
);

function createOnlineReport(account: BotAccount) {
  const { accountId, reader, schedule, stopping } = account;
  let isReady = false;
  let isDone = false;
  let cancel = () => {};
  stopping.addEventListener("abort", () => cancel(), { once: true });

  function report(): void {
    const { self: bot } = reader;
    if (!bot) return; // READY is not read yet
    isDone = true;
    const guilds = Array.from(reader.index.values(), ({ name }) => name);
    const models = account.settings.models.ids;
    account.bot.onOnline?.({ accountId, bot, guilds, models });
  }

  function changed(): void {
    if (!isReady || isDone || stopping.aborted) return;
    cancel();
    cancel = schedule(report, QUIET_MS);
  }

  return {
    ready(): void {
      isReady = true;
      changed();
    },
    changed,
  };
}

/** Creates an account's connection, with the settings of now; it connects with `start`. */
export function createGatewayConnection(account: BotAccount) {
  const { accountId, bot, token, apiBase, stored, rest, held, schedule, stopping } = account;
  const { now, log } = account;
  const { gateway: store } = account.store;
  const { gateway: { compress, tcpKeepaliveSec, reconnect } } = account.config().discord;
  const { promise: waiting, resolve: waits } = Promise.withResolvers<void>();
  let listener: ((event: ConnectionEvent) => void) | undefined;
  const tell = held.wrap((event: ConnectionEvent) => listener?.(event));
  const askGateway = () => readGatewayInfo(rest, now());
  let url = "";
  let isReady = false;
  let forms: readonly OfferedForm[] = [];
  /** The thread that runs; `undefined` before the gateway is found. */
  let current: Gateway | undefined;
  let cancelRelocation = () => {};
  let isStopped = false;
  let opening: Promise<void> | undefined;
  const permit = createPermits(account, () => {
    waits(); // the IDENTIFY leaves now, or waits for its turn
    tell({ kind: "budget" });
  });

  async function open(isComplete: () => Promise<boolean>): Promise<void> {
    stopping.throwIfAborted();
    ({ url } = await locateGateway(account, askGateway));
    const intents = await createIntentChoice(account);
    stopping.throwIfAborted();
    const { bits } = intents.now;
    // A spent budget is left out: the thread learns of it when it asks for its permit, which logs it.
    const identifyInMs = Math.min(await store.identifyInMs(accountId, now()), SPACING_MS);
    const rules = { ...reconnect, intents: bits, now: now(), isComplete };
    const { session, lost } = await planSession(stored, rules);
    if (lost) {
      const since = new Date(lost.aliveAt).toISOString();
      log.warn("The last session cannot be resumed", { since, why: lost.why });
    }
    if (stored.intents !== bits) await store.endSession(accountId, now());
    await intents.save();

    function begin(
      from: { readonly session?: GatewaySession; readonly identifyInMs: number },
    ): void {
      const { bits, missing } = intents.now;
      tell({ kind: "intents", missing });
      current = startGateway(
        {
          token,
          url,
          compress,
          tcpKeepaliveSec,
          reconnect,
          intents: bits,
          ...from,
          presence: presenceOf(account),
          proxy: proxyFor(url, bot.env),
          restUrl: `${apiBase}/v${API_VERSION}`,
          userAgent: userAgentOf(bot.build.version),
          isConnectionDebug: bot.isConnectionDebug ||
            account.config().log.level === "connection_debug",
          dispatches: READ_TYPES,
        },
        (event) => onEvent(event),
        { workerUrl: bot.workerUrl, takeThread: bot.thread?.take, now, random: account.random },
        current?.lastTicket(),
      );
      current.setForms(forms);
    }

    function onEvent(event: GatewayEvent): void {
      switch (event.kind) {
        case "permit_wanted":
          return void permit(event.isPreview).then((answer) => current?.permit(answer));
        case "log":
          return log[event.level](event.event, event.fields);
        case "final":
          goOn(event.final).catch((error: unknown) => {
            log.error("Cannot continue without the intent", { error });
            tell(event);
          });
          return;
        case "state":
          isReady = event.state.state === "ready";
          if (hasAsked(event.state)) waits();
      }
      tell(event);
    }

    /**
     * Starts another thread with fewer intents if Discord refuses those of the first. The operator may
     * have cleared the checkbox since the flags were read.
     */
    async function goOn(final: GatewayFinal): Promise<void> {
      if (final.kind === "stop") await forgetRefused(account); // no session began
      const isRefused = final.kind === "stop" && final.code === DISALLOWED_INTENTS;
      const goesOn = isRefused && await intents.chooseFewer();
      if (!goesOn || isStopped) {
        cancelRelocation();
        return tell({ kind: "final", final });
      }
      await intents.save();
      log.warn("Discord does not grant a requested intent; continuing without it", {
        missing: intents.now.missing.join(", "),
      });
      await current?.stop();
      if (!isStopped) begin({ identifyInMs: 0 });
    }

    begin({ session, identifyInMs });
    relocateLater();
  }

  function relocateLater(): void {
    cancelRelocation = schedule(() => {
      if (!isReady) void relocate();
      relocateLater();
    }, RELOCATE_MS);
    if (stopping.aborted) cancelRelocation();
  }

  async function relocate(): Promise<void> {
    try {
      const found = await askGateway();
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
    /** Connects the account, before the first event. */
    connect: (itsListener: (event: ConnectionEvent) => void): void => void (listener = itsListener),
    /**
     * Starts connecting, and resumes the session of the last run if possible.
     *
     * @param isComplete Whether the guild index is complete; see {@link planSession}.
     */
    start(isComplete: () => Promise<boolean>): void {
      opening = open(isComplete).catch((error: unknown) => {
        waits();
        if (!stopping.aborted) tell({ kind: "failed", error });
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
    /** Reports that the store holds every batch up to this ticket. */
    committed: (ticket: number): void => current?.committed(ticket),
    /** Replaces the session, because an event of it could not be read. */
    renew: (): void => current?.renew(),
    /** `undefined` before the gateway is found. */
    stats: (): GatewayStats | undefined => current?.stats(),
    /** Shows another presence, which `presence` returns for later threads. */
    setPresence: (presence: Presence): void => current?.setPresence(presence),
    /** Joins, moves or leaves a voice channel. Discord answers by events, or does not. */
    setVoice: (own: OwnVoice): void => current?.setVoice(own),
    /** Closes so that the session can be resumed. Call it after `stopping` is aborted. */
    async stop(): Promise<void> {
      isStopped = true;
      await opening;
      cancelRelocation();
      await current?.stop();
    },
  };
}

export type Connection = ReturnType<typeof createGatewayConnection>;

/** Whether the IDENTIFY or RESUME has left, so that Discord's answer comes next. */
function hasAsked({ state }: ConnectionState): boolean {
  return state === "resuming" || state === "ready" || state === "fatal";
}

const STORE_RETRY_MS = 5_000;

/** How long the thread keeps a session with a hole while events are held, in milliseconds. */
const HOLDING_MS = 500;

/**
 * Creates the handler of permit requests.
 *
 * @param onBudget Receives the budget whenever it changes or is found spent.
 * @returns Decides about an IDENTIFY. With `isPreview` it only tells whether a permit would be
 * granted, and counts none.
 */
export function createPermits(
  { store: { gateway: store }, accountId, now, held, log }: BotAccount,
  onBudget: (budget: IdentifyBudget) => void,
): (isPreview: boolean) => Promise<PermitAnswer> {
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

  function sayHeld({ left, heldUntil }: IdentifyBudget): void {
    if (heldUntil === undefined) return;
    log.error(
      "Daily IDENTIFY limit almost reached: not opening a new session, because Discord resets tokens that exceed it",
      { left, until: new Date(heldUntil).toISOString() },
    );
  }

  async function preview(): Promise<PermitAnswer> {
    // If the process dies, only the old session can send the held events again.
    if (held.isHolding) return { kind: "wait", waitMs: HOLDING_MS, why: "spacing" };
    const waitMs = await store.identifyInMs(accountId, now());
    if (waitMs === 0) return { kind: "granted" };
    const budget = await store.identifyBudget(accountId, now());
    onBudget(budget);
    sayHeld(budget);
    return { kind: "wait", waitMs, why: budget.heldUntil === undefined ? "spacing" : "budget" };
  }

  async function decide(): Promise<PermitAnswer> {
    const asked = await store.takeIdentify(accountId, now());
    const budget = await store.identifyBudget(accountId, now());
    onBudget(budget);
    report(budget);
    if (asked.kind === "granted") return asked;
    if (asked.why === "budget") sayHeld({ ...budget, heldUntil: asked.untilMs });
    return { kind: "wait", waitMs: Math.max(0, asked.untilMs - now()), why: asked.why };
  }

  return async (isPreview) => {
    try {
      return await (isPreview ? preview() : decide());
    } catch (error) {
      log.error("Cannot store the IDENTIFY count, so no IDENTIFY is sent; trying again", { error });
      return { kind: "wait", waitMs: STORE_RETRY_MS, why: "spacing" };
    }
  };
}

/** How long stored flags of the application are used without asking Discord, in milliseconds. */
const FRESH_MS = DAY_MS;

/**
 * Chooses the intents for an account, from stored or freshly read flags.
 *
 * @throws {RestError} If Discord refuses the token.
 */
async function createIntentChoice(account: BotAccount) {
  const { accountId, stored, store, now, log } = account;
  const { gateway } = account.config().discord;
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
      const application = await readApplication(account);
      await store.gateway.saveApplication(accountId, application, now());
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
      await store.gateway.saveIntents(accountId, bits).then(
        () => void (saved = bits),
        (error: unknown) => {
          log.error("Cannot store the intents; the next start will resume nothing", { error });
        },
      );
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
      const application = await readApplication(account).catch(() => ({ flags: 0 }));
      const candidates = [chooseIntents(wanted, application.flags), chooseIntents(wanted, 0)];
      const fewer = candidates.find(({ bits }) => bits !== chosen.bits);
      const granted = fewer === candidates[0] ? application.flags : 0;
      await store.gateway.saveApplication(accountId, { ...application, flags: granted }, now())
        .catch(
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

/** A stored session that cannot be resumed. */
interface LostSession {
  /** Unix time in milliseconds of the session's last event. */
  readonly aliveAt: number;
  readonly why: string;
}

/**
 * The stored session that the account resumes, or why it cannot.
 *
 * @param intents Intents that an IDENTIFY would ask for now. A RESUME keeps those of its session.
 * @param isComplete Whether the guild index is complete. A resumed session does not send the guilds
 * again. Asked only if the session could be resumed, because the index takes long to load.
 */
export async function planSession(
  { connection, intents: itsIntents }: StoredAccount,
  { intents, resumeSession, sessionCacheTtlSec, now, isComplete }: {
    readonly intents: number;
    readonly resumeSession: boolean;
    readonly sessionCacheTtlSec: number;
    readonly now: number;
    readonly isComplete: () => Promise<boolean>;
  },
): Promise<{ readonly session?: GatewaySession; readonly lost?: LostSession }> {
  if (!connection?.session) return {};
  const { aliveAt, session: { sessionId, resumeUrl, seq, hasHole } } = connection;
  const lost = (why: string) => ({ lost: { aliveAt, why } });
  if (itsIntents !== intents) return lost("it has other intents");
  if (!resumeSession) return lost("gateway.reconnect.resumeSession is false");
  if (now - aliveAt > sessionCacheTtlSec * 1_000) return lost("it is too old");
  if (!await isComplete()) return lost("the stored guilds are incomplete");
  return { session: { sessionId, resumeUrl, seq, hasHole: hasHole || undefined } };
}

async function forgetRefused({ accountId, store, log }: BotAccount): Promise<void> {
  try {
    await store.gateway.forgetRefused(accountId);
  } catch (error) {
    log.warn("Cannot store that Discord has refused an IDENTIFY", { error });
  }
}
