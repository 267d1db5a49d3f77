/**
 * Speaks the answer to a voice message (R16).
 *
 * The sound is a message of its own beside the text. It is frozen and stored together with the text,
 * so it is sent exactly once, as the text is. A failure costs the sound, never the text.
 */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { OutboundFile, VoiceFile } from "../../core/outbound/outbound.ts";
import type { Extractor } from "../../core/turn/extract.ts";
import { withPlainMarkup } from "../../core/inbound/mentions.ts";
import { bounded } from "../../lib/text/cut.ts";
import { timeText } from "../../lib/text/units.ts";
import type { ReadAudioPorts } from "./read_audio.ts";
import type { Account } from "../../core/account/account.ts";

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

/**
 * Speaks an answer.
 *
 * @returns `undefined` if the message was no voice message, if the config has no voice, or after a
 * failure. Never fails.
 */
export type SpeakAnswer = (
  { message, agentId }: { readonly message: InboundMessage; readonly agentId: string },
  text: string,
  signal: AbortSignal,
) => Promise<VoiceFile | undefined>;

/** Maximum characters that are spoken, as OpenAI allows them. */
const MAX_CHARS = 4_096;

export function createSpeakAnswer(
  { voice, extractor, audio, log, now }:
    & Pick<Account, "log">
    & Pick<ReadAudioPorts, "audio" | "now">
    & {
      /** The voice of the current config; `undefined` if it has none. */
      readonly voice: () => Voice | undefined;
      readonly extractor: Extractor;
    },
): SpeakAnswer {
  return async ({ message, agentId }, text, signal) => {
    const by = voice();
    if (!by || !message.attachments?.some(({ isVoice }) => isVoice)) return undefined;
    const words = spokenText(text);
    if (words === "") return undefined;
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
      const bytes = await by.speak(words, signal);
      const facts = await extractor.run({ kind: "voice", bytes: bytes.slice() }, signal);
      audio.record(by, facts.durationSec, startedAt, { message, agentId });
      return { ...facts, file: voiceFile(bytes) };
    } catch (error) {
      if (!signal.aborted) {
        log.warn("Cannot speak an answer; its text is sent", { messageId: message.id, error });
      }
      return undefined;
    }
  };
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
