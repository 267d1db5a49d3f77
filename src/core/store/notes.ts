/**
 * The contract of `store.notes`: the agent's memory, and the vectors of its notes; and of
 * `store.sources`: what came from a message.
 */

import type { ChannelId, MessageId, UserId } from "../discord/ids.ts";
import type { NewNote, Note } from "../notes/note.ts";
import type { NearNote, NoteText } from "../notes/embedding.ts";

/** All methods of `store.notes`. */
export interface Notes {
  /**
   * Stores a note, once for each call.
   *
   * @returns The note, or `undefined` if its key has too many.
   */
  save(note: NewNote, now: number): Promise<Note | undefined>;
  /**
   * Notes of some keys that have any of the words, the best first.
   *
   * @param query Free text; without a word, the newest notes.
   */
  search(
    agentId: string,
    keys: readonly string[],
    query: string,
    limit: number,
  ): Promise<readonly Note[]>;
  /** One note; `undefined` if there is none with this number. */
  find(id: number): Promise<Note | undefined>;
  /** Notes by one person, newest first; in one space, if given. */
  by(authorId: UserId, space: string | undefined, limit: number): Promise<readonly Note[]>;
  /** All notes in the order of their number; by one person, if given. */
  all(authorId?: UserId): Promise<readonly Note[]>;
  /**
   * Replaces a note's text, and adds messages that it came from.
   *
   * @returns Whether the note existed.
   */
  update(id: number, text: string, sources: readonly MessageId[], now: number): Promise<boolean>;
  /** Deletes a note. @returns Whether it existed. */
  remove(id: number): Promise<boolean>;
}

/** Methods of `store.notes` about vectors. */
export interface NoteVectors {
  /**
   * The newest notes without a vector of a model.
   *
   * @param dimension Number of dimensions that its vectors have; others count as missing. Absent:
   * vectors of any length count.
   */
  unembedded(
    modelId: string,
    dimension: number | undefined,
    limit: number,
  ): Promise<readonly OwnNoteText[]>;
  /** Stores vectors of notes that still have the text. Another model's vectors are replaced. */
  keepVectors(modelId: string, vectors: readonly NoteVector[]): Promise<void>;
  /** Notes of some keys, the nearest first. No other note is compared. */
  nearest(
    agentId: string,
    keys: readonly string[],
    modelId: string,
    vector: Int8Array,
    limit: number,
  ): Promise<readonly NearNote[]>;
  /** Counts the notes with vectors of a model. */
  countEmbedded(modelId: string): Promise<EmbeddedCount>;
}

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

/** All methods of `store.sources`. */
export interface Sources {
  /**
   * Lists everything that came from a message, without changing it.
   *
   * @param channelId Channel of the message, if the caller knows it. For an unanswered message of an
   * unknown channel, entries of other turns are not found.
   */
  trace(messageId: MessageId, channelId?: ChannelId): Promise<SourceTrace>;
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
