/**
 * The files of an account: those of people (H7, H8, H10), those that tools make for a turn, and the
 * sound of an answer (R16).
 *
 * A file that cannot be read never fails the turn: the model gets the reason in words. Files of a
 * message are read one after the other, so that only one of them is in memory.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { compareIds, type MessageId, type UserId } from "../../core/discord/ids.ts";
import { type InboundMessage, withPlainMarkup } from "../../core/inbound/inbound.ts";
import type { ModelImage, ToolCall } from "../../core/model.ts";
import type { OutboundFile, VoiceFile } from "../../core/outbound/outbound.ts";
import type { Step } from "../../core/step.ts";
import {
  type Attachment,
  FileError,
  type FileOwner,
  type FileResult,
  type FoundFile,
  type MediaOwner,
  type ReadAttachment,
  type Sound,
} from "../../core/turn/media.ts";
import { DISCORD_API_BASE } from "../../discord/rest/exchange/exchange.ts";
import { refreshUrl } from "../../discord/rest/requests/messages.ts";
import type { DocumentText } from "../../extract/extractor.ts";
import type { LogFields } from "../../lib/log.ts";
import { bounded, endsOf } from "../../lib/text/quoted.ts";
import { timeText } from "../../lib/text/units.ts";
import { imageProblem } from "../../media/image.ts";
import { createDrawings, createSentFiles, createShownImages } from "../../media/kept_files.ts";
import { createDownload, createIsMediaUrl, createMedia } from "../../media/media.ts";
import { audioSpending } from "../limits.ts";

interface Files {
  /** Reads an address of Discord's media hosts. */
  readonly download: ReturnType<typeof createDownload>;
  readonly isMediaUrl: ReturnType<typeof createIsMediaUrl>;
  /** Files of people. */
  readonly media: ReturnType<typeof createMedia>;
  readonly drawings: ReturnType<typeof createDrawings>;
  /** Files of `send_file`. */
  readonly sent: ReturnType<typeof createSentFiles>;
  /** Images of results of tools. */
  readonly shown: ReturnType<typeof createShownImages>;
}

/** Where the files of an account come from, and where they are kept. */
export const filesOf: (account: BotAccount) => Files = perAccount("turns", (account) => {
  const { apiBase, bot: { media: { folder, room } }, rest, now, schedule, log } = account;
  const isMediaUrl = createIsMediaUrl(apiBase, DISCORD_API_BASE);
  const refresh = (url: string, signal: AbortSignal) => refreshUrl(rest, url, signal);
  const download = createDownload({ fetch, isMediaUrl, refresh, now, schedule });
  return {
    download,
    isMediaUrl,
    media: createMedia(folder, download, log, room),
    drawings: createDrawings(folder, now),
    sent: createSentFiles(folder),
    shown: createShownImages(folder, () => account.config().discord.mediaMaxBytes, now, log),
  };
});

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
 * Reads all files of a message, and of the message that it replies to. Never fails, except with the
 * signal's reason.
 */
export async function readAttachments(
  account: BotAccount,
  message: InboundMessage,
  { agentId, takesImages, room }: {
    readonly agentId: string;
    /** Whether the model takes images. */
    readonly takesImages: boolean;
    /** What the request still takes. */
    readonly room: FileRoom;
  },
  signal: AbortSignal,
): Promise<readonly ReadAttachment[]> {
  const wanted = attachmentsOf(message);
  if (wanted.length === 0) return [];
  signal.throwIfAborted();
  const maxBytes = account.config().discord.mediaMaxBytes;
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
  const isLate = () => end(new FileError("reading the files takes too long"));
  const cancel = account.schedule(isLate, FILES_MS);
  const files: ReadAttachment[] = [];
  try {
    for (const { attachment, owner } of wanted) {
      const place = ownerOf(message, owner);
      const work = { message, agentId, attachment, place, takesImages, room };
      const use = (file: FoundFile) => readOne(account, work, file, limit.signal);
      const reading = filesOf(account).media
        .get(place, attachment, maxBytes, limit.signal, use);
      reading.catch(() => {}); // after the limit, its failure changes nothing
      const result = await Promise.race([reading, over]).catch((error: unknown) => {
        signal.throwIfAborted();
        return unread(
          reasonOf(account, error, { messageId: message.id, fileId: attachment.id, error }),
        );
      });
      files.push({ attachment, owner, result });
    }
  } finally {
    cancel();
    signal.removeEventListener("abort", onAbort);
  }
  return files;
}

