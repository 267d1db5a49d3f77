/**
 * Judges the machine that runs the bot: the data directory, and the running process (O3).
 *
 * @module
 */

import type { Finding } from "../../core/finding.ts";

/** The facts to judge. */
export interface HostFacts {
  /** Path of the data directory. */
  readonly dataDir: string;
  /** Why the directory cannot be used; absent if it can, or if it will be created. */
  readonly dataProblem?: Said;
  /** Bytes that Barnacle may still write there; absent if unknown. */
  readonly freeBytes?: number;
  /** State of the store in that directory. */
  readonly store: StoreFacts;
  /** The bot that runs with that directory. */
  readonly bot: BotProcess;
  /** The process with the bot token on this machine; absent without a token, or if unknown. */
  readonly token?: TokenHolder;
}

/** An observed problem, and the next step. */
export type Said = Required<Pick<Finding, "why" | "fix">>;

/** The user that runs this command has no permission to look. */
export interface Hidden {
  /** Tells missing permission from other states. */
  readonly kind: "hidden";
}

/**
 * The state of a store. `schema` and `newest` are schema versions: of the file, and of this
 * Barnacle.
 */
export type StoreFacts =
  | { readonly kind: "none" }
  | Hidden
  | { readonly kind: "opens"; readonly schema: number; readonly newest: number }
  /** Damaged, newer than this Barnacle, or inaccessible. */
  | ({ readonly kind: "refused" } & Said);

/** The Barnacle process that uses the data directory. */
export type BotProcess =
  | { readonly kind: "none" }
  | Hidden
  /** This system cannot tell whether one runs. */
  | { readonly kind: "unknown" }
  /** It uses the directory, and does not answer. */
  | { readonly kind: "silent"; readonly pid?: number; readonly why: string }
  | {
    readonly kind: "answers";
    readonly pid: number;
    readonly phase: string;
    /** The main thread's delay in milliseconds, 99th percentile. */
    readonly eventLoopLagMs: number;
    /** Failed checks of its health report. */
    readonly troubles: readonly Trouble[];
  };

/** A failed check of the running bot. */
export interface Trouble {
  /** Name of the check: `"gateway:connection"`. */
  readonly name: string;
  /** Whether the check counts as failed, rather than as a warning. */
  readonly isFailure: boolean;
  /** Observed state: `"default/0 backoff"`. */
  readonly observed: string;
}

/** The process on this machine that uses the bot token. `free`: there is none. */
export type TokenHolder =
  | { readonly kind: "free" }
  | { readonly kind: "held"; readonly pid?: number; readonly dataDir?: string };

const MB = 1_000_000;

/** Free bytes below which the store may soon fail to write. */
const LOW_SPACE = 200 * MB;
const NO_SPACE = 20 * MB;

/** Milliseconds of delay above which people notice late answers. */
const LAG_MS = 1_000;

/**
 * Judges all facts about the machine.
 *
 * @returns Findings in the order in which to show them.
 */
export function judgeHost(facts: HostFacts): readonly Finding[] {
  return [dataDir(facts), store(facts), ...process(facts), ...instance(facts)];
}

function dataDir({ dataDir: where, dataProblem, freeBytes }: HostFacts): Finding {
  const about = { id: "host.data", what: "Data directory", where };
  if (dataProblem !== undefined) {
    return { ...about, status: "fail", ...dataProblem };
  }
  if (freeBytes === undefined) return { ...about, status: "pass", why: "it can be written to" };
  const why = `${Math.floor(freeBytes / MB)} MB are free`;
  if (freeBytes >= LOW_SPACE) return { ...about, status: "pass", why };
  return {
    ...about,
    status: freeBytes < NO_SPACE ? "fail" : "warn",
    why,
    fix: "free some space on that disk, or name a directory on another one by --data",
  };
}

/** The next step if a directory belongs to another user. */
export const RUN_AS_OWNER: string = "run this as the user that runs Barnacle, such as by sudo, " +
  "or name another directory by --data";

const HIDDEN = {
  status: "skipped",
  why: "this user may not look into it",
  fix: RUN_AS_OWNER,
} as const;

function store({ store: facts, dataDir: where }: HostFacts): Finding {
  const about = { id: "host.store", what: "Store", where };
  switch (facts.kind) {
    case "none":
      return { ...about, status: "pass", why: "there is none yet; the first start makes it" };
    case "hidden":
      return { ...about, ...HIDDEN };
    case "opens":
      return {
        ...about,
        status: "pass",
        why: facts.schema === facts.newest
          ? `it opens (schema ${facts.schema})`
          : `it opens; the next start leads it from schema ${facts.schema} to ${facts.newest}`,
      };
    case "refused":
      return { ...about, status: "fail", why: facts.why, fix: facts.fix };
  }
}

