/** Writes the result of an MCP tool as text for the model, and shows its images. */

import { Buffer } from "node:buffer";
import type { ToolContext } from "../core/turn/tool.ts";
import { FileError } from "../core/turn/media.ts";
import { isRecord } from "../lib/text/json.ts";
import { sizeOf } from "../lib/text/units.ts";

/** Maximum UTF-16 units of a result; the model sees less (T1). */
const MAX_CHARS = 200_000;
/** Maximum UTF-16 units of a name, a type or an address in a line of ours. */
const MAX_NAME = 300;

const NOTHING = "The tool returned nothing.";

/**
 * Writes a result. Links to resources, sounds and other files are named.
 *
 * @param showImage Shows an image to the model; absent: images are only named.
 * @param onOdd Called for each part that cannot be read. The others are written.
 */
export async function resultText(
  result: unknown,
  showImage?: ToolContext["showImage"],
  onOdd: () => void = () => {},
): Promise<string> {
  const { content, structuredContent, toolResult, isError: _, _meta, resultType: __, ...own } =
    Array.isArray(result) || !isRecord(result) ? { content: result } : result;
  const bare = content === undefined && Object.keys(own).length > 0 ? own : undefined;
  const parts: string[] = [];
  for (const part of content === undefined || content === null ? [] : [content].flat()) {
    const written = await partText(typeof part === "string" ? { text: part } : part, showImage);
    if (written === undefined) onOdd();
    parts.push(written ?? "[a part of the result is not readable]");
  }
  const text = parts.some((part) => part !== "")
    ? parts.filter((part) => part !== "").join("\n\n")
    : JSON.stringify(structuredContent ?? toolResult ?? bare) ?? NOTHING;
  return text.slice(0, MAX_CHARS).toWellFormed();
}

/** @returns `undefined` if the part cannot be read. */
async function partText(
  part: unknown,
  showImage: ToolContext["showImage"],
): Promise<string | undefined> {
  if (!isRecord(part)) return undefined;
  const { type, text, data, mimeType, resource, uri, name, description } = part;
  switch (type ?? "text") {
    case "text":
      return typeof text === "string" ? text : undefined;
    case "image":
      if (typeof data !== "string") return undefined;
      return await fileText("image", mimeType, data, showImage);
    case "resource": {
      if (!isRecord(resource)) return undefined;
      const what = named("resource", resource["uri"]);
      return typeof resource["text"] === "string"
        ? `[${what}]\n${resource["text"]}`
        : await fileText(what, resource["mimeType"], resource["blob"], showImage);
    }
    case "resource_link": {
      const about = typeof description === "string" ? `: ${short(description)}` : "";
      return `[link to the ${named("resource", name, uri, mimeType)}${about}; not read]`;
    }
    default:
      return await fileText(named(type), mimeType, data);
  }
}

/** Names a file of a result, with its type and size, and shows it if it is an image. */
async function fileText(
  what: string,
  mimeType: unknown,
  base64: unknown,
  showImage?: ToolContext["showImage"],
): Promise<string> {
  const [start = "", own] = /^data:([^;,]*)[^,]*,/.exec(typeof base64 === "string" ? base64 : "") ??
    [];
  const type = mimeType ?? own;
  const bytes = typeof base64 === "string"
    ? Buffer.from(base64.slice(start.length), "base64") // it skips line breaks
    : undefined;
  const name = `${named(what, type)}${bytes ? `, ${sizeOf(bytes.length)}` : ""}`;
  const isImage = what === "image" || typeof type === "string" && type.startsWith("image/");
  if (!bytes || !isImage) return `[${name}: not shown: only text and images are]`;
  if (!showImage) return `[${name}: not shown]`;
  try {
    const { name: imageName, unseen } = await showImage(new Uint8Array(bytes));
    const seen = unseen === undefined ? "shown after the results" : `not shown: ${unseen}`;
    return `[${name}, image:${imageName}: ${seen}]`;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return `[${name}: not shown: ${error.message}]`;
  }
}

/** The words that a server has given, each bounded. */
function named(...words: readonly unknown[]): string {
  return words.flatMap((word) => typeof word === "string" && word !== "" ? [short(word)] : [])
    .join(" ");
}

function short(word: string): string {
  return word.slice(0, MAX_NAME).toWellFormed();
}
