/**
 * What `barnacle doctor` sees of this machine: the data directory, the store in
 * it, the bot that runs there, and whoever else has its token.
 *
 * It looks while the bot works, so the store is opened to be read only, and no
 * lock is kept.
 *
 * @module
 */

import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DAY_MS } from "../../core/discord/day.ts";
import type { IdentifyBudget } from "../../core/discord/identify_budget.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { ResolvedName } from "../../core/names.ts";
import {
  type BotProcess,
  type HostFacts,
  type Problem,
  RUN_AS_OWNER,
  type StoreFacts,
  type TokenHolder,
} from "../../flows/preflight/host.ts";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import { takeTokenLock } from "../../host/locks/token_lock.ts";
import { codeOf } from "../../lib/error_code.ts";
import { MIGRATIONS, schemaOf } from "../../store/database/migrations.ts";
import type { Run } from "../../store/gateway/runs.ts";
import { createStore } from "../../store/store.ts";
import { StoreError, toStoreError } from "../../store/database/store_error.ts";
import {
  askStatus,
  holderOf,
  isHeld,
  isHidden,
  lockOf,
  STATUS_TIMEOUT_MS,
} from "../shared/running_bot.ts";

export interface HostOptions {
  readonly dataDir: string;
  /** `http.token`, where the config has one. */
  readonly httpToken?: string;
  /** `bot`: what its token's lock is taken for; absent where there is no token. */
  readonly accounts: readonly { readonly accountId: AccountId; readonly bot?: string }[];
  /** Unix time in milliseconds. */
  readonly now: number;
  /** The newest schema that this Barnacle knows; another one in tests. */
  readonly newestSchema?: number;
}

/** Facts, and what the store knows that others judge by. */
export interface HostView {
  readonly facts: HostFacts;
  readonly known?: StoreView;
}

export interface StoreView {
  readonly accounts: ReadonlyMap<AccountId, AccountView>;
  /** Those of the last 24 hours; the last of them may be the bot that runs. */
  readonly runs: readonly Run[];
}

export interface AccountView {
  readonly gatewayUrl?: string;
  readonly budget: IdentifyBudget;
  /** Names of the config that its bot has found to be ids (P12). */
  readonly names: readonly ResolvedName[];
}

export async function lookAtHost(options: HostOptions): Promise<HostView> {
  const { dataDir, httpToken, accounts, now, newestSchema = MIGRATIONS.length } = options;
  const problem = problemOf(dataDir);
  const freeBytes = freeBytesOf(dataDir);
  const ids = accounts.map(({ accountId }) => accountId);
  const store = await lookAtStore(join(dataDir, DATABASE_NAME), ids, now, newestSchema);
  const holders: TokenHolder[] = [];
  for (const { bot } of accounts) {
    const holder = bot === undefined ? undefined : await tokenHolder(bot, dataDir, now);
    if (holder) holders.push(holder);
  }
  // Of several, one that somebody else has is worth telling.
  const token = holders.find(({ kind }) => kind === "held") ?? holders[0];
  return {
    facts: {
      dataDir,
      ...(problem && { dataProblem: problem }),
      ...(freeBytes !== undefined && { freeBytes }),
      store: store.facts,
      bot: await lookAtBot(dataDir, httpToken),
      ...(token && { token }),
    },
    ...(store.known && { known: store.known }),
  };
}

/** What keeps a start from using the directory; it is not made here. */
function problemOf(path: string): Problem | undefined {
  const nearest = nearestOf(path);
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return {
      why: `${nearest} cannot be written to (${codeOf(error) ?? "unknown reason"})`,
      fix: isHidden(nearest)
        ? RUN_AS_OWNER
        : "give it to the user that runs Barnacle, or name another directory by --data",
    };
  }
}

function freeBytesOf(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(nearestOf(path));
    return bavail * bsize;
  } catch {
    return undefined; // some file systems do not tell
  }
}

/** The directory, or where it would be made. */
function nearestOf(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestOf(dirname(path));
}

