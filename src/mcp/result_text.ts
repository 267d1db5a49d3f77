/**
 * Writes the result of an MCP tool as text for the model.
 *
 * @module
 */

import { isRecord } from "../lib/record.ts";

/** Maximum UTF-16 units of a result; the model sees less (T1). */
const MAX_CHARS = 200_000;

/** Writes a result. Pictures and other files are only named. */
export function resultText(result: unknown): string {
  if (!isRecord(result)) return "The tool returned nothing.";
  const { content, structuredContent, toolResult } = result;
  const parts = Array.isArray(content) ? content.map(partText).filter((part) => part !== "") : [];
  const text = parts.length > 0
    ? parts.join("\n\n")
    : JSON.stringify(structuredContent ?? toolResult) ?? "The tool returned nothing.";
  return text.slice(0, MAX_CHARS).toWellFormed();
}

function partText(part: unknown): string {
  if (!isRecord(part)) return "";
  const { type, text, mimeType, resource, uri, name } = part;
  switch (type) {
    case "text":
      return typeof text === "string" ? text : "";
    case "resource":
      return isRecord(resource) && typeof resource["text"] === "string"
        ? `[resource ${String(resource["uri"])}]\n${resource["text"]}`
        : "[a resource that is no text]";
    case "resource_link":
      return `[resource ${String(name ?? "")} ${String(uri ?? "")}]`;
    default:
      return `[${String(type)} ${String(mimeType ?? "")}: not shown]`;
  }
}
