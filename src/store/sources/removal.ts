/** Words to remove, by the ids of their sources, and their removal from entries and steps (H6a, X5). */

import { type Part, partedText, withoutParts } from "../../core/inbound/parts.ts";
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

/** The parts of an entry that stay; the same list if all do. */
export function partsWithout(
  { ids, note, scrub }: Removal,
  parts: readonly Part[],
  messageId: string,
): readonly Part[] {
  function isGone({ of, fence, text }: Part): boolean {
    if (!of) return scrub !== undefined || ids.has(messageId);
    // A program does not tell whose words it sends.
    return of.some((id) => ids.has(id)) || (fence === "event" && scrub?.isIn(text) === true);
  }
  return withoutParts(parts, isGone, note);
}

/** A result of a tool, which does not tell whose words it has. */
export function resultWithout({ ids, scrub }: Removal, text: string): string {
  return namesOne(text, ids) || scrub?.isIn(text) ? RESULT_NOT_KEPT : text;
}

/** Removes words from a part of a turn that runs: an entry, a step, a question, or a message. */
export function without<Piece extends object>(piece: Piece, removal: Removal): Piece {
  const { scrub } = removal;
  let left: object = { ...piece, carried: undefined }; // thinking may repeat such words in any form
  if ("parts" in piece && Array.isArray(piece.parts) && "boundary" in piece) {
    const messageId = "messageId" in piece ? String(piece.messageId) : "";
    const parts = partsWithout(removal, piece.parts, messageId)
      .map((part) => scrub ? { ...part, text: scrub.text(part.text) } : part);
    left = { ...left, ...partedText(parts, String(piece.boundary)) };
  } else if ("text" in piece && typeof piece.text === "string") {
    const isResult = "callId" in piece || "call" in piece;
    left = { ...left, text: isResult ? resultWithout(removal, piece.text) : piece.text };
  }
  return JSON.parse(scrub ? scrub.json(JSON.stringify(left)) : JSON.stringify(left));
}
