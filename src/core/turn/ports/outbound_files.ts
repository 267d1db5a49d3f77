/** Declares the files that tools send to people (R12). */

import type { OutboundFile } from "../../outbound/outbound.ts";
import type { DiscordCall, ToolTarget } from "./discord_call.ts";

/** A file as a call names it. */
export type FileSource =
  | {
    /**
     * `https://…`, a path of the workspace, `attachment:<name>` of the asker's messages, or
     * `image:<id>` of a tool's result.
     */
    readonly from: string;
    /** The name for people; absent: that of the source. */
    readonly name?: string;
    readonly alt?: string;
    readonly isSpoiler?: boolean;
  }
  | {
    readonly text: string;
    readonly name: string;
    readonly alt?: string;
    readonly isSpoiler?: boolean;
  };

export interface FileForPeople extends OutboundFile {
  readonly id: string;
}

export interface OutboundFilesPort {
  /**
   * Reads a file that a place takes, and keeps it until the turn ends. A repeated call gets the same
   * file, also if its source has changed: a call has one file.
   *
   * @param target The place; absent: that of the turn.
   * @throws {Error} If it cannot be read or sent, with the reason for the model; as a rejection.
   */
  forPeople(call: DiscordCall, source: FileSource, target?: ToolTarget): Promise<FileForPeople>;
  /**
   * Reads a file without keeping it.
   *
   * @throws {Error} If it cannot be read, with the reason for the model; as a rejection.
   */
  read(call: DiscordCall, from: string, maxBytes: number): Promise<OutboundFile>;
}
