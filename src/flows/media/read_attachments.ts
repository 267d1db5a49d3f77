/**
 * Reads the files of a turn's message and of the message that it replies to (H7, H8, H10).
 *
 * A file that cannot be read never fails the turn: the model gets the reason in words. Files are
 * read one after the other, so that only one of them is in memory.
 */

import type { Attachment } from "../../core/discord/attachment.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { ModelImage } from "../../core/model.ts";
import { compareIds, type MessageId } from "../../core/discord/ids.ts";
import type { DocumentText, Extractor } from "../../core/turn/extract.ts";
import {
  FileError,
  type FileOwner,
  type FileResult,
  type FoundFile,
  type ImageType,
  type MediaOwner,
  type ReadAttachment,
} from "../../core/turn/media.ts";
import { endsOf } from "../../lib/text/cut.ts";
import type { LogFields } from "../../lib/log.ts";
import { readAudio, type ReadAudioPorts } from "./read_audio.ts";
import type { Account } from "../../core/account/account.ts";

/** Everything that reading files needs from outside. */
export interface ReadAttachmentsPorts extends ReadAudioPorts, Pick<Account, "schedule" | "log"> {
  /** Gets files, from the disk or from Discord. */
  readonly media: ReadAudioPorts["media"] & {
    /** @throws {FileError} Or the signal's reason; as a rejection. */
    get<Result>(
      owner: MediaOwner,
      attachment: Attachment,
      maxBytes: number,
      signal: AbortSignal,
      use: (file: FoundFile) => Result | Promise<Result>,
    ): Promise<Result>;
    keptImages(messageId: MessageId, maxBytes: number): Promise<readonly FoundFile[]>;
  };
  readonly extractor: Extractor;
  /** Why a model cannot get an image; `undefined` if it can. */
  readonly imageProblem: (bytes: Uint8Array, type: ImageType) => Promise<string | undefined>;
  /** Maximum size of a file in bytes, from `mediaMaxMb`. */
  readonly maxBytes: () => number;
}

/** Room for images in a request, from which reading takes, and for the texts of a message's files. */
export interface FileRoom {
  bytes: number;
  count: number;
  /** UTF-16 units. */
  readonly chars: number;
}

/** Maximum bytes of the images of one request. Anthropic takes 32 MB, in base64 and with all else. */
export const MAX_IMAGES_BYTES = 8_000_000;
/** Maximum number of images of one request. */
export const MAX_IMAGES = 20;
/** Milliseconds for all files of a turn. */
const FILES_MS = 180_000;

/**
 * Creates the reading.
 *
 * @param stopping Aborted when the process stops.
 */
