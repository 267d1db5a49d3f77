/** Words to remove, by the ids of their sources, and their removal from entries and steps (H6a, X5). */

import type { Part } from "../../core/inbound/parts.ts";
import type { Scrubber } from "../schema/person.ts";

export interface Removal {
  /** Ids of messages and people whose words go. */
  readonly ids: ReadonlySet<unknown>;
  /** Takes the place of the words. */
  readonly note: string;
  /** Set if a person is forgotten: their name and ids go from all other words, too. */
  readonly scrub?: Scrubber;
}

/** Takes the place of the words of a turn that has read such words. */
export const NOT_KEPT = "[not kept: a message that it read was changed or removed]";

/** Whether a text names one of some ids: most do not. */
export function namesOne(text: string, ids: ReadonlySet<unknown>): boolean {
  return text.matchAll(/\d{15,20}/g).some(([id]) => ids.has(id));
}

/** The parts of an entry that stay, with one line for neighbours that go; the same list if all stay. */
export function partsWithout(
  { ids, note, scrub }: Removal,
  parts: readonly Part[],
  messageId: string,
): readonly Part[] {
  const isGone = parts.map(({ of, fence, text }) => {
    if (!of) return scrub !== undefined || ids.has(messageId);
    // A program does not tell whose words it sends.
    return of.some((id) => ids.has(id)) || (fence === "event" && scrub?.isIn(text) === true);
  });
  if (!isGone.includes(true)) return parts;
  return parts.flatMap((part, at): readonly Part[] => {
    if (!isGone[at]) return [part];
    return isGone[at - 1] ? [] : [{ text: note, fence: part.fence, of: [] }];
  });
}
