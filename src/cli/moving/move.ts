/**
 * `barnacle store move`: moves the store of a stopped bot to PostgreSQL, or back into its file (O15).
 *
 * A move is a start that ends before the bot connects: it takes the lease, makes file and database
 * equal, and ends the lease. So it needs no way of its own to copy, goes on after an interruption, and
 * a wrong input gets the words of a start. Nothing is deleted where the store comes from.
 */

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type BotConfig, type Config, forAccount } from "../../config/config.ts";
import { missingToken } from "../../config/load.ts";
import { POSTGRES_SCHEMES, postgresFault } from "../../config/schema/store.ts";
import { renderProblems } from "../../config/text/problem.ts";
import { SILENT_MS, standbysOf } from "../../core/shared_store.ts";
import { DATABASE_NAME, prepareDataDir } from "../../host/files/data_dir.ts";
import { finishReplacing } from "../../host/files/staged_data.ts";
import type { Env } from "../../lib/env.ts";
import type { Log } from "../../lib/log.ts";
import { jsonLine } from "../../lib/text/json.ts";
import { sizeOf } from "../../lib/text/units.ts";
import { lackingPages } from "../../store/replica/copy.ts";
import { removeSharedRecord } from "../../store/replica/record.ts";
import { createRemote, type Remote } from "../../store/replica/remote.ts";
import { asRemoteError } from "../../store/replica/remote_error.ts";
import { sharedStateOf } from "../../store/replica/report.ts";
import { endReturned, markReturned } from "../../store/replica/tables.ts";
import { PAGE_BYTES } from "../../store/replica/wal.ts";
import { type CommonFlags, readStdin } from "../shared/command.ts";
import { apiOf } from "../shared/discord.ts";
import { EXIT, type ExitCode, StartError } from "../shared/exit_code.ts";
import { dataProblem } from "../shared/find_data.ts";
import { readConfig } from "../shared/read_config.ts";
import { assertCurrent, dataDirOf } from "../shared/store_access.ts";
import { lockOfStopped } from "../shared/running_bot.ts";
import { withData } from "../shared/with_store.ts";
import type { Io } from "../terminal/io.ts";
import { moveDivided, UNDIVIDED_NAME } from "./divide.ts";
import { takeOne } from "./parts.ts";
import { moveJoined } from "./rejoin.ts";
import { placeOf } from "../standby/join.ts";
import { markOf, ownedElsewhere, startErrorOf } from "../standby/refuse.ts";

/** Options of `store move`. */
export interface MoveFlags extends CommonFlags {
  /** An address of PostgreSQL, `-` for one on stdin, or {@link FILE}. */
  readonly to: string;
}

/** The value of `--to` for the way back. */
export const FILE = "sqlite";

/** Moves the store, compares both copies, and prints the next step. */
export function move(flags: MoveFlags, io: Io): Promise<ExitCode> {
  const data = flags.data ?? dataDirOf(undefined, io); // not that of a running bot
  return withData({ data }, io, async (place) => {
    const { dataDir, state } = place;
    const isBack = flags.to === FILE;
    const config = await configOf(flags, io.env);
    const { partitions } = config.store;
    const url = await addressOf(flags, config);
    const bots = marksOf(config, io.env);
    if (!isBack && state !== "store") throw dataProblem(place);
    prepareDataDir(dataDir);
    const lock = await lockOfStopped(dataDir, "move its store");
    try {
      finishReplacing(dataDir);
      const startedAt = performance.now();
      if (partitions > 1) {
        const options = { url, dataDir, bots, partitions, log: logOf(io) };
        const moving = isBack ? moveJoined(options) : moveDivided(options);
        const rows = await io.during("Moving the store", moving);
        const took = Math.round(performance.now() - startedAt);
        const moved = { isBack, dataDir, url, file: config.file, partitions, rows, took };
        reportParts(moved, flags, io);
        return EXIT.done;
      }
      await io.during("Moving the store", copyAll({ url, dataDir, bots, isBack, io }));
      const bytes = statSync(join(dataDir, DATABASE_NAME)).size;
      const took = Math.round(performance.now() - startedAt);
      report({ isBack, dataDir, url, file: config.file, bytes, took }, flags, io);
      return EXIT.done;
    } finally {
      lock.release();
    }
  });
}

interface Move {
  readonly url: string;
  readonly dataDir: string;
  /** Marks of the config's bots. */
  readonly bots: readonly string[];
  readonly isBack: boolean;
  readonly io: Io;
}

/** Makes both copies equal, and proves it before the lease ends. */
async function copyAll(options: Move): Promise<void> {
  const { url, dataDir, bots, isBack, io } = options;
  const path = join(dataDir, DATABASE_NAME);
  const move = isBack ? "back" : undefined;
  const remote = createRemote(url, { bots, move });
  try {
    await assertAlone(remote, options);
    if (existsSync(path)) assertCurrent(dataDir);
    const log = logOf(io);
    const shared = await takeOne({ url, dataDir, bots, log, partitions: 1 }, dataDir, 0, move);
    try {
      const { pageCount } = await remote.look();
      for await (const { pages } of lackingPages(path, remote, pageCount)) {
        throw new StartError(
          `both copies of the store differ in ${pages.size} pages; use the command again`,
          EXIT.failed,
        );
      }
      if (isBack) {
        await remote.use(markReturned);
        await remote.use((sql) => endReturned(sql, true));
      }
    } finally {
      await shared.close();
    }
    if (isBack) removeSharedRecord(dataDir);
  } finally {
    await remote.close();
  }
}

