/**
 * Formats the files of a message for the model (H7, H8).
 *
 * A line of ours says what became of each file. Its name and its text are a person's words, so they
 * stand in a fence.
 *
 * @module
 */

import type { FileResult, ReadFile } from "../../core/turn/media.ts";
import { clip } from "../../lib/text/cut.ts";
import { fenced } from "./untrusted.ts";

/** Formats all files, of which some texts are cut if they are longer than `maxChars` together. */
export function fileLines(
  files: readonly ReadFile[],
  maxChars: number,
  boundary: string,
): readonly string[] {
  const shown = files.filter((file) => !voiceOf(file));
  const limit = fairLimit(shown.map(({ result }) => textOf(result).length), maxChars);
  let images = 0;
  return shown.flatMap(({ attachment: { name }, owner, result }, index) => {
    if (result.kind === "image") images += 1;
    const text = clip(textOf(result), limit);
    return [
      `[file ${index + 1}, of the ${owner}: ${factOf(result, images)}]`,
      fenced("file", boundary, [JSON.stringify({ name }), text].filter(Boolean).join("\n")),
    ];
  });
}

/** The transcript of the message's own voice message. It replaces the message's text. */
export function voiceOf(
  { attachment, owner, result }: ReadFile,
): Extract<FileResult, { kind: "transcript" }> | undefined {
  const isSpoken = attachment.isVoice && owner === "message" && result.kind === "transcript";
  return isSpoken ? result : undefined;
}

/** Begins the fact of a shown image; a later turn looks for it. */
const IMAGE = "shown as image ";

/** Whether the text of a turn showed images. A person can write the same, which then finds none. */
export function showsImages(envelope: string): boolean {
  return envelope.includes(`: ${IMAGE}`);
}

function factOf(result: FileResult, image: number): string {
  switch (result.kind) {
    case "image":
      return `${IMAGE}${image} of this message`;
    case "text":
      return result.what;
    case "transcript":
      return `recording of ${Math.round(result.durationSec)} s, transcribed by a machine`;
    case "unread":
      return `not read: ${result.why}`;
  }
}

function textOf(result: FileResult): string {
  return result.kind === "text" || result.kind === "transcript" ? result.text : "";
}

/**
 * The length to which each text must be cut so that all of them fit. Short texts stay whole, and
 * leave their room to the others.
 */
export function fairLimit(lengths: readonly number[], maxChars: number): number {
  let room = maxChars;
  let left = lengths.length;
  for (const length of lengths.toSorted((one, other) => one - other)) {
    const share = Math.max(0, Math.floor(room / left));
    if (length > share) return share;
    room -= length;
    left -= 1;
  }
  return Infinity;
}
