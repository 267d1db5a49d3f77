/** Transcribes voice messages and other recordings (H10). */

import type { Attachment } from "../../core/discord/attachment.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { createAudioSpending } from "../../core/turn/audio_spending.ts";
import type { Extractor } from "../../core/turn/extract.ts";
import { FileError, type FileResult, type MediaOwner } from "../../core/turn/media.ts";
import type { Account } from "../../core/account/account.ts";

export interface Sound {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** `"audio/ogg"`. */
  readonly mediaType: string;
  /** Ending of a file's name, by which servers tell the format: `"ogg"`. */
  readonly ending: string;
}

/** Everything that transcription needs from outside. */
export interface ReadAudioPorts extends Pick<Account, "now"> {
  /** Keeps transcripts, which have cost money. */
  readonly media: {
    keptWords(owner: MediaOwner, attachment: Attachment): Promise<string | undefined>;
    keepWords(owner: MediaOwner, attachment: Attachment, words: string): Promise<void>;
  };
  readonly extractor: Extractor;
  /** The transcription of the current config; `undefined` if it has none. */
  readonly transcription: () => Transcription | undefined;
  /** Budgets of audio, and its count: once for each transcribed recording. */
  readonly audio: Pick<ReturnType<typeof createAudioSpending>, "check" | "record">;
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
export async function readAudio(
  { place, attachment, message, agentId, sound }: {
    readonly place: MediaOwner;
    readonly attachment: Attachment;
    readonly message: InboundMessage;
    readonly agentId: string;
    readonly sound: Sound;
  },
  { media, extractor, transcription, audio, now }: ReadAudioPorts,
  signal: AbortSignal,
): Promise<FileResult> {
  const kept = await media.keptWords(place, attachment);
  if (kept !== undefined) return fromKept(kept);
  const by = transcription();
  if (!by) throw new FileError("recordings are not transcribed here");
  const durationSec = await lengthOf(sound, attachment, extractor, signal);
  if (durationSec > by.maxSec) {
    throw new FileError(
      `it is ${minutes(durationSec)} long, and the limit is ${minutes(by.maxSec)}`,
    );
  }
  if (await audio.check({ message, agentId })) throw new FileError("today's budget is used up");
  const startedAt = now();
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
  { bytes, mediaType }: Sound,
  { durationSec: claimed = 0 }: Attachment,
  extractor: Extractor,
  signal: AbortSignal,
): Promise<number> {
  const job = { kind: "audio", bytes: bytes.slice(), mediaType } as const;
  const { durationSec: measured } = await extractor.run(job, signal);
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
