/**
 * The agent's memory for tools (T14).
 *
 * @module
 */

import type { MessageId } from "../../discord/ids.ts";
import type { InboundMessage } from "../../inbound/inbound.ts";
import type { Note, NoteScope } from "../../notes/note.ts";

/** A note to save. */
export interface NoteRequest {
  /** Whose note it is. */
  readonly scope: NoteScope;
  /** The text, within the bounds. */
  readonly text: string;
  /** Messages that it came from, beside the asker's own. */
  readonly sources: readonly MessageId[];
  /** Identifies the call, so that a repetition saves no second note. */
  readonly callKey: string;
}

/** Notes that a search has found. */
export interface FoundNotes {
  /** The best first. */
  readonly notes: readonly Note[];
  /** Why words alone decided, although the config names an embedding model. */
  readonly wordsOnly?: string;
}

/** What tools can do with notes. Each acts for the sender of a message, and in its space. */
export interface MemoryPort {
  /**
   * Saves a note.
   *
   * @throws {Error} If the sender may not, or the scope is full; the message tells the model why.
   */
  save(asker: InboundMessage, request: NoteRequest): Promise<Note>;
  /**
   * Notes that the turn may see, by words and by meaning; without words in the query, the newest.
   *
   * @throws {unknown} The signal's reason.
   */
  search(
    asker: InboundMessage,
    query: string,
    limit: number,
    signal: AbortSignal,
  ): Promise<FoundNotes>;
  /**
   * Replaces the text of a visible note.
   *
   * @throws {Error} If the sender may not, or there is no such note.
   */
  update(
    asker: InboundMessage,
    id: number,
    text: string,
    sources: readonly MessageId[],
  ): Promise<void>;
  /**
   * Deletes a visible note. A second call does nothing.
   *
   * @throws {Error} If the sender may not.
   */
  remove(asker: InboundMessage, id: number): Promise<void>;
}
