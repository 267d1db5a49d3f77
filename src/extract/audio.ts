/**
 * Measures recordings (H10).
 *
 * @module
 */

import type { AudioFacts } from "../core/turn/extract.ts";

/** Measures a recording by its content, not by the words of its sender. */
export async function measureAudio(bytes: Uint8Array, mediaType: string): Promise<AudioFacts> {
  const { parseBuffer } = await import("music-metadata");
  const { format } = await parseBuffer(bytes, { mimeType: mediaType, size: bytes.length }, {
    duration: true,
    skipCovers: true,
    skipPostHeaders: true,
  });
  const { duration } = format;
  return duration !== undefined && Number.isFinite(duration) ? { durationSec: duration } : {};
}
