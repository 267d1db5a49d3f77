/**
 * Keeps the health of one account, from the last reports of its parts.
 *
 * An account may end or restart while the process goes on (C9). So its parts are looked up for each
 * snapshot, and their reports are dropped with them.
 */

import type { AlertRecord } from "../../core/finding.ts";
import type { McpServerState } from "../../core/mcp_state.ts";
import { judgeHealth } from "../checks.ts";
import { type Finding, isTrouble } from "../../core/finding.ts";
import type { Meters } from "../metrics.ts";
import type { TurnOutcome } from "../../core/step.ts";
import type { BudgetUseOf } from "../../core/spending/budget.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { type ContextWindow, ModelError } from "../../core/model.ts";
import {
  type ModelDown,
  modelProblemOf,
  nextStepAfter,
  wordsOf,
} from "../../core/model_problem.ts";
import type { GatewayStats, ShardState } from "../../core/discord/gateway.ts";
import type { AccountSnapshot, ModelSnapshot, ShardSnapshot, Snapshot } from "../snapshot.ts";
import type { Clock, Timers } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../../store/store.ts";

export interface PartsStatus
  extends Pick<AccountSnapshot, "catchUp" | "twin" | "findings" | "delayed"> {
  readonly rest: Omit<AccountSnapshot["rest"], "isUp">;
}

export interface AccountParts {
  /** `undefined` before the gateway is found. */
  stats(): GatewayStats | undefined;
  status(): PartsStatus;
}

export interface HealthSources extends Timers {
  readonly store: Store;
  readonly log: Log;
  readonly metrics: Meters;
  /** The shortest resume window of all accounts, in milliseconds. */
  readonly resumableMs: () => number;
  /** Reads the budgets of the whole bot and of its agents, and spent ones of guilds; absent: none. */
  readonly budgets?: () => Promise<readonly BudgetUseOf[]>;
  /** The slow checks, which load at the first read; absent: none. */
  readonly slow?: { get(): Promise<() => Promise<readonly Finding[]>> };
  /** States of the MCP servers; absent if there are none. */
  readonly mcpServers?: () => readonly McpServerState[];
  /** Memory of the process; absent, or `undefined`: it cannot be read. */
  readonly residentBytes?: () => number | undefined;
  /** Open alerts; absent in a process that watches for none. */
  readonly alerts?: () => readonly AlertRecord[];
}

/** Receives an account's reports, and takes snapshots of its health. */
export type AccountHealth = ReturnType<typeof reporting>;

/** The last report of one account's turns on a model. */
export interface ModelWord extends Omit<ModelSnapshot, "hasAnswered"> {
  /** Unix time in milliseconds of its last answer. */
  readonly servedAt?: number;
}

interface ToldModel {
  model: ModelWord;
  /** The fallback that gave the last answer; absent if the model itself did. */
  fallback?: ModelWord;
  /** Failed turns since the last answer, and Unix time in milliseconds of the first one. */
  failures?: { readonly count: number; readonly since: number };
}

interface Told {
  readonly startedAt: number;
  readonly parts: () => AccountParts | undefined;
  readonly states: Map<number, ShardState>;
  readonly latencies: Map<number, number>;
  shardCount: number;
  isRestUp: boolean;
  /** The agents' models, by id. */
  readonly models: Map<string, ToldModel>;
  stored: Pick<AccountSnapshot, "identify" | "parked" | "paused">;
  end?: string;
}

function newlyTold(modelIds: readonly string[], parts: Told["parts"], startedAt: number): Told {
  return {
    startedAt,
    parts,
    states: new Map(),
    latencies: new Map(),
    shardCount: 1,
    isRestUp: true,
    models: new Map(modelIds.map((id) => [id, { model: { id } }])),
    stored: { parked: [] },
  };
}

/** The status of an account without parts. */
const NO_STATUS: PartsStatus = {
  catchUp: { pending: 0, unreadable: [] },
  findings: [],
  delayed: [],
  rest: { invalidRequests: 0, breaker: "closed" },
};

/** Creates the health of an account that has not started. */
export function createAccountHealth(...account: Parameters<typeof reporting>): AccountHealth {
  return reporting(...account);
}

/**
 * @param refresh Reads the store's figures now.
 * @param onDelay A task has waited this many milliseconds for the main thread.
 * @param whole The health of the whole bot, which has this account, too.
 */
