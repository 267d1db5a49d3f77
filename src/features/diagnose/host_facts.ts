/**
 * Judges this machine for `barnacle doctor` (O3): data directory, store, running bot, and other holders
 * of the bot's token.
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
import { judgeDisk } from "../../flows/preflight/host.ts";
import { DATABASE_NAME } from "../../host/files/data_dir.ts";
import { nearestOf, readDisk } from "../../host/limits/program_bounds.ts";
import { findTokenHolder, type LockHolder } from "../../host/locks/lock.ts";
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

/** The rows about this machine, with data of the store for other checks. */
export interface HostView {
  /** In the order in which to show them. */
  readonly findings: readonly Finding[];
  /** Whether a bot uses the data directory, or may. */
  readonly isInUse: boolean;
  /** The health report of the running bot. */
  readonly told: readonly Finding[];
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

/**
 * Judges a data directory, its store and its bot.
 *
 * @param dataDir Absolute path.
 * @param accounts `bot` names the lock of the account's token; absent without a token.
 */
export async function inspectHost(
  dataDir: string,
  accounts: readonly { readonly accountId: AccountId; readonly bot?: string | undefined }[],
  now: number,
): Promise<HostView> {
  const directory = await judgeDirectory(dataDir);
  const { finding, known } = await lookAtStore(
    dataDir,
    accounts.map(({ accountId }) => accountId),
    now,
  );
  const holders: (LockHolder | "none")[] = [];
  for (const { bot } of accounts) {
    const holder = bot === undefined ? "unknown" : await findTokenHolder(bot);
    if (holder !== "unknown") holders.push(holder);
  }
  // Of several tokens, report one that another process holds.
  const holder = holders.find((one) => one !== "none") ?? holders[0];
  const { finding: bot, pid, isInUse = true, told = [] } = await lookAtBot(dataDir);
  return {
    findings: [
      ...directory,
      finding,
      bot,
      ...told.filter((one) => isTrouble(one) || one.id === EVENT_LOOP),
      ...holder === undefined ? [] : [judgeInstance(holder, pid, dataDir)],
    ],
    isInUse,
    told,
    known,
  };
}

/** Shown although it passes: the guide asks about it. */
const EVENT_LOOP = "process:eventLoopLag";

/** The next step if a directory belongs to another user. */
const RUN_AS_OWNER: string = "run this as the user that runs Barnacle, for example with " +
  "sudo, or choose another directory with --data";

const HIDDEN = {
  status: "skipped",
  why: "this user has no permission to read it",
  fix: RUN_AS_OWNER,
} as const;

/** Judges whether a start could use the directory; does not create it. */
async function judgeDirectory(dataDir: string): Promise<readonly Finding[]> {
  const nearest = nearestOf(dataDir);
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
  } catch (error) {
    return [{
      id: "host.data",
      what: "Data directory",
      where: dataDir,
      status: "fail",
      why: `${nearest} is not writable (${codeOf(error) ?? "unknown reason"})`,
      fix: isHidden(nearest)
        ? RUN_AS_OWNER
        : "change its owner to the user that runs Barnacle, or set --data",
    }];
  }
  return judgeDisk(await readDisk(dataDir));
}

