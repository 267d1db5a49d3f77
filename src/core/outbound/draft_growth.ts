/**
 * What the drafts of an unfinished answer show, and what is to be done next so that they do (R8).
 *
 * @module
 */

import type { DraftMessage } from "./draft.ts";
import type { MessageId } from "../discord/ids.ts";
import { nonceOf } from "./nonce.ts";
import type { Frozen } from "./outbound.ts";

/** Ends a draft for who reads it while it grows, or after a crash. */
const DRAFT_MARK = "…";

/**
 * The drafts that show an unfinished answer.
 *
 * @param composed What the answer would be frozen to if it ended here.
 * @param maxLength UTF-16 units of a message, at most: the last one has its mark only within it.
 */
export function toDrafts(composed: readonly Frozen[], maxLength: number): readonly DraftMessage[] {
  return composed.flatMap(({ message }, index) => {
    const { of, content } = message;
    if (!of) return [];
    const isLast = index === composed.length - 1;
    return [{
      ...message,
      of: { ...of, kind: "draft" as const },
      nonce: nonceOf({ ...of, kind: "draft" }, of.part),
      content: isLast ? marked(content, maxLength) : content,
    }];
  });
}

/** Behind a code fence the mark has a line of its own, or the fence would not end. */
function marked(content: string, maxLength: number): string {
  const isFenced = /(?:`{3}|~{3})$/.test(content);
  const withMark = `${content}${isFenced ? "\n" : " "}${DRAFT_MARK}`;
  return withMark.length > maxLength ? content : withMark;
}

/** A draft that the outbox has, as far as it is known what Discord shows of it. */
export interface ShownDraft {
  readonly message: DraftMessage;
  /** Absent until it is posted. */
  readonly messageId?: MessageId;
  /** Absent where an edit was not answered, or was made by a process that is gone. */
  readonly content?: string;
}

export type GrowthStep =
  | { readonly kind: "post"; readonly message: DraftMessage }
  | {
    readonly kind: "edit";
    /** Place of the draft. */
    readonly part: number;
    readonly messageId: MessageId;
    readonly message: DraftMessage;
  }
  /** All is as it should be, or waits for a draft to be posted. */
  | { readonly kind: "none" };

/**
 * Finds the first thing that is not as it should be.
 *
 * No draft is posted before the one in front of it is there, and none is taken away: what the
 * answer does not reach to any more is emptied until its end decides.
 */
export function nextStep(
  shown: readonly ShownDraft[],
  wanted: readonly DraftMessage[],
): GrowthStep {
  for (const [part, { message: posted, messageId, content }] of shown.entries()) {
    if (messageId === undefined) return { kind: "none" };
    const message = wanted[part] ?? { ...posted, content: DRAFT_MARK };
    if (message.content !== content) return { kind: "edit", part, messageId, message };
  }
  const message = wanted[shown.length];
  return message ? { kind: "post", message } : { kind: "none" };
}
