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
 */
export async function resultText(
  result: unknown,
  showImage?: ToolContext["showImage"],
): Promise<string> {
  if (!isRecord(result)) return NOTHING;
  const { content, structuredContent, toolResult } = result;
  const parts: string[] = [];
  for (const part of Array.isArray(content) ? content : []) { // in their order
    parts.push(isRecord(part) ? await partText(part, showImage) : "");
  }
  const text = parts.some((part) => part !== "")
    ? parts.filter((part) => part !== "").join("\n\n")
    : JSON.stringify(structuredContent ?? toolResult) ?? NOTHING;
  return text.slice(0, MAX_CHARS).toWellFormed();
}

async function partText(
  part: Readonly<Record<string, unknown>>,
  showImage: ToolContext["showImage"],
): Promise<string> {
  const { type, text, data, mimeType, resource, uri, name, description } = part;
  switch (type) {
    case "text":
      return typeof text === "string" ? text : "";
    case "image":
      return await fileText("image", mimeType, data, showImage);
    case "resource": {
      if (!isRecord(resource)) return "[a resource without content]";
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
  const bytes = typeof base64 === "string" ? Buffer.from(base64, "base64") : undefined;
  const name = `${named(what, mimeType)}${bytes ? `, ${sizeOf(bytes.length)}` : ""}`;
  const isImage = typeof mimeType === "string" && mimeType.startsWith("image/");
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