async function lookAtStore(
  dataDir: string,
  accountIds: readonly AccountId[],
  now: number,
): Promise<{ readonly finding: Finding; readonly known?: StoreView }> {
  const path = join(dataDir, DATABASE_NAME);
  const about = { id: "host.store", what: "Store", where: dataDir };
  const pass = (why: string): Finding => ({ ...about, status: "pass", why });
  if (isHidden(path)) return { finding: { ...about, ...HIDDEN } };
  if (!existsSync(path)) {
    return { finding: pass("there is none yet; the first start creates it") };
  }
  const newest = MIGRATIONS.length;
  try {
    assertRegularFiles(path);
    const schema = schemaIfAny(path); // refuses what a start refuses
    if (schema === 0) {
      return {
        finding: {
          ...about,
          status: "warn",
          why: "it is empty: no bot has run with it; a start begins anew",
          fix: "if your bot has run before, set --data to its directory, or restore a backup",
        },
      };
    }
    if (schema > newest) {
      const why = `written by a newer version (schema ${schema}; this version knows ${newest})`;
      const fix = "run that version, or restore an older copy";
      return { finding: { ...about, status: "fail", why, fix } };
    }
    if (schema < newest) {
      const why = `it opens; the next start migrates it from schema ${schema} to ${newest}`;
      return { finding: pass(why) };
    }
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const { extent, ...known } = await readStore(database);
      return { finding: pass(`it opens (schema ${schema}): ${extentText(extent, now)}`), known };
    } finally {
      database.close();
    }
  } catch (thrown) {
    const error = toStoreError(thrown, path);
    if (!(error instanceof StoreError)) throw error;
    return { finding: { ...about, status: "fail", ...saidOf(error) } };
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

function saidOf({ kind, cause, message }: StoreError): Pick<Finding, "why" | "fix"> {
  if (cause === undefined) return { why: message, fix: "then run `barnacle doctor` again" };
  const reason = cause instanceof Error ? ` (${cause.message})` : "";
  if (kind === "damaged") {
    return {
      why: `damaged${reason}`,
      fix: "install a backup with `barnacle restore <file> --force`, or set another --data",
    };
  }
  return {
    why: `not usable now${reason}`,
    fix:
      "make sure that the disk is mounted and writable, and that no other program locks the file",
  };
}

/** Finds the holder of the directory's lock, and asks for its status. */
async function lookAtBot(dataDir: string): Promise<{
  readonly finding: Finding;
  readonly pid?: number | undefined;
  /** Default: yes. */
  readonly isInUse?: false;
  readonly told?: readonly Finding[];
}> {
  const about = { id: "host.bot", what: "Running bot" };
  const held = await isHeld(dataDir);
  if (held === false) {
    const why = "none runs with this data directory";
    return { finding: { ...about, status: "pass", why }, isInUse: false };
  }
  if (isHidden(lockOf(dataDir))) return { finding: { ...about, ...HIDDEN } };
  if (held === undefined) {
    const why = "this system cannot tell whether one runs with this data directory";
    return { finding: { ...about, status: "skipped", why } };
  }
  const holder = await listeningHolder(dataDir, STATUS_TIMEOUT_MS);
  const pid = holder?.pid;
  const answer = holder?.http === undefined
    ? "does not listen yet"
    : await askStatus(dataDir, holder, STATUS_TIMEOUT_MS);
  const where = pid === undefined ? undefined : `pid ${pid}`;
  if (typeof answer === "string") {
    const said = holder?.http === undefined ? answer : `does not answer: ${answer}`;
    const why = `it uses the data directory, and ${said}`;
    const fix = "see its log; if it hangs, restart it";
    return { finding: { ...about, status: "fail", where, why, fix }, pid };
  }
  const { snapshot: { phase }, findings: told } = answer.report;
  return { finding: { ...about, status: "pass", where, why: `it is ${phase}` }, pid, told };
}

/** @param ownPid That of the bot with this data directory. */
function judgeInstance(
  holder: LockHolder | "none",
  ownPid: number | undefined,
  dataDir: string,
): Finding {
  const about = { id: "host.instance", what: "One instance" };
  if (holder === "none") {
    return {
      ...about,
      status: "pass",
      why: "no other process on this machine uses this bot's token",
    };
  }
  const { pid, dataDir: theirs } = holder;
  if (theirs === dataDir || pid === ownPid) {
    const why = `pid ${pid} is the only process on this machine with this bot's token`;
    return { ...about, status: "pass", why };
  }
  const from = theirs === undefined ? "" : ", and another data directory";
  return {
    ...about,
    status: "fail",
    where: theirs,
    why: `pid ${pid} runs on this machine with the same bot token${from}`,
    fix: `stop it (\`kill ${pid}\`), or use another bot token here`,
  };
}