async function lookAtStore(
  path: string,
  accountIds: readonly AccountId[],
  now: number,
  newest: number,
): Promise<{ readonly facts: StoreFacts; readonly known?: StoreView }> {
  if (isHidden(path)) return { facts: { kind: "hidden" } };
  if (!existsSync(path)) return { facts: { kind: "none" } };
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const schema = schemaOf(database);
      if (schema > newest) {
        const why = `a newer Barnacle wrote it (schema ${schema}, this one knows ${newest})`;
        const fix = "run that one, or put a copy of before in its place";
        return { facts: { kind: "refused", why, fix } };
      }
      database.prepare("SELECT COUNT(*) FROM sqlite_schema").get(); // a damaged file says so here
      const facts = { kind: "opens", schema, newest } as const;
      return schema < newest ? { facts } : { facts, known: await readStore(database) };
    } finally {
      database.close();
    }
  } catch (thrown) {
    const error = toStoreError(thrown, path);
    if (!(error instanceof StoreError)) throw error;
    return { facts: { kind: "refused", ...saidOf(error) } };
  }

  async function readStore(database: DatabaseSync): Promise<StoreView> {
    const store = createStore(database, path, {
      elapsed: () => performance.now(),
      isReadOnly: true,
    });
    const accounts = new Map<AccountId, AccountView>();
    for (const accountId of accountIds) {
      const { gateway } = await store.gateway.loadAccount(accountId);
      const budget = await store.gateway.identifyBudget(accountId, now);
      const names = await store.pairing.namesOf(accountId);
      accounts.set(accountId, { ...(gateway && { gatewayUrl: gateway.url }), budget, names });
    }
    return { accounts, runs: await store.gateway.runs(now - DAY_MS) };
  }
}

function saidOf({ kind, cause }: StoreError): Problem {
  const reason = cause instanceof Error ? ` (${cause.message})` : "";
  if (kind === "damaged") {
    return {
      why: `it is damaged${reason}`,
      fix: "move it aside and put a copy in its place, or start with another --data",
    };
  }
  return {
    why: `it cannot be used now${reason}`,
    fix: "see that the disk is mounted and writable, and that no other program holds the file",
  };
}

/** Who holds the lock, and what it says when it is asked. */
async function lookAtBot(dataDir: string, token: string | undefined): Promise<BotProcess> {
  const held = await isHeld(dataDir);
  if (held === false) return { kind: "none" };
  if (isHidden(lockOf(dataDir))) return { kind: "hidden" };
  const holder = holderOf(dataDir);
  if (!holder?.http) {
    if (held === undefined) return { kind: "unknown" };
    const pid = holder?.pid;
    return { kind: "silent", ...(pid !== undefined && { pid }), why: "does not listen yet" };
  }
  const { pid, http } = holder;
  const report = await askStatus(http, token, STATUS_TIMEOUT_MS);
  if (typeof report === "string") {
    if (held === undefined) return { kind: "unknown" };
    return { kind: "silent", pid, why: `does not answer: ${report}` };
  }
  const { snapshot, checks } = report;
  return {
    kind: "answers",
    pid,
    phase: snapshot.phase,
    eventLoopLagMs: snapshot.eventLoopLagMs,
    failedChecks: checks
      // Its preflight is what doctor does itself, with fresher eyes.
      .filter(({ status, name }) => status !== "pass" && !name.startsWith("preflight:"))
      .map(({ name, status, componentId, observedValue, observedUnit }) => ({
        name,
        isFailure: status === "fail",
        observed: [componentId, observedValue, observedUnit]
          .filter((part) => part !== undefined).join(" "),
      })),
  };
}

/** Whoever has the token's lock on this machine; it is taken for a moment, if it is free. */
async function tokenHolder(
  bot: string,
  dataDir: string,
  now: number,
): Promise<TokenHolder | undefined> {
  const lock = await takeTokenLock(bot, { startedAt: now, dataDir });
  switch (lock.kind) {
    case "unsupported":
      return undefined;
    case "held":
      await lock.release();
      return { kind: "free" };
    case "taken": {
      const { heldBy } = lock;
      return {
        kind: "held",
        ...(heldBy && { pid: heldBy.pid }),
        ...(heldBy?.dataDir !== undefined && { dataDir: heldBy.dataDir }),
      };
    }
  }
}
