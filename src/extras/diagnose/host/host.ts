/** Judges the machine that runs the bot: the data directory, and the running process (O3). */

import { checkOf, CHECKS, titled } from "../../../core/checks.ts";
import type { Finding } from "../../../core/finding.ts";
import { printable } from "../../../lib/text/quoted.ts";
import { sizeOf } from "../../../lib/text/units.ts";

export interface HostFacts {
  readonly dataDir: string;
  /** Why the directory cannot be used; absent if it can, or if it will be created. */
  readonly dataProblem?: WhyAndFix;
  /** Bytes that Barnacle may still write there; absent if unknown. */
  readonly freeBytes?: number;
  readonly store: StoreFacts;
  readonly bot: BotProcess;
  /** The process with the bot token on this machine; absent without a token, or if unknown. */
  readonly token?: TokenHolder;
}

/** An observed problem, and the next step. */
export type WhyAndFix = Required<Pick<Finding, "why" | "fix">>;

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
  | {
    readonly kind: "silent";
    readonly pid?: number;
    readonly why: string;
    readonly fix?: string;
  }
  | {
    readonly kind: "answers";
    readonly pid: number;
    readonly phase: string;
    /** The main thread's delay in milliseconds, 99th percentile. */
    readonly eventLoopLagMs: number;
    /** The findings of its health report that do not pass. */
    readonly failed: readonly Finding[];
  };

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
  const about = { ...titled("host.data"), where };
  if (dataProblem !== undefined) {
    return { ...about, status: "fail", ...dataProblem };
  }
  if (freeBytes === undefined) return { ...about, status: "pass", why: "it is writable" };
  const why = `${sizeOf(freeBytes)} are free`;
  if (freeBytes >= LOW_SPACE) return { ...about, status: "pass", why };
  return {
    ...about,
    status: freeBytes < NO_SPACE ? "fail" : "warn",
    why,
    fix: "free some space on that disk, or choose another directory with --data",
  };
}

/** The next step if a directory belongs to another user. */
export const RUN_AS_OWNER: string = "run this as the user that runs Barnacle, for example with " +
  "sudo, or choose another directory with --data";

const HIDDEN = {
  status: "skipped",
  why: "this user has no permission to read it",
  fix: RUN_AS_OWNER,
} as const;

function store({ store: facts, dataDir: where }: HostFacts): Finding {
  const about = { ...titled("host.store"), where };
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

/** The running bot. Its heartbeats do not depend on the main thread, by design. */
function process({ bot }: HostFacts): readonly Finding[] {
  const about = { id: "host.bot", what: CHECKS["host.bot"].what };
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
        fix: bot.fix ?? "see its log; if it hangs, restart it",
      }];
    case "answers": {
      const { pid, phase, eventLoopLagMs, failed } = bot;
      const isLate = eventLoopLagMs > LAG_MS;
      return [
        { ...about, status: "pass", where: `pid ${pid}`, why: `it is ${phase}` },
        {
          ...titled("host.eventLoop"),
          status: isLate ? "warn" : "pass",
          where: `pid ${pid}`,
          why: `it lags ${Math.round(eventLoopLagMs)} ms; heartbeats do not wait for it, ` +
            "because another thread sends them",
          fix: isLate
            ? "see which other programs are busy (`top`), and check the temperature"
            : undefined,
        },
        ...failed.filter(({ id }) => checkOf(id)?.runs.includes("doctor") ?? true).map(
          ofRunningBot,
        ),
      ];
    }
  }
}

/**
 * Repeats a failed check of the running bot. Checks of its preflight are left out: those are checks
 * that doctor runs now.
 */
function ofRunningBot({ id, status, where, why, fix }: Finding): Finding {
  return {
    id: `bot.${printable(id)}`,
    what: CHECKS["host.bot"].what,
    status,
    why: printable(`${id}: ${[where, why].filter((part) => part !== undefined).join(" ")}`),
    fix: fix ?? "see its log; `barnacle status` shows all checks",
  };
}

function instance({ bot, token, dataDir }: HostFacts): readonly Finding[] {
  if (!token) return [];
  const about = { ...titled("host.instance") };
  if (token.kind === "free") {
    return [{
      ...about,
      status: "pass",
      why: "no other process on this machine uses this bot's token",
    }];
  }
  const { pid, dataDir: theirs } = token;
  const isOurs = theirs === dataDir ||
    ("pid" in bot && pid !== undefined && pid === bot.pid);
  if (isOurs) {
    const why = `pid ${pid} is the only process on this machine with this bot's token`;
    return [{ ...about, status: "pass", why }];
  }
  if (pid === undefined && bot.kind !== "none") {
    const why = "the process with this bot's token does not answer; it may be the bot above";
    return [{ ...about, status: "skipped", why }];
  }
  const who = pid === undefined ? "a process with an unknown pid" : `pid ${pid}`;
  const from = theirs === undefined ? "" : ", and another data directory";
  return [{
    ...about,
    status: "fail",
    where: theirs,
    why: `${who} runs on this machine with the same bot token${from}`,
    fix: pid === undefined
      ? "stop it, or use another bot token here"
      : `stop it (\`kill ${pid}\`), or use another bot token here`,
  }];
}