async function readOne(
  account: BotAccount,
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
      return toText("PDF", await account.bot.media.extractor.run({ kind: "pdf", bytes }, signal));
    case "archive": {
      const document = await account.bot.media.extractor.run({ kind: "office", bytes }, signal);
      return toText(NAMES[document.pages?.unit ?? "pages"], document);
    }
    case "audio": {
      const work = { place, attachment, message, agentId, sound: { bytes, ...kind } };
      return await readAudio(account, work, signal);
    }
    case "other":
      return unread(
        kind.mediaType === undefined
          ? "its type is unknown"
          : `files of the type ${kind.mediaType} are not read`,
      );
  }
}

/** The reason of a failure, for the model; the log gets the failure itself. */
function reasonOf({ log }: BotAccount, error: unknown, fields: LogFields): string {
  if (error instanceof FileError && error.cause === undefined) {
    log.debug("A file of a person is not read", fields);
  } else log.warn("Cannot read a file of a person", fields);
  return error instanceof FileError ? error.message : "an unexpected failure";
}

/** Begins to read the files of a message, because their links expire. */
export function prefetch(account: BotAccount, message: InboundMessage): void {
  for (const { attachment, owner } of attachmentsOf(message)) {
    const { mediaMaxBytes } = account.config().discord;
    filesOf(account).media
      .get(ownerOf(message, owner), attachment, mediaMaxBytes, account.stopping, () => {})
      .catch(() => {}); // its reader may come later, or never
  }
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
  { id: messageId, sender, quoted, forwards }: InboundMessage,
  owner: FileOwner,
): MediaOwner {
  const [by, forwarded] = owner === "message"
    ? [sender.id, forwards]
    : [quoted?.author?.id, quoted?.forwards];
  const authorId = forwarded === undefined ? by : undefined; // Discord does not tell it
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

export interface Transcription {
  /** `"<provider>/<model>"`. */
  readonly modelId: string;
  /** The cost of some seconds, in millionths of the currency; `undefined` if it is not known. */
  readonly microsOf?: (seconds: number) => number | undefined;
  /** Maximum length of a recording in seconds, from `audio.maxMin`. */
  readonly maxSec: number;
  /**
   * Writes the words of a recording down.
   *
   * @throws {FileError} If there are no words; or the signal's reason.
   */
  readonly transcribe: (sound: Sound, signal: AbortSignal) => Promise<string>;
}

/**
 * Transcribes a recording, once: a turn after a crash gets the kept transcript.
 *
 * @throws {FileError} Or the signal's reason.
 */
async function readAudio(
  account: BotAccount,
  { place, attachment, message, agentId, sound }: {
    readonly place: MediaOwner;
    readonly attachment: Attachment;
    readonly message: InboundMessage;
    readonly agentId: string;
    readonly sound: Sound;
  },
  signal: AbortSignal,
): Promise<FileResult> {
  const { media } = filesOf(account);
  const audio = audioSpending(account);
  const kept = await media.keptWords(place, attachment);
  if (kept !== undefined) return fromKept(kept);
  const by = account.settings.speech.transcription;
  if (!by) throw new FileError("recordings are not transcribed here");
  const durationSec = await lengthOf(account, sound, attachment, signal);
  if (durationSec > by.maxSec) {
    throw new FileError(
      `it is ${minutes(durationSec)} long, and the limit is ${minutes(by.maxSec)}`,
    );
  }
  if (await audio.check({ message, agentId })) throw new FileError("today's budget is used up");
  const startedAt = account.now();
  const text = await by.transcribe(sound, signal);
  audio.record(by, durationSec, startedAt, { message, agentId });
  await media.keepWords(place, attachment, `${durationSec}\n${text}`);
  return { kind: "transcript", text, durationSec };
}

/**
 * The length in seconds. The sender's client claims one for voice messages; the file's own counts if
 * it is longer.
 */
async function lengthOf(
  account: BotAccount,
  { bytes, mediaType }: Sound,
  { durationSec: claimed = 0 }: Attachment,
  signal: AbortSignal,
): Promise<number> {
  const job = { kind: "audio", bytes: bytes.slice(), mediaType } as const;
  const { durationSec: measured } = await account.bot.media.extractor.run(job, signal);
  if (measured === undefined) throw new FileError("its length is unknown");
  return Math.max(claimed, measured);
}

function fromKept(kept: string): FileResult {
  const end = kept.indexOf("\n");
  const durationSec = Number(kept.slice(0, end));
  return { kind: "transcript", text: kept.slice(end + 1), durationSec };
}

/** `"90 seconds"`, `"12 minutes"`. */
function minutes(seconds: number): string {
  return seconds < 120 ? `${Math.round(seconds)} seconds` : `${Math.round(seconds / 60)} minutes`;
}

/**
 * Reads the images of earlier turns from the disk, those of the newest turns first, as far as the
 * request takes more.
 *
 * @param messageIds Messages of the shown history whose turns showed images, oldest first.
 */
export async function earlierImages(
  account: BotAccount,
  messageIds: readonly MessageId[],
  images: readonly ModelImage[],
): Promise<ReadonlyMap<MessageId, readonly ModelImage[]>> {
  const found = new Map<MessageId, readonly ModelImage[]>();
  let room = MAX_IMAGES_BYTES - bytesOf(images);
  let count = MAX_IMAGES - images.length;
  for (const messageId of messageIds.toReversed()) {
    const shown = await imagesOf(account, messageId, room);
    if (shown.length > count) break;
    if (shown.length === 0) continue;
    found.set(messageId, shown);
    room -= bytesOf(shown);
    count -= shown.length;
  }
  return found;
}

/** The images that the turn of a message showed a model, as far as they are kept. */
async function imagesOf(
  account: BotAccount,
  messageId: MessageId,
  maxBytes: number,
): Promise<readonly ModelImage[]> {
  const images: ModelImage[] = [];
  for (const { bytes, kind } of await filesOf(account).media.keptImages(messageId, maxBytes)) {
    if (kind.kind !== "image") continue;
    if (await imageProblem(bytes, kind.mediaType) !== undefined) continue;
    images.push({ mediaType: kind.mediaType, data: bytes });
  }
  return images;
}

function bytesOf(images: readonly ModelImage[]): number {
  return images.reduce((sum, { data }) => sum + data.length, 0);
}

/**
 * Reads a file of some messages, or of their quotes. Of several with one name, it reads that of the
 * last message, and the message's own before that of its quote. It comes from the disk; from Discord
 * only if it is not kept.
 *
 * @returns `undefined` if there is no such file.
 * @throws {FileError} If it cannot be read; or the signal's reason.
 */
export async function findFile(
  account: BotAccount,
  messages: readonly InboundMessage[],
  name: string,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const [found] = messages.toReversed().flatMap((message) =>
    attachmentsOf(message)
      .filter(({ attachment }) => attachment.name === name)
      .toSorted((one, other) => rank(one) - rank(other))
      .map((file) => ({ ...file, message }))
  );
  if (!found) return undefined;
  const { message, attachment, owner } = found;
  const { mediaMaxBytes } = account.config().discord;
  return await filesOf(account).media
    .get(ownerOf(message, owner), attachment, mediaMaxBytes, signal, ({ bytes }) => bytes);
}

function rank({ owner }: ReturnType<typeof attachmentsOf>[number]): number {
  return owner === "message" ? 0 : 1;
}

/**
 * Reads an image of a tool's result, or a drawn one, of a turn for a person; `undefined` if there is
 * none.
 *
 * @param messageId The message of the turn.
 */
export async function imageFor(
  account: BotAccount,
  messageId: MessageId,
  id: string,
  askerId: UserId,
): Promise<OutboundFile | undefined> {
  const { shown, drawings } = filesOf(account);
  return await shown.file(messageId, id, askerId) ?? await drawings.file(messageId, id, askerId);
}

/** Reads the files that the steps of a turn have made for its reply: drawn images first. */
export async function madeFiles(
  account: BotAccount,
  steps: readonly Step[],
  messageId: MessageId,
): Promise<readonly OutboundFile[]> {
  const drawn = idsFrom(steps, "draw", /drawing-(\d+)/);
  const sent = idsFrom(steps, "send_file", /file-(\d+)/);
  if (drawn.length + sent.length === 0) return [];
  const kept = filesOf(account);
  const files = await Promise.all(sent.map((id) => kept.sent.read(messageId, id)));
  return [
    ...drawn.length > 0 ? await kept.drawings.read(messageId, drawn) : [],
    ...files.filter((file) => file !== undefined),
  ];
}

/** The ids in the results of a tool, each once. */
function idsFrom(steps: readonly Step[], tool: string, pattern: RegExp): readonly string[] {
  let calls: readonly ToolCall[] = [];
  const ids = steps.flatMap((step) => {
    if (step.kind === "answer") calls = step.calls;
    if (step.kind !== "result" || step.end !== "done") return [];
    const isOfTool = calls.some(({ id, name }) => id === step.callId && name === tool);
    const [, id] = isOfTool && pattern.exec(step.text) || [];
    return id === undefined ? [] : [id];
  });
  return [...new Set(ids)];
}

/** The messages whose attachments a call may read, those of their quotes too. */
export const messagesOfAsker = ({ message, also = [] }: {
  readonly message: InboundMessage;
  readonly also?: readonly InboundMessage[];
}): readonly InboundMessage[] => [
  message,
  ...also.filter(({ sender }) => sender.id === message.sender.id),
];

export interface Voice {
  /** `"<provider>/<model>"`. */
  readonly modelId: string;
  /** The cost of some seconds, in millionths of the currency; `undefined` if it is not known. */
  readonly microsOf?: (seconds: number) => number | undefined;
  /**
   * Speaks a text.
   *
   * @returns Opus in Ogg.
   * @throws {FileError} If there is no such sound; or the signal's reason.
   */
  readonly speak: (text: string, signal: AbortSignal) => Promise<Uint8Array<ArrayBuffer>>;
  /** The same as samples of 24 kHz, part by part, for a call (V5). */
  readonly speakPcm: (text: string, signal: AbortSignal) => AsyncIterable<Int16Array>;
}

/** Maximum characters that are spoken, as OpenAI allows them. */
const MAX_CHARS = 4_096;

/**
 * Speaks an answer to a voice message (R16). The sound is a message of its own beside the text, frozen
 * and stored together with it, so it is sent exactly once. A failure costs the sound, never the text.
 *
 * @returns `undefined` if the config has no voice, or after a failure. Never fails.
 */
export async function speakAnswer(
  account: BotAccount,
  { message, agentId }: { readonly message: InboundMessage; readonly agentId: string },
  text: string,
): Promise<VoiceFile | undefined> {
  const { settings: { speech: { voice } }, stopping, now, log } = account;
  if (!voice) return undefined;
  const words = spokenText(text);
  if (words === "") return undefined;
  const audio = audioSpending(account);
  try {
    const stop = await audio.check({ message, agentId });
    if (stop) {
      log.info("A budget is spent: an answer is sent as text only", {
        messageId: message.id,
        rule: stop.rule,
        limit: stop.limit,
      });
      return undefined;
    }
    const startedAt = now();
    const bytes = await voice.speak(words, stopping);
    const job = { kind: "voice", bytes: bytes.slice() } as const;
    const facts = await account.bot.media.extractor.run(job, stopping);
    audio.record(voice, facts.durationSec, startedAt, { message, agentId });
    return { ...facts, file: voiceFile(bytes) };
  } catch (error) {
    if (!stopping.aborted) {
      log.warn("Cannot speak an answer; its text is sent", { messageId: message.id, error });
    }
    return undefined;
  }
}

function voiceFile(bytes: Uint8Array<ArrayBuffer>): OutboundFile {
  return { name: "voice-message.ogg", contentType: "audio/ogg", bytes };
}

/** The words of an answer, without code, addresses and Discord's marks, which no one reads aloud. */
export function spokenText(text: string): string {
  const plain = text.replace(/```[\s\S]*?(?:```|$)/g, " ").replace(/`([^`\n]*)`/g, "$1")
    .replace(/\[([^\]\n]*)\]\([^)\s]*\)/g, "$1").replace(/<?https?:\/\/\S+/g, " ")
    .replace(/<(?:@[!&]?|#|a?:\w+:)\d+>/g, " ")
    .replace(/^\s{0,3}(?:#{1,3}|-#|>{1,3}|[-*+])\s+/gm, "").replace(/(\*{1,3}|__|~~|\|\|)/g, "");
  return bounded(
    withPlainMarkup(plain, timeText).replace(/[ \t]+/g, " ").replace(/\s*\n\s*/g, "\n").trim(),
    MAX_CHARS,
  );
}
