/**
 * Serves files that were sent on the simulated Discord, so that the page can open them.
 *
 * A bot may send any content. So the browser shows only plain text and pictures, and saves all
 * other files: no file can run a script at the page's address.
 */

import { findFile } from "../world/media.ts";
import type { World } from "../world/world.ts";

/** Types that a browser shows and never runs. */
const SHOWN = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** Types of text, and text types without a registered name. */
const TEXT = /^text\/|^application\/(?:json|jsonl|xml|yaml|x-yaml|toml)\b/;

const TEXT_NAMES = /\.(?:txt|md|log|csv|json|jsonc|ya?ml|toml|ts|js|py|sh|html?|css|xml|diff)$/i;

/** Answers a request for a file, or with 404. */
export function answerFile(
  world: World,
  at: { readonly channel: string; readonly file: string },
): Response {
  const file = findFile(world, at);
  if (!file?.bytes) return new Response("This file is gone", { status: 404 });
  const { bytes, filename, contentType = "" } = file;
  const isText = TEXT.test(contentType) || TEXT_NAMES.test(filename);
  const isShown = SHOWN.includes(contentType);
  const type = isText
    ? "text/plain; charset=utf-8"
    : isShown
    ? contentType
    : "application/octet-stream";
  const how = isText || isShown ? "inline" : "attachment";
  return new Response(bytes, {
    headers: {
      "Content-Type": type,
      "Content-Disposition": `${how}; filename*=UTF-8''${encodeURIComponent(filename)}`,
    },
  });
}
