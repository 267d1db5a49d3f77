/** Values of `store.notes` about vectors, and of `store.sources`. */

import type { ChannelId, MessageId } from "../discord/ids.ts";
import type { NoteText } from "../notes/embedding.ts";

/** The text of a note, and the agent whose note it is. */
export interface OwnNoteText extends NoteText {
  readonly agentId: string;
}

/** A vector of a note's text. */
export interface NoteVector extends NoteText {
  /** Empty if the model's server refuses the text. */
  readonly vector: Int8Array;
}

/** How many notes have vectors of a model. */
export interface EmbeddedCount {
  /** Number of all notes. */
  readonly notes: number;
  /** Number of those with a vector. */
  readonly embedded: number;
}

/** Everything that came from a message. Times are Unix times in milliseconds. */
export interface SourceTrace {
  readonly messageId: MessageId;
  /** Its turn; absent if none has answered it. */
  readonly turn?: {
    readonly agentId: string;
    readonly sessionKey: string;
    readonly channelId: ChannelId;
    /** State in the inbox: `answered`. */
    readonly state: string;
    /** What its sender has done with it since; absent: nothing. */
    readonly change?: "edited" | "deleted";
    /** Number of edits that the turn has followed. */
    readonly followed: number;
  };
  /** Messages at Discord that show its answer. */
  readonly answers: readonly { readonly channelId: ChannelId; readonly messageId: MessageId }[];
  /** Entries of transcripts with its words, oldest first. */
  readonly entries: readonly {
    readonly sessionKey: string;
    /** The message of the entry: the message itself, or that of a turn which repeats it. */
    readonly of: MessageId;
    readonly role: string;
  }[];
  /** Messages of turns that have read it: their answers, calls, results, steps and cards go. */
  readonly readers: readonly string[];
  /** Numbers of notes. */
  readonly notes: readonly number[];
  /** Summaries in place of such entries. */
  readonly summaries: readonly { readonly sessionKey: string; readonly at: number }[];
  /** Whether it is kept as context of its channel. */
  readonly isOverheard: boolean;
  /** Ids of models whose servers have got its words. */
  readonly models: readonly string[];
}
