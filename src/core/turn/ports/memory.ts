/** Declares the agent's memory (T14), its skills (T7) and folded entries for tools. */

import type { MessageId } from "../../discord/ids.ts";
import type { InboundMessage } from "../../inbound/inbound.ts";
import type { Note, NoteScope } from "../../notes/note.ts";
import type { Entry } from "../../inbound/transcript.ts";
import type { Question } from "../../people/question.ts";
import type { SkillTool } from "../../skills/skill_tool.ts";
import type { DiscordCall } from "./discord_call.ts";

/** Notes, for tools. Each call acts for the sender of a message, and in its space. */
export interface MemoryPort {
  /**
   * Saves a note.
   *
   * @throws {Error} If the sender may not, or the scope is full; the message tells the model why.
   */
  save(asker: InboundMessage, request: {
    readonly scope: NoteScope;
    readonly text: string;
    /** Messages that it came from, beside the asker's own. */
    readonly sources: readonly MessageId[];
    readonly isOwnWords: boolean;
    /** Identifies the call, so that a repetition saves no second note. */
    readonly callKey: string;
  }): Promise<Note>;
  /**
   * Notes that the turn may see and that have words of the query, the best first; without words in
   * the query, the newest.
   */
  search(asker: InboundMessage, query: string, limit: number): Promise<readonly Note[]>;
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
    isOwnWords: boolean,
  ): Promise<void>;
  /**
   * Deletes a visible note. A second call does nothing.
   *
   * @returns Whether there was one.
   * @throws {Error} If the sender may not.
   */
  remove(asker: InboundMessage, id: number): Promise<boolean>;
}

/** A session's folded entries, for tools. */
export interface RecallPort {
  /**
   * The newest folded entries of a session that match, since its last reset.
   *
   * @param query Entries must belong to one of `messageIds` and have all `words`, in any case. An
   * empty list matches all.
   * @returns Oldest first, and the number of all matches.
   */
  recall(
    sessionKey: string,
    query: {
      readonly messageIds: readonly MessageId[];
      readonly words: readonly string[];
      readonly limit: number;
    },
  ): Promise<{ readonly entries: readonly Entry[]; readonly matches: number }>;
}

export interface SkillsPort {
  /**
   * Reads a skill, or one of its files.
   *
   * @param file Path within the skill's folder; absent: its instructions, with a list of its files.
   * @throws {Error} If the message's place has no such skill, or the skill no such file.
   */
  read(asker: InboundMessage, name: string, file?: string): Promise<string>;
  /** The question to the owners about this version of a file; `undefined` if there is none to ask. */
  question(
    tool: SkillTool,
    asker: InboundMessage,
    covers: Question["covers"],
  ): Promise<Question | undefined>;
  /**
   * Runs a tool of a skill.
   *
   * @throws {Error} If no owner has confirmed its file, or it fails. An `UnknownOutcomeError` if it may
   * have changed something before.
   */
  run(
    tool: SkillTool,
    input: unknown,
    context: Pick<DiscordCall, "decision" | "message" | "signal"> & {
      readonly callTool?: CallTool;
    },
  ): Promise<string>;
}

/** Calls another tool of the turn within a call, as the same person. Its result has no fence. */
export type CallTool = (name: string, input: unknown) => Promise<string>;
