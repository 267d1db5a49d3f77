/** The port to the thread that reads files, which no file can block or exhaust (H8). */

import type { VoiceFacts } from "../outbound/outbound.ts";

export interface DocumentText {
  /** At most `MAX_CHARS` UTF-16 units. */
  readonly text: string;
  /** Whether the text goes on after its limit. */
  readonly isCut: boolean;
  /** How much of it was read; absent if the format has no pages. */
  readonly pages?: {
    readonly unit: "pages" | "slides" | "sheets";
    readonly read: number;
    readonly total: number;
  };
}

export interface AudioFacts {
  /** Length in seconds; absent if the file does not tell. */
  readonly durationSec?: number;
}

export type ExtractJob =
  /** `office` is a docx, xlsx or pptx file; its parts tell which. */
  | { readonly kind: "pdf" | "office"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "audio"; readonly bytes: Uint8Array<ArrayBuffer>; readonly mediaType: string }
  | { readonly kind: "voice"; readonly bytes: Uint8Array<ArrayBuffer> };

export type JobResult<Of extends ExtractJob["kind"]> = Of extends "audio" ? AudioFacts
  : Of extends "voice" ? VoiceFacts
  : DocumentText;

/** Reads files in threads. */
export interface Extractor {
  /**
   * Reads a file.
   *
   * @param job Its bytes move to the thread: the caller's array is empty afterwards.
   * @throws {FileError} If the file cannot be read within the limits; or the signal's reason.
   */
  run<J extends ExtractJob>(job: J, signal: AbortSignal): Promise<JobResult<J["kind"]>>;
}
