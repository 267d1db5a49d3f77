/**
 * Keeps uploaded files, as long as there is room.
 *
 * Discord keeps them for ever; a bench that runs for ever cannot. So the oldest files lose their
 * bytes, and keep their names.
 */

import { parseSnowflake } from "../../src/core/discord/ids.ts";
import type { Attachment, Media, World } from "./world.ts";

/** Bytes of all files together that stay available. */
const MAX_BYTES = 64 * 1024 * 1024;

export function createMedia(): Media {
  const kept: Attachment[] = [];
  let total = 0;
  return {
    keep(attachment) {
      if (!attachment.bytes) return;
      kept.push(attachment);
      total += attachment.bytes.length;
      while (total > MAX_BYTES) {
        const oldest = kept.shift();
        if (!oldest) return;
        total -= oldest.bytes?.length ?? 0;
        delete oldest.bytes;
      }
    },
  };
}

/**
 * Finds an attachment of a message by the ids in its address.
 *
 * @returns `undefined` also for a deleted message.
 */
export function findFile(
  world: World,
  { channel, file }: { readonly channel: string; readonly file: string },
): Attachment | undefined {
  const id = parseSnowflake<"channel">(channel);
  for (const { attachments } of (id && world.channels.get(id)?.messages.values()) ?? []) {
    const found = attachments.find((attachment) => attachment.id === file);
    if (found) return found;
  }
  return undefined;
}

/** Discord's name for a file, and the name for people if that differs. */
export interface StoredName {
  readonly filename: string;
  /** Without its extension. */
  readonly title?: string;
}

/**
 * Cleans a file's name as Discord does: plain letters, digits, `_`, `.` and `-`, with only a
 * letter, a digit or `-` at its ends. So no client can find a file by the name that it sent.
 *
 * @see {@link https://docs.discord.com/developers/resources/message#attachment-object}
 */
export function storedNameOf(given: string): StoredName {
  const plain = given.normalize("NFKD").replace(/[^\x20-\x7e]/g, "").replace(/[/\\]/g, " ");
  const filename = plain.trim().replace(/\s+/g, "_").replace(/[^\w.-]/g, "")
    .replace(/^[._]+|[._]+$/g, "") || "unknown";
  if (filename === given) return { filename };
  return { filename, title: given.replace(/\.[^.]*$/, "") };
}
