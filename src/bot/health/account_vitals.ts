/**
 * How one account is, as its parts have told it last.
 *
 * An account may end, or be stopped and started anew while the process goes on
 * (C9), so its parts are asked for each time, and what they have told is
 * forgotten with them.
 *
 * @module
 */

import type { TurnOutcome } from "../../agent/turn.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { ModelError } from "../../core/model.ts";
import type { ShardState } from "../../discord/gateway/link/protocol.ts";
import type { GatewayStats } from "../../discord/gateway/main/thread.ts";
import type { AccountSnapshot, Shard } from "../../http/snapshot.ts";
import type { Store } from "../../store/store.ts";
import type { AccountEnd } from "./account_end.ts";

/** What the parts of an account say of themselves. */
export interface PartsStatus
  extends Pick<AccountSnapshot, "catchUp" | "twin" | "findings" | "parked"> {
  readonly rest: Omit<AccountSnapshot["rest"], "isUp">;
}

/** An account's parts, as far as its health is read off them. */
export interface AccountParts {
  /** `undefined` before the gateway is found. */
  stats(): GatewayStats | undefined;
  status(): PartsStatus;
}

/** What the store knows of an account's health. */
export interface AccountStore {
  readonly gateway: Pick<Store["gateway"], "touchAlive" | "identifyBudget">;
  readonly pairing: Pick<Store["pairing"], "requests">;
}

export interface AccountVitalsPorts {
  readonly store: AccountStore;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Asks the store for its figures now. */
  readonly refresh: () => void;
  /** Something has waited for the main thread, so many milliseconds. */
  readonly onDelay: (ms: number) => void;
}

export interface AccountVitals {
  readonly accountId: AccountId;
  /**
   * The account starts, for the first time or anew: what was told before is forgotten.
   *
   * @param modelId `"<provider>/<model>"`.
   * @param parts `undefined` until it has them.
   */
  began(modelId: string, parts: () => AccountParts | undefined): void;
  /** It goes on with another model. */
  setModel(modelId: string): void;
  /** It cannot go on. */
  ended(end: AccountEnd): void;
  /** It was stopped, for the config disables it or has it no more. */
  left(): void;
  /** How many shards there are to be; one until somebody says so. */
  setShardCount(count: number): void;
  setShard(shardId: number, state: ShardState): void;
  setLatency(shardId: number, latencyMs: number): void;
  setRest(isUp: boolean): void;
  /** What a turn tells of its model: whether it can answer anybody. */
  setTurn(outcome: TurnOutcome): void;
  /** What the gateway's thread has sent was read so many milliseconds later. */
  delayed(ms: number): void;
  /** What the store says of IDENTIFYs is asked anew. */
  refresh(): void;
  snapshot(): AccountSnapshot;
  /** What its turns have told of its model; `undefined` of an account that does not run. */
  model(): ModelWord | undefined;
  /** Reads what the store knows: how many IDENTIFYs are left, and how many strangers wait. */
  readStore(): Promise<void>;
  /**
   * Writes when the shards were heard. Only a shard that is heard keeps its session fresh.
   *
   * @param isProbe Whether to wait until the disk has it.
   * @returns Milliseconds that it took.
   */
  touch(isProbe: boolean): Promise<number>;
}

/** The last word on a model, of one account's turns. Times are Unix time in milliseconds. */
export interface ModelWord {
  readonly id: string;
  /** Since when it answers nobody; absent while it serves. */
  readonly openAt?: number;
  /** When it answered last. */
  readonly servedAt?: number;
}

/** What is told of an account, from its start to its next. */
interface Told {
  readonly startedAt: number;
  readonly parts: () => AccountParts | undefined;
  readonly states: Map<number, ShardState>;
  readonly latencies: Map<number, number>;
  shardCount: number;
  isRestUp: boolean;
  model: ModelWord;
  stored: Pick<AccountSnapshot, "identify" | "pairingPending">;
  end?: string;
}

/** Of an account that has no parts, or none yet. */
const NO_STATUS: PartsStatus = {
  catchUp: { pending: 0, unreadable: [] },
  findings: [],
  parked: [],
  rest: { invalidRequests: 0, breaker: "closed" },
};

