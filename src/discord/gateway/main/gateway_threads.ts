/**
 * Presents the gateway threads of an account, one after the other, as one gateway.
 *
 * The count outlives the process, so no crash loop can spend more IDENTIFYs than Discord allows in
 * a day. Discord would reset the token (G5).
 */

import {
  type GatewayStats,
  type IdentifyBudget,
  LOW,
  type OwnVoice,
  type Presence,
  SPACING_MS,
} from "../../../core/discord/gateway.ts";
import type { AccountId } from "../../../core/discord/ids.ts";
import type { OfferedForm } from "../../../core/people/question.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import type { GatewayRecords } from "../../../store/gateway/gateway.ts";
import type { GatewayOptions, PermitAnswer, ShardOptions } from "../link/protocol.ts";
import type { SupervisorPorts } from "./supervisor.ts";
import { type Gateway, type GatewayEvents, startGateway } from "./thread.ts";

/** The dependencies of an account's permits. */
export interface PermitsPorts extends Clock {
  readonly store: Pick<GatewayRecords, "takeIdentify" | "identifyBudget" | "identifyInMs">;
  readonly accountId: AccountId;
  readonly answer: (shardId: number, answer: PermitAnswer) => void;
  /** Whether received events wait in memory, because the account is still loading. */
  readonly isHolding: () => boolean;
  /** Receives the budget whenever it changes or is found spent. */
  readonly onBudget: (budget: IdentifyBudget) => void;
  readonly log: Log;
}

/** How long a shard waits after the store failed, in milliseconds. */
const STORE_RETRY_MS = 5_000;

/** How long a shard keeps a session with a hole while events are held, in milliseconds. */
const HOLDING_MS = 500;

/**
 * Creates the handler of permit requests.
 *
 * @returns Handles a shard's request. With `isAhead` it only asks whether a permit would be
 * granted, and counts none.
 */
export function createPermits(
  ports: PermitsPorts,
): (shardId: number, isAhead: boolean) => void {
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
export async function firstIdentifyInMs(
  accountId: AccountId,
  shardId: number,
  { store, now }: Clock & { readonly store: GatewayRecords },
): Promise<number> {
  return Math.min(await store.identifyInMs(accountId, shardId, now()), SPACING_MS);
}

/** Logs that the bot waits for its IDENTIFY budget, and until when. */
function sayHeld({ left, heldUntil }: IdentifyBudget, log: Log): void {
  if (heldUntil === undefined) return;
  log.error(
    "Daily IDENTIFY limit almost reached: not opening a new session, because Discord resets tokens that exceed it",
    { left, until: new Date(heldUntil).toISOString() },
  );
}

/** Options shared by all threads of an account; the address is the first thread's. */
export type ThreadOptions = Omit<GatewayOptions, "shards" | "intents" | "proxy">;

/** Creates the account's gateway; `open` starts its first thread. */
export function createGatewayThreads(
  options: ThreadOptions,
  ports:
    & Omit<GatewayEvents, "onLog" | "onPermitWanted">
    & Omit<PermitsPorts, "answer">
    & Pick<SupervisorPorts, "workerUrl" | "takeThread" | "random">
    & {
      /** Returns the proxy for a URL, if one is configured (G15). */
      readonly proxyFor: (url: string) => string | undefined;
    },
) {
  const { store, accountId, now, isHolding, onBudget, proxyFor, log } = ports;
  const { workerUrl, takeThread, random } = ports;
  let { url, presence } = options;
  let forms: readonly OfferedForm[] = [];
  let current: Gateway | undefined;
  let committedUpTo = 0;
  let isTold = true;
  const ready = new Set<number>();
  const permits = createPermits({
    store,
    accountId,
    now,
    answer: (shardId, answer) => current?.permit(shardId, answer),
    isHolding,
    onBudget,
    log,
  });
  const events: GatewayEvents = {
    onBatch: ports.onBatch,
    onState(shardId, state) {
      if (state.state === "ready") ready.add(shardId);
      else ready.delete(shardId);
      ports.onState(shardId, state);
    },
    onBeat: ports.onBeat,
    onDelay: ports.onDelay,
    onRefused: ports.onRefused,
    onPermitWanted: permits,
    onLog: (level, event, fields) => log[level](event, fields),
    onFinal: ports.onFinal,
  };

  return {
    /** Starts a thread. The previous thread has ended, or is stopped. */
    open(shards: readonly ShardOptions[], intents: number): void {
      const proxy = proxyFor(url);
      current = startGateway(
        { ...options, url, presence, intents, proxy, shards },
        events,
        { workerUrl, takeThread, now, random },
        current?.lastTicket(),
      );
      current.setForms(forms);
    },
    isUp: (): boolean => ready.size === options.shardCount,
    url: (): string => url,
    /** Uses another address for later connections. */
    setUrl(moved: string): void {
      url = moved;
      current?.setUrl(moved);
    },
    /** Replaces the forms that people may open. */
    setForms(offered: readonly OfferedForm[]): void {
      forms = offered;
      current?.setForms(offered);
    },
    /** Takes the interactions of an owner or approver, however many others send. */
    admit: (userId: string): void => current?.admit(userId),
    /** Replaces the shard's session, because an event of it could not be read. */
    renew: (shardId: number): void => current?.renew(shardId),
    setVoice: (own: OwnVoice): void => current?.setVoice(own),
    /** Shows another presence, in later threads too. */
    setPresence(changed: Presence): void {
      presence = changed;
      current?.setPresence(changed);
    },
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
    /** `undefined` before the first thread. */
    stats: (): GatewayStats | undefined => current?.stats(),
    /** Closes the gateway so that its sessions can be resumed. */
    stop: async (): Promise<void> => await current?.stop(),
  };
}

/** The current gateway thread of an account, whichever thread that is. */
export type GatewayThreads = ReturnType<typeof createGatewayThreads>;
