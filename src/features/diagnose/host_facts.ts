/**
 * Gathers facts about this machine for `barnacle doctor`, and judges them (O3): data directory, store,
 * running bot, and other holders of the bot's token.
 *
 * The bot may be running, so the store is opened read-only, and no lock is kept.
 */

import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  askStatus,
  isHeld,
  isHidden,
  listeningHolder,
  lockOf,
  STATUS_TIMEOUT_MS,
} from "../../cli/shared/running_bot.ts";
import type { IdentifyBudget } from "../../core/discord/gateway.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import { type Finding, isTrouble } from "../../core/finding.ts";
import type { ResolvedName } from "../../core/names.ts";
import type { BackupState, Pause } from "../../core/store/store.ts";
import { type DiskFacts, judgeDisk } from "../../flows/preflight/host.ts";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import { nearestOf, readDisk } from "../../host/limits/program_bounds.ts";
import { findTokenHolder } from "../../host/locks/lock.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { codeOf } from "../../lib/errors.ts";
import { schemaIfAny } from "../../store/database/database.ts";
import {
  assertRegularFiles,
  StoreError,
  toStoreError,
} from "../../store/database/database_files.ts";
import { MIGRATIONS } from "../../store/database/migrations.ts";
import type { StoreExtent } from "../../store/store.ts";
import type { ProcessRun } from "../../store/gateway/gateway.ts";
import type { RecentTurn } from "../../store/messages/messages.ts";
import { createStore } from "../../store/store.ts";
import { extentText, LOOKED_TURNS } from "./stored_facts.ts";

export interface HostFacts {
  readonly dataDir: string;
  /** Why the directory cannot be used; absent if it can, or if it will be created. */
  readonly dataProblem?: WhyAndFix;
  /** Absent: not read. */
  readonly disk?: DiskFacts;
  readonly store: StoreFacts;
  readonly bot: BotProcess;
  /** The process with the bot token on this machine; absent without a token, or if unknown. */
  readonly token?: TokenHolder;
}

/** An observed problem, and the next step. */
export interface WhyAndFix {
  readonly why: string;
  readonly fix: string;
}

/** The user that runs this command has no permission to look. */
export interface Hidden {
  readonly kind: "hidden";
}

/**
 * The state of a store. `schema` and `newest` are schema versions: of the file, and of this
 * Barnacle.
 */
export type StoreFacts =
  | { readonly kind: "none" }
  /** A file without content: no bot has run with it. */
  | { readonly kind: "empty" }
  | Hidden
  | {
    readonly kind: "opens";
    readonly schema: number;
    readonly newest: number;
    /** Its size and the age of its records, in words; absent if unknown. */
    readonly extent?: string;
  }
  /** Damaged, newer than this Barnacle, or inaccessible. */
  | ({ readonly kind: "refused" } & WhyAndFix);

/** The Barnacle process that uses the data directory. */
export type BotProcess =
  | { readonly kind: "none" }
  | Hidden
  /** This system cannot tell whether one runs. */
  | { readonly kind: "unknown" }
  /** It uses the directory, and does not answer. `fix` is absent if the cause is unknown. */
  | { readonly kind: "silent"; readonly pid?: number; readonly why: string }
  | {
    readonly kind: "answers";
    readonly pid: number;
    readonly phase: string;
    /** Its health report. */
    readonly findings: readonly Finding[];
  };

/** The process on this machine that uses the bot token. `free`: there is none. */
export type TokenHolder =
  | { readonly kind: "free" }
  | { readonly kind: "held"; readonly pid: number; readonly dataDir?: string };

/**
 * Judges all facts about the machine.
 *
 * @returns Findings in the order in which to show them.
 */
export function judgeHost(facts: HostFacts): readonly Finding[] {
  return [...dataDir(facts), store(facts), ...process(facts), ...instance(facts)];
}

function dataDir({ dataDir: where, dataProblem, disk }: HostFacts): readonly Finding[] {
  const about = { id: "host.data", what: "Data directory", where };
  if (dataProblem !== undefined) return [{ ...about, status: "fail", ...dataProblem }];
  return disk ? judgeDisk(disk) : [{ ...about, status: "pass", why: "it is writable" }];
}

/** The next step if a directory belongs to another user. */
const RUN_AS_OWNER: string = "run this as the user that runs Barnacle, for example with " +
  "sudo, or choose another directory with --data";

const HIDDEN = {
  status: "skipped",
  why: "this user has no permission to read it",
  fix: RUN_AS_OWNER,
} as const;

