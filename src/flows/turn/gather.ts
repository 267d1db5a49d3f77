/**
 * Gathers the context of a turn: overheard messages, reactions, files, and stored steps.
 *
 * @module
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { Overheard } from "../../core/inbound/transcript.ts";
import { joinedBy, type Step } from "../../core/step.ts";
import { type Claim, messagesOf } from "../../core/inbound/inbox.ts";
import { withoutFooter } from "../../core/outbound/footer_line.ts";
import { type Envelope, envelopeOf } from "../../render/prompt/envelope.ts";
import type { AnswerPorts, TurnRules } from "./answer_ports.ts";
import type { RunningTurn } from "./turns.ts";
import {
  createFilesOfTurn,
  createTurnTexts,
  type FilesOfTurn,
  type TurnTexts,
} from "./files_of_turn.ts";

/** Maximum UTF-16 units of overheard messages for the model. */
const OVERHEARD_CHARS = 6_000;

/** Whether the claim's session is that of a thread which its answer opens (S7). */
export function opensThread({ message: { id, channelId }, route: { sessionKey } }: Claim): boolean {
  return String(id) !== channelId && sessionKey.endsWith(`:channel:${id}`);
}

/** The context of a turn. */
export interface Gathered {
  /** Texts of the turn's messages, with their context. */
  readonly texts: TurnTexts;
  /** Messages of the channel that the model sees. */
  readonly overheard: readonly Overheard[];
  /** Steps that an earlier process has stored. */
  readonly steps: readonly Step[];
  /** Files of the turn's messages. Those of messages that join later are not read yet. */
  readonly files: FilesOfTurn;
  /** Reads the files and the quotes of messages that have joined since. */
  readonly readJoined: (signal: AbortSignal) => Promise<void>;
}

/**
 * Fetches the turn's context. Only channels have overheard messages, not direct messages.
 *
 * @param options `filesChars`: maximum UTF-16 units of the texts of files.
 */
export async function gather(
  turn: RunningTurn,
  { boundary, filesChars }: Pick<Envelope, "boundary"> & { readonly filesChars: number },
  { historyLimit: channelLimit, timezone }: TurnRules,
  { store, backfill, threadStarter, files: fileReader, model, stopping }: AnswerPorts,
): Promise<Gathered> {
  const { message, route: { sessionKey }, attempt } = turn.claim;
  const historyLimit = opensThread(turn.claim) ? 0 : channelLimit; // a thread inherits no history
  await backfill(message, historyLimit);
  const [starter, others, reactions, steps] = await Promise.all([
    threadStarter?.(message, sessionKey),
    historyLimit === 0 ? [] : store.overheard(message, sessionKey, message.id, historyLimit),
    store.reactionsFor(message, message.id),
    attempt === 1 ? [] : store.stepsOf(message.id),
  ]);
  const overheard = others.filter(({ messageId }) => messageId !== starter?.messageId);
  const files = createFilesOfTurn(fileReader, {
    takesImages: model.takesImages !== false,
    maxChars: filesChars,
  });
  const joined = joinedBy(steps);
  const messages = messagesOf(turn.claim);
  await files.read(messages.filter(({ id }) => id === message.id || !joined.has(id)), stopping);
  for (const step of steps) {
    if (step.kind !== "joined") continue;
    await files.read(messages.filter(({ id }) => step.messageIds.includes(id)), stopping);
  }
  await files.readKept(message.id, steps);
  /** Texts of quoted answers without their footers, by the message that quotes them. */
  const quotes = new Map<MessageId, string>();
  async function readQuotes(): Promise<void> {
    for (const { id, quoted } of messagesOf(turn.claim)) {
      if (!quoted || quotes.has(id)) continue;
      quotes.set(id, await withoutFooter(quoted.text, quoted.id, store.footerOf));
    }
  }
  await readQuotes();
  const texts = createTurnTexts(() => turn.claim, steps, (one, isFirst) =>
    envelopeOf({
      message: one.quoted
        ? { ...one, quoted: { ...one.quoted, text: quotes.get(one.id) ?? one.quoted.text } }
        : one,
      starter: isFirst && starter ? starter : undefined,
      overheard: isFirst ? overheard : [],
      overheardChars: OVERHEARD_CHARS,
      reactions: isFirst ? reactions : [],
      timezone,
      boundary,
      files: files.of(one.id),
      filesChars: files.charsFor(one.id),
    }));
  return {
    texts,
    overheard: starter ? [starter, ...overheard] : overheard,
    steps,
    files,
    async readJoined(signal) {
      await files.read(messagesOf(turn.claim), signal);
      await readQuotes();
    },
  };
}
