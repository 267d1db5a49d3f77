/** Chooses lines of a log: by level, part, account, time and text. */

import type { Log } from "../../lib/log.ts";
import { RANKS } from "../../log.ts";
import { plainLine, type ReadLine } from "./lines.ts";

/** The lines to show; an absent rule chooses all. */
export interface LogFilter {
  /** The least important level. */
  readonly level?: keyof Log;
  /** Parts of the program. */
  readonly part?: readonly string[];
  /** The account that the line is about. */
  readonly account?: string;
  /** Text in the line; case makes no difference. */
  readonly grep?: string;
  /** Unix time in milliseconds. */
  readonly since?: number;
}

/** The account whose lines do not name it. */
const DEFAULT = "default";

/**
 * Makes the test of a filter. A line that Barnacle did not write may be the reason of a crash, so
 * it passes each level; and it has no part and no account.
 */
export function filterOf(
  { level, part, account, grep, since }: LogFilter,
): (line: ReadLine) => boolean {
  const text = grep?.toLowerCase();
  // Letters and digits of a shown line stand in the read one, too; so most lines are not laid out.
  const [longest = ""] = (text?.match(/[a-z0-9]+/g) ?? []).toSorted((a, b) => b.length - a.length);
  const own = account?.toLowerCase();
  return (line) => {
    if (level !== undefined && line.level !== undefined && RANKS[line.level] < RANKS[level]) {
      return false;
    }
    if (part !== undefined && !part.includes(line.part ?? "")) return false;
    if (own !== undefined && (line.level === undefined || accountOf(line) !== own)) return false;
    if (since !== undefined && line.at !== undefined && line.at < since) return false;
    if (text === undefined) return true;
    if (line.raw.startsWith("{") && !line.raw.toLowerCase().includes(longest)) return false;
    return plainLine(line).toLowerCase().includes(text);
  };
}

function accountOf({ fields: { accountId = DEFAULT } }: ReadLine): unknown {
  return accountId;
}
