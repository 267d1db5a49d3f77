/**
 * The parts of an entry: each text with its sources, by which it can be removed. The last step makes
 * one text of them.
 */

/** Kind of content in a fence. The model should act only on a `message`, and read an `event`. */
export type FenceName =
  | "context"
  | "quoted"
  | "extras"
  | "message"
  | "event"
  | "file"
  | "result"
  | "summary"
  | "transcript";

export interface Part {
  /** As the model reads it, escaped for its fence. */
  readonly text: string;
  /** Neighbours of one fence stand in it together; absent: a line of Barnacle's own. */
  readonly fence?: FenceName;
  /** Who wrote a `message`, as its line says. */
  readonly from?: string;
  /** Whether it says that the turn shows an image; absent: no. */
  readonly isImage?: boolean;
  /**
   * Ids of the messages, people and events that its words are from; none if they are Barnacle's own.
   * Absent: unknown, so that its whole turn goes with any person.
   */
  readonly of?: readonly string[];
}

/** A text with its parts. */
export interface PartedText {
  readonly text: string;
  readonly parts: readonly Part[];
  /** Boundary of its fences. */
  readonly boundary: string;
}

/** The text of parts, as the model reads it. */
export function partedText(parts: readonly Part[], boundary: string): PartedText {
  const lines: string[] = [];
  let open: FenceName | undefined;
  for (const { fence, text } of [...parts, { fence: undefined, text: "" }]) {
    if (fence !== open) {
      if (open) lines.push(`</${open}>`);
      if (fence) lines.push(`<${fence} boundary="${boundary}">`);
      open = fence;
    }
    lines.push(text);
  }
  lines.pop(); // of the end that closes the last fence
  return { text: lines.join("\n"), parts, boundary };
}