function store({ store: facts, dataDir: where }: HostFacts): Finding {
  const about = { id: "host.store", what: "Store", where };
  switch (facts.kind) {
    case "none":
      return { ...about, status: "pass", why: "there is none yet; the first start creates it" };
    case "empty":
      return {
        ...about,
        status: "warn",
        why: "it is empty: no bot has run with it; a start begins anew",
        fix: "if your bot has run before, set --data to its directory, or restore a backup",
      };
    case "hidden":
      return { ...about, ...HIDDEN };
    case "opens":
      return {
        ...about,
        status: "pass",
        why: facts.schema === facts.newest
          ? `it opens (schema ${facts.schema})${facts.extent ? `: ${facts.extent}` : ""}`
          : `it opens; the next start migrates it from schema ${facts.schema} to ${facts.newest}`,
      };
    case "refused":
      return { ...about, status: "fail", why: facts.why, fix: facts.fix };
  }
}

/** The running bot, with its own checks that do not pass. */
function process({ bot }: HostFacts): readonly Finding[] {
  const about = { id: "host.bot", what: "Running bot" };
  switch (bot.kind) {
    case "none":
      return [{ ...about, status: "pass", why: "none runs with this data directory" }];
    case "hidden":
      return [{ ...about, ...HIDDEN }];
    case "unknown": {
      const why = "this system cannot tell whether one runs with this data directory";
      return [{ ...about, status: "skipped", why }];
    }
    case "silent":
      return [{
        ...about,
        status: "fail",
        where: bot.pid !== undefined ? `pid ${bot.pid}` : undefined,
        why: `it uses the data directory, and ${bot.why}`,
        fix: "see its log; if it hangs, restart it",
      }];
    case "answers": {
      const { pid, phase, findings } = bot;
      return [
        { ...about, status: "pass", where: `pid ${pid}`, why: `it is ${phase}` },
        ...findings.filter((finding) => isTrouble(finding) || finding.id === EVENT_LOOP),
      ];
    }
  }
}

/** Shown although it passes: the guide asks about it. */
const EVENT_LOOP = "process:eventLoopLag";

function instance({ bot, token, dataDir }: HostFacts): readonly Finding[] {
  if (!token) return [];
  const about = { id: "host.instance", what: "One instance" };
  if (token.kind === "free") {
    return [{
      ...about,
      status: "pass",
      why: "no other process on this machine uses this bot's token",
    }];
  }
  const { pid, dataDir: theirs } = token;
  if (theirs === dataDir || ("pid" in bot && pid === bot.pid)) {
    const why = `pid ${pid} is the only process on this machine with this bot's token`;
    return [{ ...about, status: "pass", why }];
  }
  const from = theirs === undefined ? "" : ", and another data directory";
  return [{
    ...about,
    status: "fail",
    where: theirs,
    why: `pid ${pid} runs on this machine with the same bot token${from}`,
    fix: `stop it (\`kill ${pid}\`), or use another bot token here`,
  }];
}

interface HostOptions {
  /** Absolute path. */
  readonly dataDir: string;
  /** `bot` names the lock of the account's token; absent without a token. */
  readonly accounts: readonly { readonly accountId: AccountId; readonly bot?: string }[];
  readonly now: number;
}

/** The facts, with data of the store for other checks. */
export interface HostView {
  readonly facts: HostFacts;
  /** Absent if the store cannot be read. */
  readonly known?: StoreView;
}

export interface StoreView {
  readonly accounts: ReadonlyMap<AccountId, AccountView>;
  /** Runs of the last 24 hours; the last one may be the running bot. */
  readonly runs: readonly ProcessRun[];
  /** The newest turns that have ended, the newest first. */
  readonly turns: readonly RecentTurn[];
  /** The newest results of backups. */
  readonly backups: BackupState;
}

export interface AccountView {
  /** URL of the last connection. */
  readonly gatewayUrl?: string;
  readonly budget: IdentifyBudget;
  /** Names of the config that the bot has resolved (P12). */
  readonly names: readonly ResolvedName[];
  /** Set if the account is paused (X4). */
  readonly pause?: Pause;
  /** Number of paired people. */
  readonly paired: number;
  /** Number of people who wait for an approval. */
  readonly waiting: number;
}

export async function inspectHost({ dataDir, accounts, now }: HostOptions): Promise<HostView> {
  const problem = problemOf(dataDir);
  const disk = await readDisk(dataDir);
  const ids = accounts.map(({ accountId }) => accountId);
  const path = join(dataDir, DATABASE_NAME);
  const store = await lookAtStore(path, ids, now);
  const holders: TokenHolder[] = [];
  for (const { bot } of accounts) {
    const holder = bot === undefined ? undefined : await tokenHolder(bot);
    if (holder) holders.push(holder);
  }
  // Of several tokens, report one that another process holds.
  const token = holders.find(({ kind }) => kind === "held") ?? holders[0];
  const bot = await lookAtBot(dataDir);
  const facts = { dataDir, dataProblem: problem, disk, store: store.facts, bot, token };
  return { facts, known: store.known };
}

