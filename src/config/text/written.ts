/**
 * How far a config path leads in what is written.
 *
 * A path is text, since it stands in verdicts and log lines, and a key in it may be shortened; so
 * it is never taken apart, but followed: at each level the key whose own path it begins with.
 *
 * @module
 */

import { pathTo } from "../../core/config_path.ts";
import { isList, isRecord, type Segment } from "./tree.ts";

/**
 * Follows a path as far as it is written.
 *
 * @param path As `pathText` writes it.
 * @param root Where `value` is itself: `"channels.discord"`; empty for a whole file.
 * @returns The way to the deepest part of it that is there; empty where nothing of it is.
 */
export function writtenAt(value: unknown, path: string, root = ""): readonly Segment[] {
  const found: Segment[] = [];
  let part = value;
  let here = root;
  for (;;) {
    const step = stepTowards(part, path, here);
    if (!step) return found;
    found.push(step.segment);
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
