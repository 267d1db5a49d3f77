/**
 * Speaks the answer to a voice message (R16).
 *
 * The sound is a message of its own beside the text. It is frozen and stored together with the
 * text, so it is sent exactly once, as the text is. A failure costs the sound, never the text.
 */

import type { BotAccount } from "../../account/account.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { withPlainMarkup } from "../../core/inbound/inbound.ts";
import type { OutboundFile, VoiceFile } from "../../core/outbound/outbound.ts";
import { bounded } from "../../lib/text/quoted.ts";
import { timeText } from "../../lib/text/units.ts";
import { audioSpending } from "../limits.ts";

export interface Voice {
  /** `"<provider>/<model>"`. */
  readonly modelId: string;
  /** The cost of some seconds, in millionths of the currency; `undefined` if it is not known. */
  readonly microsOf?: (seconds: number) => number | undefined;
  /**
   * Speaks a text.
   *
   * @returns Opus in Ogg.
   * @throws {FileError} If there is no such sound; or the signal's reason.
   */
  readonly speak: (text: string, signal: AbortSignal) => Promise<Uint8Array<ArrayBuffer>>;
  /** The same as samples of 24 kHz, part by part, for a call (V5). */
  readonly speakPcm: (text: string, signal: AbortSignal) => AsyncIterable<Int16Array>;
}

/** Maximum characters that are spoken, as OpenAI allows them. */
const MAX_CHARS = 4_096;

/**
 * Speaks an answer.
 *
 * @returns `undefined` if the message was no voice message, if the config has no voice, or after a
 * failure. Never fails.
 */
export async function speakAnswer(
  account: BotAccount,
  { message, agentId }: { readonly message: InboundMessage; readonly agentId: string },
  text: string,
): Promise<VoiceFile | undefined> {
  const { settings: { speech: { voice } }, stopping, now, log } = account;
  if (!voice || !message.attachments?.some(({ isVoice }) => isVoice)) return undefined;
  const words = spokenText(text);
  if (words === "") return undefined;
  const audio = audioSpending(account);
  try {
    const stop = await audio.check({ message, agentId });
    if (stop) {
      log.info("A budget is spent: an answer is sent as text only", {
        messageId: message.id,
        rule: stop.rule,
        limit: stop.limit,
      });
      return undefined;
    }
    const startedAt = now();
    const bytes = await voice.speak(words, stopping);
    const job = { kind: "voice", bytes: bytes.slice() } as const;
    const facts = await account.bot.media.extractor.run(job, stopping);
    audio.record(voice, facts.durationSec, startedAt, { message, agentId });
    return { ...facts, file: voiceFile(bytes) };
  } catch (error) {
    if (!stopping.aborted) {
      log.warn("Cannot speak an answer; its text is sent", { messageId: message.id, error });
    }
    return undefined;
  }
}

function voiceFile(bytes: Uint8Array<ArrayBuffer>): OutboundFile {
  return { name: "voice-message.ogg", contentType: "audio/ogg", bytes };
}

/** The words of an answer, without code, addresses and Discord's marks, which no one reads aloud. */
export function spokenText(text: string): string {
  const plain = text.replace(/```[\s\S]*?(?:```|$)/g, " ").replace(/`([^`\n]*)`/g, "$1")
    .replace(/\[([^\]\n]*)\]\([^)\s]*\)/g, "$1").replace(/<?https?:\/\/\S+/g, " ")
    .replace(/<(?:@[!&]?|#|a?:\w+:)\d+>/g, " ")
    .replace(/^\s{0,3}(?:#{1,3}|-#|>{1,3}|[-*+])\s+/gm, "").replace(/(\*{1,3}|__|~~|\|\|)/g, "");
  return bounded(
    withPlainMarkup(plain, timeText).replace(/[ \t]+/g, " ").replace(/\s*\n\s*/g, "\n").trim(),
    MAX_CHARS,
  );
}
