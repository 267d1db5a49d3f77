/**
 * Decides what the drafts of an unfinished answer should show, and the next step to get there (R8).
 *
 * @module
 */

import type { DraftMessage } from "./draft.ts";
import type { MessageId } from "../discord/ids.ts";
import { nonceOf } from "./nonce.ts";
import type { Frozen } from "./outbound.ts";

/** Ends a draft, so that a reader knows that more text follows, or that a crash ended it. */
const DRAFT_MARK = "…";

/**
 * The drafts that show an unfinished answer.
 *
 * @param composed The messages of the answer if it ended here.
 * @param maxLength Maximum UTF-16 units of a message. The last draft has its mark only if it fits.
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

/** After a code fence, the mark gets a line of its own, or the fence would not end. */
function marked(content: string, maxLength: number): string {
  const isFenced = /(?:`{3}|~{3})$/.test(content);
  const withMark = `${content}${isFenced ? "\n" : " "}${DRAFT_MARK}`;
  return withMark.length > maxLength ? content : withMark;
}

/** A draft in the outbox, with the text that Discord shows. */
export interface ShownDraft {
  /** The draft as it was first posted. */
  readonly message: DraftMessage;
  /** Discord's id; absent until it is posted. */
  readonly messageId?: MessageId;
  /**
   * The text at Discord; absent if it is unknown, because an edit got no answer or an earlier
   * process made it.
   */
  readonly content?: string;
}

/** The next step for an answer's drafts. */
export type GrowthStep =
  | { readonly kind: "post"; readonly message: DraftMessage }
  | {
    readonly kind: "edit";
    /** Index of the draft within the answer, from 0. */
    readonly part: number;
    readonly messageId: MessageId;
    readonly message: DraftMessage;
  }
  /** All drafts are up to date, or wait for one to be posted. */
  | { readonly kind: "none" };

/**
 * Finds the first draft that is not up to date.
 *
 * Barnacle posts no draft before Discord has the one in front of it, and deletes none. If the
 * answer has become shorter, a surplus draft shows only the mark until the answer's end.
 *
 * @param shown Drafts in the outbox, in the order of their parts.
 * @param wanted Drafts of the answer so far, from {@link toDrafts}.
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