/** Refuses while another process has the store, or would take it as soon as the move ends. */
async function assertAlone(
  remote: Pick<Remote, "inspect">,
  { dataDir, isBack }: Move,
): Promise<void> {
  const { state, processes = [] } = await remote.inspect().catch((error: unknown) => {
    throw startErrorOf(asRemoteError(error));
  });
  if (isBack && !state?.pageCount) {
    throw new StartError(
      "the database of store.url has no store; correct store.url, or name the data directory of the " +
        "bot with --data: its store is there",
      EXIT.config,
    );
  }
  if (!state) return;
  const place = placeOf(dataDir);
  if (!state.isFree && state.place !== place) throw ownedElsewhere(state.place);
  const shared = sharedStateOf(state, processes, { isOwner: false, lagMs: 0, problem: undefined });
  const [standby] = standbysOf(shared).filter((other) => other.place !== place);
  if (!standby) return;
  throw new StartError(
    `a standby runs at ${standby.place}, and would take over; stop it, and try again ` +
      `${SILENT_MS / 1_000} s later`,
    EXIT.tryAgain,
  );
}

async function configOf(flags: MoveFlags, env: Env): Promise<BotConfig> {
  const loaded = await readConfig(flags.config, env);
  if (loaded.kind !== "refused") return loaded.config;
  throw new StartError(renderProblems(loaded.problems), EXIT.config);
}

/** The address of the database: where the store goes, or where it is. */
async function addressOf({ to }: MoveFlags, { store }: BotConfig): Promise<string> {
  if (to === FILE) {
    if (store.url) return store.url.reveal();
    throw new StartError("the config names no database: set store.url to its address", EXIT.config);
  }
  const text = to === "-" ? (await readStdin()).trim() : to;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPostgres = url && POSTGRES_SCHEMES.includes(url.protocol.slice(0, -1));
  const fault = isPostgres ? postgresFault(url) : `it does not begin with postgres://`;
  if (fault === undefined) return text;
  throw new StartError(
    `--to takes an address of PostgreSQL, or ${FILE} for the way back; ${fault}`,
    EXIT.usage,
  );
}

/** Marks of all bots of the config, as a start computes them. */
function marksOf(config: BotConfig, env: Env): readonly string[] {
  const api = apiOf(env);
  if ("problem" in api) throw new StartError(api.problem, EXIT.config);
  return config.accounts.filter(({ enabled }) => enabled).map((account) => {
    const own: Config = forAccount(config, account);
    const missing = missingToken(own);
    if (missing) throw new StartError(renderProblems([missing]), EXIT.config);
    return markOf(own.discord.token?.reveal() ?? "", api.base);
  });
}

/** People need the problems of a move; its steps are the command's result. */
function logOf(io: Io): Log {
  const tell = (event: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    const { error } = fields;
    io.err(error === undefined ? event : `${event}: ${String(error)}`);
  };
  return { debug() {}, info() {}, warn: tell, error: tell };
}

interface Moved {
  readonly isBack: boolean;
  readonly dataDir: string;
  readonly url: string;
  /** Path of the config. */
  readonly file: string | undefined;
  readonly bytes: number;
  /** Milliseconds. */
  readonly took: number;
}

function report(
  { isBack, dataDir, url, file, bytes, took }: Moved,
  flags: MoveFlags,
  io: Io,
): void {
  const database = databaseOf(url);
  const path = join(dataDir, DATABASE_NAME);
  const to = isBack ? path : `the database ${database}`;
  const from = isBack ? `the database ${database}` : path;
  if (flags.json) {
    io.out(jsonLine({ from, to, bytes, pages: bytes / PAGE_BYTES, ms: took }));
    return;
  }
  io.out(
    `Moved the store to ${to}: ${sizeOf(bytes)} in ${(took / 1_000).toFixed(1)} s; both are equal`,
  );
  const config = file ?? "the config";
  io.err(
    isBack
      ? `Remove store.url from ${config}, then start the bot. The database keeps its copy, in the ` +
        "schema barnacle, and no process starts with it any more."
      : `Set store.url to this address in ${config}, then start the bot. ${path} stays: it is the ` +
        "bot's copy.",
  );
}

/** Name and server of a database, without a password. */
function databaseOf(url: string): string {
  const { host, pathname, searchParams } = new URL(url);
  return `${pathname.slice(1)} on ${searchParams.get("host") ?? host}`;
}

interface MovedParts extends Omit<Moved, "bytes"> {
  readonly partitions: number;
  readonly rows: number;
}

function reportParts(
  { isBack, dataDir, url, file, partitions, rows, took }: MovedParts,
  flags: MoveFlags,
  io: Io,
): void {
  const path = join(dataDir, DATABASE_NAME);
  const database = `the database ${databaseOf(url)}`;
  const [from, to] = isBack ? [database, path] : [path, database];
  if (flags.json) return io.out(jsonLine({ from, to, partitions, rows, ms: took }));
  const how = `${rows} rows in ${(took / 1_000).toFixed(1)} s; all are equal`;
  const config = file ?? "the config";
  if (isBack) {
    io.out(`Joined the ${partitions} partitions of ${database} in ${path}: ${how}`);
    io.err(
      `Remove store.url and store.partitions from ${config}, then start the bot. The database keeps ` +
        "its copy, in the schema barnacle, and no process starts with it any more.",
    );
    return;
  }
  io.out(`Moved the store to ${partitions} partitions of ${to}: ${how}`);
  io.err(
    `Set store.url to this address in ${config}, then start the bot. The old store stays as ` +
      `${join(dataDir, UNDIVIDED_NAME)}.`,
  );
}
