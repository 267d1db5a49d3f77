/**
 * Chooses the messages that a growing answer shows as drafts (R8).
 *
 * Drafts show finished parts only: no half code fence, nothing that may be thinking, and no text in
 * which a secret may begin.
 *
 * @module
 */

import { type DraftMessage, toDrafts } from "../../../core/outbound/draft.ts";
import type { Frozen } from "../../../core/outbound/outbound.ts";
import { finishedPart } from "../../../render/markdown/unfinished.ts";

/** Everything that the choice needs from outside. */
export interface DraftTextPorts {
  /** Removes whole secrets from a text. */
  readonly cleanSecrets: (text: string) => string;
  /**
   * Index at which a secret may begin that the text does not yet contain whole; the text's length
   * if none may.
   */
  readonly secretTail: (text: string) => number;
  /** Maximum UTF-16 units of a message, from `textChunkLimit`. */
  readonly maxLength: number;
}

/** The messages of an answer that consists of this text; empty if there would be none. */
export type ComposeDraft = (text: string) => readonly Frozen[];

/** The drafts that a text asks for. */
export interface WantedDrafts {
  /** Messages in their order; empty while there is nothing to show. */
  readonly drafts: readonly DraftMessage[];
  /** Whether the text is too long for messages and will be a file. */
  readonly isFile: boolean;
}

/** Shortest text, in UTF-16 units, for a first draft. */
const LEAST_LENGTH = 40;

/**
 * Creates the choice for one answer. It remembers the drafts of the newest text.
 *
 * @param mayBeThinking Whether all of a text may be thinking that is not marked.
 * @returns Chooses the drafts of a text; `hasDrafts` tells whether any is shown already.
 */
export function createDraftText(
  { cleanSecrets, secretTail, maxLength }: DraftTextPorts,
  compose: ComposeDraft,
  mayBeThinking: (text: string) => boolean,
): (text: string, hasDrafts: boolean) => WantedDrafts {
  let last: { readonly of: string; readonly wanted: WantedDrafts } | undefined;
  return (text, hasDrafts) => {
    if (last?.of === text) return last.wanted;
    const clean = mayBeThinking(text) ? "" : cleanSecrets(text);
    const harmless = clean.slice(0, secretTail(clean));
    const finished = finishedPart(harmless, maxLength);
    const isWorthIt = hasDrafts || finished.trim().length >= LEAST_LENGTH;
    const frozen = isWorthIt ? compose(finished) : [];
    const isFile = frozen.some(({ files }) => files.length > 0);
    const wanted = { drafts: toDrafts(frozen, maxLength), isFile };
    last = { of: text, wanted };
    return wanted;
  };
}
