/**
 * Gets files of people: from the disk, or else from Discord, and keeps them on the disk.
 *
 * The size is counted while reading: a length that the server claims may be a lie, and a body may
 * have no end. A server in between, a bug or a forged payload may put any address into a message,
 * and a request to the own network would read its secrets (SEC-R23).
 */

import { endingWithin, type Timers } from "../lib/clock.ts";
import type { Attachment } from "../core/turn/media.ts";
import { compareIds, type MessageId } from "../core/discord/ids.ts";
import {
  FileError,
  type FileKind,
  type FoundFile,
  IMAGE_TYPES,
  type ImageType,
  type MediaOwner,
} from "../core/turn/media.ts";
import type { Log } from "../lib/log.ts";
import { fetchPlain, readBody } from "../lib/network/fetch_plain.ts";
import type { WorkPlaces } from "../lib/places.ts";
import { decodeForeignText } from "../lib/text/encoding.ts";
import { sizeOf } from "../lib/text/units.ts";
import type { MediaFolder } from "./folder.ts";

/** Milliseconds for one file: a downlink of 4 Mbit/s needs 16 s for 8 MB. */
export const DOWNLOAD_MS = 30_000;

/**
 * Reads a file.
 *
 * @throws {FileError} If it cannot be read; or the signal's reason.
 */
type Download = (
  url: string,
  maxBytes: number,
  signal: AbortSignal,
) => Promise<Uint8Array<ArrayBuffer>>;

