/**
 * Checks paths that a model names, before anything is opened.
 *
 * Some file systems take other characters for a slash or a dot, or ignore case and invisible
 * characters. So a path that only could leave the root is refused, too.
 *
 * @module
 */

import { badArguments, RefusedCall } from "../core/refused_call.ts";

const MAX_PARTS = 16;
const MAX_PART_BYTES = 255;
const MAX_CHARS = 1_000;

/** Files with instructions: only people change these (H4). Compared without case. */
const INSTRUCTIONS: ReadonlySet<string> = new Set(["agents.md", "soul.md", "skills"]);

/**
 * The parts of a path within the workspace.
 *
 * @returns No part for the root.
 * @throws {Error} If the path is absolute, or could leave the root.
 */
export function partsOf(path: string): readonly string[] {
  const refuse = (why: string): never => {
    throw badArguments(`the path ${JSON.stringify(path.slice(0, 100))} cannot be used: ${why}`);
  };
  if (path.length > MAX_CHARS) refuse("it is too long");
  if (/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u.test(path)) {
    refuse("it has control characters or invisible ones");
  }
  if (/^[/\\~]/.test(path) || /^[A-Za-z]:/.test(path)) refuse("write it relative to the workspace");
  if (path.includes("\\")) refuse('write "/" between its parts');
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length > MAX_PARTS) refuse("it has too many parts");
  for (const part of parts) {
    if (part === "..") refuse('".." leaves the folder');
    const plain = part.normalize("NFKC");
    if (/[/\\]/.test(plain) || /^\.+$/.test(plain) || plain.includes("..")) {
      refuse("it has characters that look like slashes or dots");
    }
    if (part !== part.normalize("NFC")) refuse("its accents are written in two characters");
    if (new TextEncoder().encode(part).length > MAX_PART_BYTES) refuse("a part is too long");
    if (/[. ]$/.test(part) || /[<>:"|?*]/.test(part)) {
      refuse('its parts may not end with "." or " ", nor have any of <>:"|?*');
    }
  }
  return parts;
}

/**
 * Checks that tools may change a path.
 *
 * @throws {Error} If it names the agent's instructions or its skills.
 */
export function assertChangeable([first = ""]: readonly string[]): void {
  if (!INSTRUCTIONS.has(first.normalize("NFKC").toLowerCase())) return;
  throw new RefusedCall(
    "policy",
    `"${first}" has instructions for you: only your operator changes it`,
  );
}