/** The running bot. Its heartbeats do not depend on the main thread, by design. */
function process({ bot }: HostFacts): readonly Finding[] {
  const about = { id: "host.bot", what: RUNNING_BOT };
  switch (bot.kind) {
    case "none":
      return [{ ...about, status: "pass", why: "none runs with this data directory" }];
    case "hidden":
      return [{ ...about, ...HIDDEN }];
    case "unknown": {
      const why = "nobody can say here whether one runs with this data directory";
      return [{ ...about, status: "skipped", why }];
    }
    case "silent":
      return [{
        ...about,
        status: "fail",
        ...(bot.pid !== undefined && { where: `pid ${bot.pid}` }),
        why: `it has the data directory, and ${bot.why}`,
        fix: "look into its log; if it hangs, stop it and start it again",
      }];
    case "answers": {
      const { pid, phase, eventLoopLagMs, troubles } = bot;
      const isLate = eventLoopLagMs > LAG_MS;
      return [
        { ...about, status: "pass", where: `pid ${pid}`, why: `it is ${phase}` },
        {
          id: "host.eventLoop",
          what: "Event loop",
          status: isLate ? "warn" : "pass",
          where: `pid ${pid}`,
          why: `it lags ${Math.round(eventLoopLagMs)} ms; heartbeats are sent by a thread of ` +
            "their own, and do not wait for it",
          ...(isLate && { fix: "see what else the machine does: `top`, and its temperature" }),
        },
        ...troubles.filter(({ name }) => name !== LAG_CHECK).map(trouble),
      ];
    }
  }
}

const RUNNING_BOT = "Running bot";

/** This check has a row of its own. */
const LAG_CHECK = "process:eventLoopLag";

/** The next step for a failed check, if there is a better one than to read the log. */
const REMEDIES: Readonly<Record<string, string>> = {
  "outbox:dead": "Discord would not take these answers, and they are not tried again: its log " +
    "says why of each; mend that, and ask the bot anew",
  "outbox:uncertain": "nobody knows whether these answers arrived, and they are not sent twice: " +
    "look for them in their channels, and ask again where there is none",
  "storage:write": "see that the disk has room, is mounted and can be written to: `df -h`, `mount`",
  "gateway:unreadable":
    'allow the bot "View Channel" and "Read Message History" in that channel; ' +
    "what was said while it was away is then read",
  "gateway:identifyBudget":
    "find what restarts the bot so often; to end the wait, make a new token in the portal",
  "instance:lock":
    "if another program uses this bot's token, stop it, or make a new token in the portal",
};

function trouble({ name, isFailure, observed }: Trouble): Finding {
  return {
    id: `bot.${name}`,
    what: RUNNING_BOT,
    status: isFailure ? "fail" : "warn",
    why: `${name}: ${observed}`,
    fix: REMEDIES[name] ?? "see its log; `barnacle status` shows all checks",
  };
}

function instance({ bot, token, dataDir }: HostFacts): readonly Finding[] {
  if (!token) return [];
  const about = { id: "host.instance", what: "One instance" };
  if (token.kind === "free") {
    return [{ ...about, status: "pass", why: "no other process here has this bot's token" }];
  }
  const { pid, dataDir: theirs } = token;
  const isOurs = theirs === dataDir ||
    ("pid" in bot && pid !== undefined && pid === bot.pid);
  if (isOurs) {
    const why = `pid ${pid} is the only one here with this bot's token`;
    return [{ ...about, status: "pass", why }];
  }
  if (pid === undefined && bot.kind !== "none") {
    const why = "whoever has this bot's token here does not answer; it may be the bot above";
    return [{ ...about, status: "skipped", why }];
  }
  const who = pid === undefined ? "a process that does not say who it is" : `pid ${pid}`;
  const from = theirs === undefined ? "" : ", and another data directory";
  return [{
    ...about,
    status: "fail",
    ...(theirs !== undefined && { where: theirs }),
    why: `${who} runs here with the same bot token${from}`,
    fix: pid === undefined
      ? "stop it, or give this one a bot of its own"
      : `stop it (\`kill ${pid}\`), or give this one a bot of its own`,
  }];
}
