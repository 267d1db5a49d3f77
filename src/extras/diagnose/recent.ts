/** `barnacle recent`: lists the last answers, the failed and the slow ones first. */

import type { RecentTurn } from "../../store/messages/messages.ts";
import { timeText } from "../../lib/text/units.ts";
import { inColumns, printList } from "../../cli/shared/columns.ts";
import type { ExitCode } from "../../cli/shared/exit_code.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { readConfigLeniently, type SlugOf, slugsIn } from "../../cli/shared/read_config.ts";
import { withStore } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { hasFailed, placeText } from "./stored_facts.ts";

export interface RecentFlags extends CommonFlags {
  /** Number of the newest turns to list. */
  readonly limit: number;
}

/** A slow answer takes at least this many times the median. */
const SLOW_TIMES = 3;

/** Number of the newest turns that give the median, however many are listed. */
const MEDIAN_TURNS = 100;

/** Milliseconds below which no answer is slow. */
const SLOW_MS = 10_000;

export async function recent({ limit, ...flags }: RecentFlags, io: Io): Promise<ExitCode> {
  const slugOf = slugsIn(await readConfigLeniently(flags.config, io.env));
  return await withStore(flags, io, async ({ messages }) => {
    const turns = inOrder(await messages.recentTurns(Math.max(limit, MEDIAN_TURNS)), limit);
    return printList(turns, "No turn has ended yet.", flags, io, (all) =>
      inColumns([
        ["", "ended", "took", "result", "from", "place", "message", "model or reason"],
        ...all.map((turn) => rowOf(turn, slugOf)),
      ], [undefined, undefined, undefined, undefined, 20, 40, undefined, 100]));
  });
}

interface RankedTurn extends RecentTurn {
  readonly isFailed: boolean;
  /** Whether it took far longer than most of the newest turns. */
  readonly isSlow: boolean;
  /** Milliseconds from the message to the end of its turn. */
  readonly ms: number;
}

/**
 * Failed turns, then slow ones, then the others; of each, the newest first.
 *
 * @param turns The newest first, at least as many as the median needs.
 * @param limit Number of the newest turns to list.
 */
export function inOrder(turns: readonly RecentTurn[], limit: number): readonly RankedTurn[] {
  const times = turns.slice(0, MEDIAN_TURNS).map(msOf).toSorted((one, other) => one - other);
  const median = times[Math.floor(times.length / 2)] ?? 0;
  const slowFrom = Math.max(SLOW_MS, SLOW_TIMES * median);
  const listed = turns.slice(0, limit).map((turn): RankedTurn => {
    const ms = msOf(turn);
    return { ...turn, isFailed: hasFailed(turn), isSlow: ms >= slowFrom, ms };
  });
  const rank = ({ isFailed, isSlow }: RankedTurn) => isFailed ? 0 : isSlow ? 1 : 2;
  return listed.toSorted((one, other) => rank(one) - rank(other));
}

function msOf({ acceptedAt, finishedAt }: RecentTurn): number {
  return Math.max(0, finishedAt - acceptedAt);
}

function rowOf(turn: RankedTurn, slugOf: SlugOf): readonly string[] {
  const { isFailed, isSlow, ms, state, finishedAt, sender, senderId, messageId, cost } = turn;
  return [
    isFailed ? "FAIL" : isSlow ? "slow" : "ok",
    timeText(finishedAt),
    `${(ms / 1_000).toFixed(1)} s`,
    state,
    sender ?? senderId ?? "–",
    placeText(turn, slugOf),
    messageId,
    turn.failure ?? cost?.model ?? "",
  ];
}