export function createAccountVitals(
  accountId: AccountId,
  { store, now, refresh, onDelay }: AccountVitalsPorts,
): AccountVitals {
  let told: Told | undefined;

  return {
    accountId,
    began(modelId, parts) {
      told = {
        startedAt: now(),
        parts,
        states: new Map(),
        latencies: new Map(),
        shardCount: 1,
        isRestUp: true,
        model: { id: modelId },
        stored: {},
      };
      refresh();
    },
    setModel(modelId) {
      if (told && told.model.id !== modelId) told.model = { id: modelId };
    },
    ended(end) {
      if (told) told.end = wordsOf(end);
    },
    left: () => void (told = undefined),
    setShardCount(count) {
      if (told) told.shardCount = count;
    },
    setShard: (shardId, state) => void told?.states.set(shardId, state),
    setLatency: (shardId, latencyMs) => void told?.latencies.set(shardId, latencyMs),
    setRest(isUp) {
      if (told) told.isRestUp = isUp;
    },
    setTurn(outcome) {
      if (told) told.model = heard(told.model, outcome, now());
    },
    delayed: onDelay,
    refresh,
    snapshot() {
      if (!told) return { id: accountId, state: "disabled", shards: [], ...unknown() };
      const { stored, end, isRestUp } = told;
      const stats = told.parts()?.stats();
      const { rest, ...status } = told.parts()?.status() ?? NO_STATUS;
      return {
        id: accountId,
        state: end === undefined ? "running" : "ended",
        ...(end !== undefined && { end }),
        ...(stats && { gatewayTickAt: stats.tickAt, compression: stats.compression }),
        shards: shardsOf(accountId, told, stats),
        ...stored,
        ...status,
        rest: { ...rest, isUp: isRestUp },
      };
    },
    model: () => told && told.end === undefined ? told.model : undefined,
    async readStore() {
      const asked = told;
      if (!asked) return;
      const identify = await store.gateway.identifyBudget(accountId, now());
      const { length: pairingPending } = await store.pairing.requests(accountId, now());
      asked.stored = { identify, pairingPending };
    },
    touch: (isProbe) =>
      store.gateway.touchAlive(accountId, told ? heardOf(told, now()) : [], now(), isProbe),
  };
}

function unknown(): Omit<PartsStatus, "rest"> & Pick<AccountSnapshot, "rest"> {
  return { ...NO_STATUS, rest: { ...NO_STATUS.rest, isUp: true } };
}

/** When each shard was heard last; not of those that this start has not heard yet. */
function heardOf(
  { states }: Told,
  now: number,
): readonly { readonly shardId: number; readonly heardAt: number }[] {
  return [...states].flatMap(([shardId, { state, ack }]) => {
    const heardAt = state === "ready" ? now : ack?.at;
    return heardAt === undefined ? [] : [{ shardId, heardAt }];
  });
}

function shardsOf(
  accountId: AccountId,
  { startedAt, states, latencies, shardCount }: Told,
  stats: GatewayStats | undefined,
): readonly Shard[] {
  return Array.from({ length: shardCount }, (_, shardId) => {
    const { state = "connecting", readyAt = startedAt, isDown = false, ack, waits } =
      states.get(shardId) ?? {};
    const latencyMs = latencies.get(shardId) ?? 0;
    const seqCommitted = stats?.seqCommitted.get(shardId);
    return {
      id: `${accountId}/${shardId}`,
      state,
      readyAt,
      isDown,
      ...(ack && { ack: { ...ack, latencyMs } }),
      ...(seqCommitted !== undefined && { seqCommitted }),
      ...(waits && { waits }),
    };
  });
}

function heard(word: ModelWord, outcome: TurnOutcome, now: number): ModelWord {
  if (outcome.kind === "reply") return { id: word.id, servedAt: now };
  const isOpen = outcome.kind === "failed" && isOutage(outcome.error);
  return isOpen ? { ...word, openAt: word.openAt ?? now } : word;
}

/** Whether the next turn would fail the same way; a limit or a bad answer is this turn's alone. */
function isOutage(error: unknown): boolean {
  return error instanceof ModelError &&
    (error.kind === "unauthorized" || error.kind === "not_found" || error.kind === "unavailable");
}

/** Why it ended, and what to do. */
function wordsOf(end: AccountEnd): string {
  switch (end.kind) {
    case "refused":
    case "stop":
      return end.hint;
    case "give_up":
      return "gave up connecting; see by `barnacle doctor` what is in the way, then restart";
    case "worker_died":
      return `the gateway's thread died ${end.deaths} times; restart, and report it if it comes back`;
    case "fault":
      return "a fault of Barnacle's own, or of this machine; the log has it";
  }
}