export function createAttachmentReader(ports: ReadAttachmentsPorts, stopping: AbortSignal) {
  const { media, extractor, imageProblem, maxBytes, schedule, log } = ports;

  async function readOne(
    { message, agentId, attachment, place, takesImages, room }: {
      readonly message: InboundMessage;
      readonly agentId: string;
      readonly attachment: Attachment;
      readonly place: MediaOwner;
      readonly takesImages: boolean;
      /** What the request still takes. */
      readonly room: FileRoom;
    },
    { bytes, kind }: FoundFile,
    signal: AbortSignal,
  ): Promise<FileResult> {
    switch (kind.kind) {
      case "empty":
        return unread("it is empty");
      case "text":
        return { kind: "text", ...endsOf(kind.text, room.chars + 3), what: "text file" };
      case "image": {
        const problem = await imageProblem(bytes, kind.mediaType);
        if (problem !== undefined) return unread(problem);
        if (!takesImages) return unread("the model takes no images");
        if (room.count === 0 || bytes.length > room.bytes) {
          return unread("there are too many images at once");
        }
        room.bytes -= bytes.length;
        room.count -= 1;
        return { kind: "image", image: { mediaType: kind.mediaType, data: bytes } };
      }
      case "pdf":
        return toText("PDF", await extractor.run({ kind: "pdf", bytes }, signal));
      case "archive": {
        const document = await extractor.run({ kind: "office", bytes }, signal);
        return toText(NAMES[document.pages?.unit ?? "pages"], document);
      }
      case "audio": {
        const work = { place, attachment, message, agentId, sound: { bytes, ...kind } };
        return await readAudio(work, ports, signal);
      }
      case "other":
        return unread(
          kind.mediaType === undefined
            ? "its type is unknown"
            : `files of the type ${kind.mediaType} are not read`,
        );
    }
  }

  async function read(
    message: InboundMessage,
    { agentId, takesImages, room }: {
      readonly agentId: string;
      readonly takesImages: boolean;
      readonly room: FileRoom;
    },
    signal: AbortSignal,
  ): Promise<readonly ReadAttachment[]> {
    const wanted = attachmentsOf(message);
    if (wanted.length === 0) return [];
    signal.throwIfAborted();
    const limit = new AbortController();
    // A race, which no reading can delay: another turn may have begun it, with its own limit.
    const { promise: over, reject } = Promise.withResolvers<never>();
    over.catch(() => {}); // all files may be read by then
    const end = (reason: unknown) => {
      reject(reason);
      limit.abort(reason);
    };
    const onAbort = () => end(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const cancel = schedule(() => end(new FileError("reading the files takes too long")), FILES_MS);
    const files: ReadAttachment[] = [];
    try {
      for (const { attachment, owner } of wanted) {
        const place = ownerOf(message, owner);
        const work = { message, agentId, attachment, place, takesImages, room };
        const use = (file: FoundFile) => readOne(work, file, limit.signal);
        const reading = media.get(place, attachment, maxBytes(), limit.signal, use);
        reading.catch(() => {}); // after the limit, its failure changes nothing
        const result = await Promise.race([reading, over]).catch((error: unknown) => {
          signal.throwIfAborted();
          return unread(reasonOf(error, { messageId: message.id, fileId: attachment.id, error }));
        });
        files.push({ attachment, owner, result });
      }
    } finally {
      cancel();
      signal.removeEventListener("abort", onAbort);
    }
    return files;
  }

  /** The reason of a failure, for the model; the log gets the failure itself. */
  function reasonOf(error: unknown, fields: LogFields): string {
    if (error instanceof FileError && error.cause === undefined) {
      log.debug("A file of a person is not read", fields);
    } else log.warn("Cannot read a file of a person", fields);
    return error instanceof FileError ? error.message : "an unexpected failure";
  }

  return {
    /**
     * Reads all files of a message, and of the message that it replies to. Never fails, except with
     * the signal's reason.
     *
     * @param model Whether it takes images, and its room.
     */
    read,
    /** The images that an earlier turn of this message showed a model, as far as they are kept. */
    async imagesOf(messageId: MessageId, maxBytes: number): Promise<readonly ModelImage[]> {
      const images: ModelImage[] = [];
      for (const { bytes, kind } of await media.keptImages(messageId, maxBytes)) {
        if (kind.kind !== "image") continue;
        if (await imageProblem(bytes, kind.mediaType) !== undefined) continue;
        images.push({ mediaType: kind.mediaType, data: bytes });
      }
      return images;
    },
    /** Begins to read the files of a message, because their links expire. */
    prefetch(message: InboundMessage): void {
      for (const { attachment, owner } of attachmentsOf(message)) {
        media.get(ownerOf(message, owner), attachment, maxBytes(), stopping, () => {})
          .catch(() => {}); // its reader may come later, or never
      }
    },
  };
}

export type AttachmentReader = ReturnType<typeof createAttachmentReader>;

export function hasFiles({ attachments, quoted }: InboundMessage): boolean {
  return (attachments?.length ?? 0) > 0 || (quoted?.attachments?.length ?? 0) > 0;
}

/** The files of a message, and of the message that it replies to; the oldest first. */
export function attachmentsOf(
  { attachments = [], quoted }: InboundMessage,
): readonly { readonly attachment: Attachment; readonly owner: FileOwner }[] {
  return [
    ...(quoted?.attachments ?? [])
      .map((attachment) => ({ attachment, owner: "quoted message" as const })),
    ...attachments.map((attachment) => ({ attachment, owner: "message" as const })),
  ].toSorted((one, other) => compareIds(one.attachment.id, other.attachment.id));
}

/** The message whose turn reads a file, and the file's author. */
export function ownerOf(
  { id: messageId, sender, quoted }: InboundMessage,
  owner: FileOwner,
): MediaOwner {
  const authorId = owner === "message" ? sender.id : quoted?.author?.id;
  return { messageId, authorId };
}

const NAMES = { pages: "document", slides: "presentation", sheets: "spreadsheet" } as const;

function toText(name: string, { text, isCut, pages }: DocumentText): FileResult {
  if (text === "") return unread(`the ${name} has no text; it may be a scan`);
  const range = pages === undefined || pages.read === pages.total
    ? ""
    : `, ${pages.unit} 1 to ${pages.read} of ${pages.total}`;
  return { kind: "text", text, what: `${name}${range}${isCut ? ", its beginning" : ""}` };
}

function unread(why: string): FileResult {
  return { kind: "unread", why };
}
