/** Judges the machine that runs the bot: the data directory, and the running process (O3). */

import { type Finding, isTrouble } from "../../core/finding.ts";
import { type DiskFacts, judgeDisk } from "../../flows/preflight/disk.ts";

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
export const RUN_AS_OWNER: string = "run this as the user that runs Barnacle, for example with " +
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
        fix: bot.fix ?? "see its log; if it hangs, restart it",
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
