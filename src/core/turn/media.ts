/**
 * The files of a turn's message, read: what a model gets of each (H7, H8, H10).
 *
 * All of it is untrusted: the name and the type are the sender's words, and even the size may lie.
 */

import type { MessageId, Snowflake, UserId } from "../discord/ids.ts";
import type { ModelImage } from "../model.ts";

/** An attached file. It survives `JSON.stringify`, because the inbox keeps it. */
export interface Attachment {
  readonly id: Snowflake<"attachment">;
  /** Name as people see it: `"report.pdf"`. */
  readonly name: string;
  /** Address to read it from; Discord lets it expire after a day. */
  readonly url: string;
  /** Size in bytes, as Discord announces it; absent for a picture of a sticker, an embed or a component. */
  readonly size?: number;
  /** Length in seconds, as the sender's client says; only of voice messages. */
  readonly durationSec?: number;
  /** Set if it is the recording of a voice message. */
  readonly isVoice?: true;
}

/** Maximum number of attachments of one message that Barnacle reads; Discord allows ten. */
export const MAX_ATTACHMENTS = 10;

/** The message that a file belongs to: the turn's own, or the one that it replies to. */
export type FileOwner = "message" | "quoted message";

export interface ReadAttachment {
  readonly attachment: Attachment;
  readonly owner: FileOwner;
  readonly result: FileResult;
}

/** The form in which a model gets a file. */
export type FileResult =
  /** The file itself, as an image of the request. */
  | { readonly kind: "image"; readonly image: ModelImage }
  | {
    readonly kind: "text";
    readonly text: string;
    /** Kind of file, in our words: `"PDF, pages 1 to 20 of 57"`. */
    readonly what: string;
    /** UTF-16 units that its middle lacks, which a request never shows; absent: none. */
    readonly left?: number;
  }
  | { readonly kind: "transcript"; readonly text: string; readonly durationSec: number }
  /** `why` is a part of a sentence in our words: `"larger than 8 MB"`. */
  | { readonly kind: "unread"; readonly why: string };

/** An image of a tool's result that is kept until its turn ends. */
export interface KeptImage {
  readonly id: string;
  /** Names it in later calls and turns: the id of its turn's message, a hyphen, and its own. */
  readonly name: string;
  /** Why the model does not see it, as part of a sentence; absent: the model sees it. */
  readonly unseen?: string;
}

/** A file cannot be read. The message is part of a sentence for people: `"larger than 8 MB"`. */
export class FileError extends Error {
  override readonly name = "FileError";
}

export const IMAGE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"] as const;

export type ImageType = (typeof IMAGE_TYPES)[number];

export type FileKind =
  | { readonly kind: "image"; readonly mediaType: ImageType }
  | { readonly kind: "pdf" }
  /** A zip archive, which may be an office file. */
  | { readonly kind: "archive" }
  /** `ending` is that of a file's name: `"ogg"`. */
  | { readonly kind: "audio"; readonly mediaType: string; readonly ending: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "empty" }
  /** `mediaType` is absent if it is unknown. */
  | { readonly kind: "other"; readonly mediaType?: string };

export interface Sound {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** `"audio/ogg"`. */
  readonly mediaType: string;
  /** Ending of a file's name, by which servers tell the format: `"ogg"`. */
  readonly ending: string;
}

export interface FoundFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly kind: FileKind;
}

/** The message whose turn reads a file, and the file's author if known. */
export interface MediaOwner {
  /** The message whose turn reads the file. */
  readonly messageId: MessageId;
  /** The file's author. */
  readonly authorId?: UserId;
}