export function createDownload(
  { fetch, isMediaUrl, refresh, now, schedule }: Timers & {
    readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
    readonly isMediaUrl: IsMediaUrl;
    /** Asks Discord for a new link; `undefined` if there is none. */
    readonly refresh: (url: string, signal: AbortSignal) => Promise<string | undefined>;
  },
): Download {
  /** @returns `undefined` if Discord does not know the link any more. */
  async function get(url: string, maxBytes: number, signal: AbortSignal) {
    if (!isMediaUrl(url)) throw new FileError("its address is not Discord's");
    const response = await fetchPlain(fetch, url, { redirect: "manual", signal });
    const { status, body } = response;
    const refuse = async (why: string): Promise<never> => {
      await body?.cancel().catch(() => {});
      throw new FileError(why);
    };
    if (status === 403 || status === 404) {
      await body?.cancel().catch(() => {});
      return undefined;
    }
    if (status >= 300 && status < 400) return await refuse("its address leads elsewhere");
    if (status !== 200) return await refuse(`Discord answered ${status}`);
    const tooLarge = () => new FileError(`larger than ${sizeOf(maxBytes)}`);
    return await readBody(body, { maxBytes, tooLarge, signal });
  }

  /** Without a new link, the file counts as gone. */
  async function renewed(url: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      return await refresh(url, signal);
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  async function download(url: string, maxBytes: number, signal: AbortSignal) {
    const fresh = isExpired(url, now()) ? await renewed(url, signal) ?? url : url;
    const bytes = await get(fresh, maxBytes, signal);
    if (bytes) return bytes;
    const again = fresh === url ? await renewed(url, signal) : undefined;
    const refreshed = again === undefined ? undefined : await get(again, maxBytes, signal);
    if (!refreshed) throw new FileError("Discord has it no longer");
    return refreshed;
  }

  return async (url, maxBytes, signal) => {
    const late = () => new FileError(`not read within ${DOWNLOAD_MS / 1_000} s`);
    try {
      return await endingWithin(
        DOWNLOAD_MS,
        schedule,
        signal,
        late,
        (ending) => download(url, maxBytes, ending),
      );
    } catch (error) {
      if (error instanceof FileError || signal.aborted) throw error;
      throw new FileError("Discord could not be reached", { cause: error });
    }
  };
}

/** Discord's own files, and its proxies of pictures of other hosts, whose addresses Discord signs. */
const HOSTS: ReadonlySet<string> = new Set([
  "cdn.discordapp.com",
  "media.discordapp.net",
  "images-ext-1.discordapp.net",
  "images-ext-2.discordapp.net",
]);

/** Says whether a file may be read from an address. */
export type IsMediaUrl = (url: string) => boolean;

/**
 * Creates the check.
 *
 * @param apiUrl Address of the API. If it is not Discord's, files come from the same origin: that is
 * a simulator. It comes from the environment of the process, never from the config.
 */
export function createIsMediaUrl(apiUrl: string, discordApi: string): IsMediaUrl {
  const simulator = apiUrl === discordApi ? undefined : new URL(apiUrl).origin;
  return (address) => {
    const url = URL.parse(address);
    if (!url || url.username !== "" || url.password !== "") return false;
    if (simulator !== undefined && url.origin === simulator) return true;
    return url.protocol === "https:" && url.port === "" && HOSTS.has(url.hostname);
  };
}

/** Milliseconds before its end at which a link counts as expired. */
const SPARE_MS = 10_000;

/**
 * Whether a link has expired. Discord writes the second at which it does in hexadecimal into `ex`.
 */
export function isExpired(address: string, now: number): boolean {
  const ends = URL.parse(address)?.searchParams.get("ex");
  if (!ends || !/^[0-9a-f]{1,10}$/i.test(ends)) return false;
  return Number.parseInt(ends, 16) * 1_000 < now + SPARE_MS;
}

const IMAGES: ReadonlySet<string> = new Set(IMAGE_TYPES);

/** Bytes at a file's beginning that tell its type. */
const HEAD_BYTES = 4_100;

/** Types that are text for people, although a detector knows them. */
const TEXT_TYPES = /^(?:text\/|application\/(?:xml|json|x-ndjson))|\+(?:xml|json)$/;

export async function kindOf(bytes: Uint8Array): Promise<FileKind> {
  if (bytes.length === 0) return { kind: "empty" };
  // Not by the detector: to tell office files apart, it inflates parts of the archive without a limit.
  if (startsWith(bytes, [0x50, 0x4b, 0x03, 0x04]) || startsWith(bytes, [0x50, 0x4b, 0x05, 0x06])) {
    return { kind: "archive" };
  }
  if (startsWith(bytes, [0x25, 0x50, 0x44, 0x46, 0x2d])) return { kind: "pdf" };
  // A tag before the sound may be longer than the head.
  if (startsWith(bytes, [0x49, 0x44, 0x33])) {
    return { kind: "audio", mediaType: "audio/mpeg", ending: "mp3" };
  }
  const { fileTypeFromBuffer } = await import("file-type");
  const type = await fileTypeFromBuffer(bytes.slice(0, HEAD_BYTES)).catch(() => undefined);
  if (type && isImage(type.mime)) return { kind: "image", mediaType: type.mime };
  if (type && /^audio\/|\/ogg$/.test(type.mime) && !type.mime.startsWith("video/")) {
    const ending = /^[a-z0-9]{1,10}$/.test(type.ext) ? type.ext : "audio";
    return { kind: "audio", mediaType: type.mime.replace(/;.*$/, ""), ending };
  }
  if (type && !TEXT_TYPES.test(type.mime)) return { kind: "other", mediaType: type.mime };
  const text = decodeForeignText(bytes);
  return text === undefined ? { kind: "other" } : { kind: "text", text };
}

export function endingOf(kind: FileKind): string {
  switch (kind.kind) {
    case "image":
      return kind.mediaType.slice("image/".length);
    case "audio":
      return kind.ending;
    case "pdf":
      return "pdf";
    case "archive":
      return "zip";
    case "text":
    case "empty":
      return "txt";
    case "other":
      return "bin";
  }
}

function isImage(mime: string): mime is ImageType {
  return IMAGES.has(mime);
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

/** Bytes by which a file may be larger than Discord says. */
const SPARE_BYTES = 1_000_000;
const WORDS = "words";
/** Maximum bytes of such words. */
const MAX_WORDS_BYTES = 1_000_000;

const IMAGE_ENDINGS: ReadonlySet<string> = new Set(["png", "jpeg", "gif", "webp"]);

/** Creates the files of one account. All accounts share the room, in bytes. */
export function createMedia(folder: MediaFolder, download: Download, log: Log, room: WorkPlaces) {
  /** The last use of each file in use, by message and file. */
  const running = new Map<string, Promise<unknown>>();

  async function find(
    owner: MediaOwner,
    attachment: Attachment,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<FoundFile> {
    const kept = (await folder.list(owner.messageId))
      .find(({ fileId, ending }) => fileId === attachment.id && ending !== WORDS);
    const stored = kept && await folder.read(kept, maxBytes);
    if (stored) return { bytes: stored, kind: await kindOf(stored) };
    const bytes = await download(attachment.url, maxBytes, signal);
    const kind = await kindOf(bytes);
    await folder.keep({ ...owner, fileId: attachment.id }, endingOf(kind), bytes)
      .catch((error: unknown) => log.warn("Cannot keep a file of a person", { error }));
    return { bytes, kind };
  }

  return {
    /**
     * Gets a file, and has room for it until its use ends.
     *
     * @throws {FileError} If it cannot be read; or the signal's reason, or an error of the use.
     */
    async get<Result>(
      owner: MediaOwner,
      attachment: Attachment,
      maxBytes: number,
      signal: AbortSignal,
      use: (file: FoundFile) => Result | Promise<Result>,
    ): Promise<Result> {
      // By Discord's own figure, without a request.
      const { size = 0 } = attachment;
      if (size > maxBytes) {
        const why = `${sizeOf(size)}, and the limit is ${sizeOf(maxBytes)}`;
        throw new FileError(why);
      }
      const key = `${owner.messageId} ${attachment.id}`;
      const most = size === 0 ? maxBytes : Math.min(maxBytes, size + SPARE_BYTES);
      const using = (async () => {
        await running.get(key)?.catch(() => {}); // the disk has it then
        const free = await room.take(signal, most);
        return await find(owner, attachment, most, signal).then(use).finally(free);
      })();
      running.set(key, using);
      try {
        return await using;
      } finally {
        if (running.get(key) === using) running.delete(key);
      }
    },
    /** The images of an earlier message that are still kept, in the order of their ids. */
    async keptImages(messageId: MessageId, maxBytes: number): Promise<readonly FoundFile[]> {
      const images: FoundFile[] = [];
      let room = maxBytes;
      const files = (await folder.list(messageId))
        .filter(({ ending }) => IMAGE_ENDINGS.has(ending))
        .toSorted((one, other) => compareIds(one.fileId, other.fileId));
      for (const file of files) {
        const bytes = await folder.read(file, room);
        if (!bytes) continue;
        room -= bytes.length;
        images.push({ bytes, kind: await kindOf(bytes) });
      }
      return images;
    },
    /** The words that were kept for a file; `undefined` without any. */
    async keptWords({ messageId }: MediaOwner, { id }: Attachment): Promise<string | undefined> {
      const kept = (await folder.list(messageId))
        .find(({ fileId, ending }) => fileId === id && ending === WORDS);
      const bytes = kept && await folder.read(kept, MAX_WORDS_BYTES);
      return bytes && new TextDecoder().decode(bytes);
    },
    /** Keeps words for a file: a transcript has cost money. */
    async keepWords(owner: MediaOwner, { id: fileId }: Attachment, words: string): Promise<void> {
      await folder.keep({ ...owner, fileId }, WORDS, new TextEncoder().encode(words))
        .catch((error: unknown) => log.warn("Cannot keep a transcript", { error }));
    },
  };
}
