/**
 * Follows a config path as far as the file writes it.
 *
 * Paths are texts in verdicts and log lines, and may contain shortened keys. So this does not split
 * a path: at each level it looks for the key with whose own path the text begins.
 *
 * @module
 */

import { pathTo } from "../../core/config_file.ts";
import { isList, isRecord, type Segment } from "./tree.ts";

/**
 * Follows a path as far as it is written.
 *
 * @param path In the form of `pathText`.
 * @param root Path of `value` itself: `"channels.discord"`; empty for a whole file.
 * @returns Segments to the deepest existing part; empty if no part exists.
 */
export function writtenAt(value: unknown, path: string, root = ""): readonly Segment[] {
  const segments: Segment[] = [];
  let part = value;
  let here = root;
  for (;;) {
    const step = stepTowards(part, path, here);
    if (!step) return segments;
    segments.push(step.segment);
    part = step.value;
    here = step.path;
  }
}

interface Step {
  readonly segment: Segment;
  readonly value: unknown;
  readonly path: string;
}

function stepTowards(part: unknown, path: string, here: string): Step | undefined {
  if (path === here) return undefined;
  const entries: Iterable<readonly [Segment, unknown]> = isList(part)
    ? part.entries()
    : isRecord(part)
    ? Object.entries(part)
    : [];
  for (const [segment, value] of entries) {
    const below = pathTo(here, segment);
    if (path.startsWith(below) && /^(?:$|[.[])/.test(path.slice(below.length))) {
      return { segment, value, path: below };
    }
  }
  return undefined;
}
