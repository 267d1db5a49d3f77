/**
 * Rewrites texts of turns that repeat a message whose sender has edited or deleted it (H6a).
 *
 * Barnacle wrote these texts itself (`render/prompt/envelope.ts`, results of tools), so each place that
 * repeats a message names its id: the fence of the message, the fence of a quote, and a line of JSON for
 * each overheard or read message. Everything else stays as it is, byte for byte.
 */

import type { InboundMessage } from "../../core/inbound/inbound.ts";

/** A message that was changed. */
export interface ChangedMessage {
  readonly messageId: string;
  /** The message as it is now; absent: it is deleted. */
  readonly now?: Pick<InboundMessage, "text" | "extras">;
}

/** Takes the place of a deleted message in the transcript. */
export const DELETED = "[The sender has deleted this message.]";
/** Takes the place of its words where another message quotes it. */
const DELETED_QUOTE = "[deleted by its sender since]";
/** Takes the place of an earlier text of a message that a tool has read. */
const EDITED_SINCE = "[edited by its sender since]";

/**
 * Prepares the rewriting of texts for one message.
 *
 * @param escape Escapes words by people for a fence.
 */
export function prepareRewrite(
  { messageId, now }: ChangedMessage,
  escape: (text: string) => string,
): (text: string) => string {
  const own = new RegExp(
    `(\\[message_id: ${messageId}\\][^\\n]*\\n)(?:\\[voice message [^\\n]*\\n)?` +
      `<message boundary="([^"\\n]*)">\\n[^]*?\\n</message>` +
      `(?:\\n<extras boundary="\\2">\\n[^]*?\\n</extras>)?`,
    "g",
  );
  const quote = new RegExp(
    `(\\[discord message id: ${messageId}\\][^\\n]*\\n<quoted boundary="([^"\\n]*)">\\n)` +
      `[^]*?(\\n</quoted>)`,
    "g",
  );

  const ownNow = (_: string, head: string, boundary: string): string => {
    const fenced = (name: string, text: string) =>
      `<${name} boundary="${boundary}">\n${escape(text)}\n</${name}>`;
    if (!now) return `${head}${fenced("message", DELETED)}`;
    const extras = now.extras.map((extra) => JSON.stringify({ ...extra })).join("\n");
    const shown = [fenced("message", now.text), ...(extras && [fenced("extras", extras)])];
    return head + shown.join("\n");
  };

  /** @returns `undefined` for a line to remove. */
  function line(written: string): string | undefined {
    if (!written.startsWith("{") || !written.includes(messageId)) return written;
    const fields = fieldsOf(written);
    if (!fields) return written;
    if (fields["id"] === messageId) {
      return now ? escape(JSON.stringify({ ...fields, text: now.text })) : undefined;
    }
    if (fields["message_id"] === messageId) {
      return now ? JSON.stringify({ ...fields, text: EDITED_SINCE }) : undefined;
    }
    if (fields["to_message"] !== messageId || !("message_begins" in fields)) return written;
    const { message_begins: _, ...rest } = fields;
    return JSON.stringify(rest);
  }

  return (text) => {
    if (!text.includes(messageId)) return text; // most texts
    const fences = text.replace(own, ownNow).replace(
      quote,
      (_, head: string, _boundary: string, end: string) =>
        head + (now ? escape(now.text) : DELETED_QUOTE) + end,
    );
    return fences.split("\n").flatMap((written) => line(written) ?? []).join("\n");
  };
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const fields: unknown = JSON.parse(line);
    return typeof fields === "object" && fields !== null ? { ...fields } : undefined;
  } catch {
    return undefined; // not one of our lines
  }
}

/**
 * An answer without the lines that quote a message: Markdown's `>` before words of it.
 *
 * @returns The same text if it quotes nothing of it.
 */
export function withoutQuotes(answer: string, question: string): string {
  const words = plain(question);
  const quotes = (line: string): boolean => {
    const quoted = /^\s*>{1,3}\s?(.*)$/.exec(line)?.[1];
    const text = quoted === undefined ? "" : plain(quoted);
    return text !== "" && words.includes(text);
  };
  if (!answer.includes(">") || words === "") return answer;
  const lines = answer.split("\n");
  const kept = lines.filter((line) => !quotes(line));
  return kept.length === lines.length ? answer : kept.join("\n").trim();
}

/** Words alone, so that marks and capitals make no difference. */
function plain(text: string): string {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu)?.join(" ") ?? "";
}