function reporting(
  accountId: AccountId,
  { store, now }: Clock & { readonly store: Store },
  refresh: () => void,
  onDelay: (ms: number) => void,
  whole: () => Snapshot,
) {
  let told: Told | undefined;

  return {
    accountId,
    /** The health of the whole bot, from memory. */
    whole,
    /**
     * The account starts or restarts; earlier reports are dropped.
     *
     * @param modelIds `"<provider>/<model>"` of each agent's model, each once.
     * @param parts Returns `undefined` until the account has its parts.
     */
    began(modelIds: readonly string[], parts: () => AccountParts | undefined): void {
      told = newlyTold(modelIds, parts, now());
      refresh();
    },
    setModels(modelIds: readonly string[]): void {
      if (!told) return;
      const { models } = told;
      for (const id of models.keys()) if (!modelIds.includes(id)) models.delete(id);
      for (const id of modelIds) if (!models.has(id)) models.set(id, { model: { id } });
    },
    /** The account has ended by itself; the reason says how to fix it. */
    ended(reason: string): void {
      if (told) told.end = reason;
    },
    /** The account is stopped, because the config disables it or no longer has it. */
    left: (): void => void (told = undefined),
    /** Sets the number of the account's shards; 1 until then. */
    setShardCount(count: number): void {
      if (told) told.shardCount = count;
    },
    setShard: (shardId: number, state: ShardState): void => void told?.states.set(shardId, state),
    /** Milliseconds until Discord acknowledged a shard's heartbeat. */
    setLatency: (shardId: number, ms: number): void => void told?.latencies.set(shardId, ms),
    /** Whether the last request reached Discord. */
    setRest: (isUp: boolean): void => void (told && (told.isRestUp = isUp)),
    /** A turn reports whether its model answers. One that a person chose is not watched. */
    setTurn(outcome: TurnOutcome, modelId: string): void {
      const known = told?.models.get(modelId);
      if (known) noteTurn(known, outcome, now());
    },
    /** The main thread read a message of the gateway thread this many milliseconds late. */
    delayed: onDelay,
    /** The store's IDENTIFY figures have changed; the next snapshot reads them. */
    refresh,
    snapshot(): AccountSnapshot {
      if (!told) return { id: accountId, state: "disabled", shards: [], parked: [], ...unknown() };
      const { stored, end, isRestUp } = told;
      const stats = told.parts()?.stats();
      const { rest, ...status } = told.parts()?.status() ?? NO_STATUS;
      return {
        id: accountId,
        state: end === undefined ? "running" : "ended",
        end,
        gatewayTickAt: stats?.tickAt,
        compression: stats?.compression,
        shards: shardsOf(accountId, told),
        ...stored,
        ...status,
        rest: { ...rest, isUp: isRestUp },
      };
    },
    isRunning: (): boolean => told !== undefined && told.end === undefined,
    /**
     * The turns' last reports on each agent's model, and on the fallback that answers for it (L3);
     * none of an account that is not running.
     */
    models: (): readonly ToldModel[] =>
      told && told.end === undefined ? [...told.models.values()] : [],
    /** Reads the IDENTIFYs left, parked channels, and the pause. */
    async readStore(): Promise<void> {
      const asked = told;
      if (!asked) return;
      const identify = await store.gateway.identifyBudget(accountId, now());
      const parked = await store.outbox.parked(accountId, now());
      const paused = await store.settings.pauseOf(accountId);
      asked.stored = { identify, parked, paused };
    },
    /**
     * Stores when each shard was last alive. Only a live shard keeps its session resumable.
     *
     * @param isProbe Whether to wait for the disk.
     * @returns The duration in milliseconds.
     */
    touch: (isProbe: boolean): Promise<number> =>
      store.gateway.touchAlive(accountId, told ? heardOf(told, now()) : [], now(), isProbe),
  };
}

function unknown(): Omit<PartsStatus, "rest"> & Pick<AccountSnapshot, "rest"> {
  return { ...NO_STATUS, rest: { ...NO_STATUS.rest, isUp: true } };
}

/** When each shard was last alive; without shards that were not alive since this start. */
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
): readonly ShardSnapshot[] {
  return Array.from({ length: shardCount }, (_, shardId) => {
    const { state = "connecting", readyAt = startedAt, isDown = false, ack, waits } =
      states.get(shardId) ?? {};
    const latencyMs = latencies.get(shardId) ?? 0;
    return {
      id: `${accountId}/${shardId}`,
      state,
      readyAt,
      isDown,
      ack: ack ? { ...ack, latencyMs } : undefined,
      waits,
    };
  });
}

/** Failed turns in a row after which the model counts as failing, whatever the failures are. */
const FAILING_TURNS = 3;

