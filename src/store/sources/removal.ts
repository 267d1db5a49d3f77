/** Words to remove, by the ids of their sources, and their removal from entries and steps (H6a, X5). */

import { type Part, partedText } from "../../core/inbound/parts.ts";
import { RESULT_NOT_KEPT, type Scrubber } from "../schema/person.ts";

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

/** Everything of an entry, a step, a question or a message that may have words. */
interface Worded {
  readonly text?: string;
  readonly parts?: readonly Part[];
  readonly boundary?: string;
  readonly messageId?: string;
}

/** Whether a piece is a tool's result with such words: it does not always tell ids of them. */
export function isResultOf({ ids, scrub }: Removal, piece: object): boolean {
  const { text = "" }: Worded = piece;
  const isResult = "callId" in piece || "call" in piece;
  return isResult && (namesOne(text, ids) || scrub?.isIn(text) === true);
}

/** Removes words from a piece of a turn that runs. */
export function without<Piece extends object>(piece: Piece, removal: Removal): Piece {
  const { scrub } = removal;
  const { parts, boundary = "", messageId = "" }: Worded = piece;
  const left = parts
    ? partedText(partsWithout(removal, parts, messageId), boundary)
    : isResultOf(removal, piece) && { text: RESULT_NOT_KEPT };
  // Thinking may repeat such words in any form.
  const json = JSON.stringify({ ...piece, ...left, carried: undefined });
  return JSON.parse(scrub ? scrub.json(json) : json);
}