/** The problem that would keep a start from using the directory; does not create it. */
function problemOf(path: string): WhyAndFix | undefined {
  const nearest = nearestOf(path);
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return {
      why: `${nearest} is not writable (${codeOf(error) ?? "unknown reason"})`,
      fix: isHidden(nearest)
        ? RUN_AS_OWNER
        : "change its owner to the user that runs Barnacle, or set --data",
    };
  }
}

async function lookAtStore(
  path: string,
  accountIds: readonly AccountId[],
  now: number,
): Promise<{ readonly facts: StoreFacts; readonly known?: StoreView }> {
  if (isHidden(path)) return { facts: { kind: "hidden" } };
  if (!existsSync(path)) return { facts: { kind: "none" } };
  const newest = MIGRATIONS.length;
  try {
    assertRegularFiles(path);
    const schema = schemaIfAny(path); // refuses what a start refuses
    if (schema === 0) return { facts: { kind: "empty" } };
    if (schema > newest) {
      const why = `written by a newer version (schema ${schema}; this version knows ${newest})`;
      const fix = "run that version, or restore an older copy";
      return { facts: { kind: "refused", why, fix } };
    }
    const facts = { kind: "opens", schema, newest } as const;
    if (schema < newest) return { facts };
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const { extent, ...known } = await readStore(database);
      return { facts: { ...facts, extent: extentText(extent, now) }, known };
    } finally {
      database.close();
    }
  } catch (thrown) {
    const error = toStoreError(thrown, path);
    if (!(error instanceof StoreError)) throw error;
    return { facts: { kind: "refused", ...saidOf(error) } };
  }

  async function readStore(
    database: DatabaseSync,
  ): Promise<StoreView & { readonly extent: StoreExtent }> {
    const store = createStore(database, path, { elapsed: () => performance.now() });
    const accounts = new Map<AccountId, AccountView>();
    for (const accountId of accountIds) {
      const { gateway } = await store.gateway.loadAccount(accountId);
      const budget = await store.gateway.identifyBudget(accountId, now);
      const names = await store.pairing.namesOf(accountId);
      const pause = await store.settings.pauseOf(accountId);
      const paired = (await store.pairing.paired(accountId)).length;
      const waiting = (await store.pairing.requests(accountId, now)).length;
      const gatewayUrl = gateway?.url;
      accounts.set(accountId, { gatewayUrl, budget, names, pause, paired, waiting });
    }
    const runs = await store.gateway.runs(now - DAY_MS);
    const backups = await store.settings.backups();
    const turns = await store.messages.recentTurns(LOOKED_TURNS);
    return { accounts, runs, turns, backups, extent: await store.upkeep.extent() };
  }
}

function saidOf({ kind, cause, message }: StoreError): WhyAndFix {
  if (cause === undefined) return { why: message, fix: "then run `barnacle doctor` again" };
  const reason = cause instanceof Error ? ` (${cause.message})` : "";
  if (kind === "damaged") {
    return {
      why: `damaged${reason}`,
      fix: "move it away and restore a copy, or set another --data",
    };
  }
  return {
    why: `not usable now${reason}`,
    fix:
      "make sure that the disk is mounted and writable, and that no other program locks the file",
  };
}

/** Finds the holder of the lock, and asks for its status. */
async function lookAtBot(dataDir: string): Promise<BotProcess> {
  const held = await isHeld(dataDir);
  if (held === false) return { kind: "none" };
  if (isHidden(lockOf(dataDir))) return { kind: "hidden" };
  if (held === undefined) return { kind: "unknown" };
  const holder = await listeningHolder(dataDir, STATUS_TIMEOUT_MS);
  if (!holder?.http) return { kind: "silent", pid: holder?.pid, why: "does not listen yet" };
  const { pid } = holder;
  const answer = await askStatus(dataDir, holder, STATUS_TIMEOUT_MS);
  if (typeof answer === "string") {
    return { kind: "silent", pid, why: `does not answer: ${answer}` };
  }
  const { snapshot: { phase }, findings } = answer.report;
  return { kind: "answers", pid, phase, findings };
}

/** Finds the holder of the token's lock; `undefined` if this cannot be found out. */
async function tokenHolder(bot: string): Promise<TokenHolder | undefined> {
  const holder = await findTokenHolder(bot);
  if (holder === "unknown") return undefined;
  return holder === "none"
    ? { kind: "free" }
    : { kind: "held", pid: holder.pid, dataDir: holder.dataDir };
}