function noteTurn(told: ToldModel, outcome: TurnOutcome, now: number): void {
  const { model, failures } = told;
  delete told.fallback;
  if (outcome.kind === "reply") {
    const { modelId = model.id } = outcome;
    const answered = { id: modelId, servedAt: now };
    if (modelId === model.id) told.model = answered;
    else {
      told.fallback = answered;
      const { failure, replaced } = outcome;
      const kind = failure?.kind;
      const fix = kind === undefined ? model.fix : nextStepAfter(`${kind}: ${model.id}`);
      told.model = {
        ...model,
        openAt: replaced?.since ?? model.openAt ?? now,
        fix,
        failure: failure?.message ?? model.failure,
        down: failure
          ? downBy(failure, 0, fix)
          : model.down?.needsOperator
          ? model.down
          : undefined,
        cover: { by: modelId, why: replaced?.why ?? kind, until: replaced?.until },
      };
    }
    delete told.failures;
  }
  // A refused conversation says nothing about the model's state.
  if (outcome.kind !== "failed" || outcome.why === "filtered") return;
  const { count, since } = { count: (failures?.count ?? 0) + 1, since: failures?.since ?? now };
  told.failures = { count, since };
  const openAt = model.openAt ??
    (isOutage(outcome.error) ? now : count >= FAILING_TURNS ? since : undefined);
  if (openAt === undefined) return;
  const fix = nextStepAfter(outcome.reason);
  const { error } = outcome;
  const failure = error instanceof ModelError ? error.message : undefined;
  const down = downBy(error, count, fix);
  told.model = { ...model, openAt, fix, failure, down, cover: undefined };
}

/** Why the model answers no question; `undefined` while the failures may be an accident. */
function downBy(error: unknown, count: number, fix: string | undefined): ModelDown | undefined {
  const problem = error instanceof ModelError ? modelProblemOf(error) : undefined;
  const words = error instanceof ModelError ? wordsOf(error) : "";
  if (problem) return { cause: `${problem.why}${words}`, fix: problem.fix, needsOperator: true };
  if (count < FAILING_TURNS) return undefined;
  const kind = error instanceof ModelError ? `, the last one as "${error.kind}"${words}` : "";
  return { cause: `its last ${count} turns failed${kind}`, fix, needsOperator: false };
}

/**
 * Whether the next turn would fail the same way: only the operator can fix it, or the server is
 * down. Another failure may concern one turn alone.
 */
function isOutage(error: unknown): boolean {
  return error instanceof ModelError &&
    (["unavailable", "server_error"].includes(error.kind) || modelProblemOf(error) !== undefined);
}

/**
 * Whether a finding needs attention. The model in use and spent budgets of the whole bot and of agents
 * have lines of their own.
 */
function isWarning(finding: Finding): boolean {
  const { id, where = "" } = finding;
  const hasOwnLine = id.startsWith("llm:") ||
    (id === "budget" && !where.startsWith("budgets.perGuild."));
  return isTrouble(finding) && !hasOwnLine;
}

/** The state of an account, for `/status`. */
export interface StatusFacts {
  /** With the commit, if it is known. */
  readonly version: string;
  /** The model of the conversation, as `"<provider>/<model>"`. */
  readonly modelId: string;
  /** The fallback that answers for it; absent if none does. */
  readonly fallbackId?: string;
  /** Unix time in milliseconds since which it has failed; absent while it answers. */
  readonly modelFailsSince?: number;
  /** The window of the conversation's model; absent if not known. */
  readonly window?: ContextWindow;
  /** Problems of the account, in words; absent if the asker is no owner. */
  readonly warnings?: readonly string[];
  readonly readyAt: number;
  /** Round trip of the last heartbeat, in milliseconds; absent before the first. */
  readonly latencyMs?: number;
}

/**
 * Collects the facts of one account that `/status` shows to an owner.
 *
 * @param modelId The model of the conversation; it counts unless a fallback answers for it.
 * @param now Unix time in milliseconds, used as the start of an account without a ready shard.
 */
export function statusOf(
  health: AccountHealth,
  version: string,
  modelId: string,
  now: number,
): StatusFacts & { readonly warnings: readonly string[] } {
  const snapshot = health.snapshot();
  const ready = snapshot.shards.filter(({ state }) => state === "ready");
  const known = health.models().find(({ model: { id } }) => id === modelId);
  const latencies = ready.flatMap(({ ack }) => ack ? [ack.latencyMs] : []);
  return {
    version,
    modelId,
    fallbackId: known?.fallback?.id,
    modelFailsSince: known?.model.openAt,
    warnings: judgeHealth({ ...health.whole(), accounts: [snapshot] }, now).filter(isWarning)
      .map(({ what, where, why }) => [what, where, why].filter(Boolean).join(": ")),
    readyAt: Math.min(now, ...ready.map(({ readyAt }) => readyAt)),
    latencyMs: latencies.length > 0 ? Math.max(...latencies) : undefined,
  };
}
