/**
 * Composes the messages of a reminder (T12).
 *
 * A model wrote its text, so secrets and foreign links are taken out as in an answer (SEC-R7,
 * SEC-R10). It pings only the person who asked for it.
 *
 * @module
 */

import type { InboundMessage } from "../core/inbound/inbound.ts";
import type { Frozen } from "../core/outbound/outbound.ts";
import { chunk } from "./markdown/chunk.ts";
import { freeze } from "./freeze.ts";
import { notice, type Texts } from "./notices/notices.ts";
import type { TextRules } from "./reply.ts";
import { createLinks, type LinkRules } from "./safety/links.ts";

/** Takes foreign links out of a text by a model, before it is stored. */
export function neutralizedText(text: string, rules: LinkRules): string {
  const links = createLinks(rules);
  const asCode = links.neutralize(text, "code").text;
  return links.hasUntrusted(asCode) ? links.neutralize(text, "plain").text : asCode;
}

/** The run of a reminder. */
export interface Reminder {
  /** The message of the run; its text is the reminder's. */
  readonly message: InboundMessage;
  /** Set if it is posted late. */
  readonly isLate: boolean;
  /** Id of the agent that set it. */
  readonly agentId: string;
}

/** Composes and freezes a reminder. Its nonces depend on the run alone. */
export function composeReminder(
  { message, isLate, agentId }: Reminder,
  { chunks, cleanSecrets, texts }: Pick<TextRules, "chunks" | "cleanSecrets"> & {
    readonly texts: Texts;
  },
): readonly Frozen[] {
  const { accountId, channelId, guildId, id, revision, sender, text, scheduled } = message;
  const user = `<@${sender.id}>`;
  const due = `<t:${Math.floor((scheduled?.dueAt ?? message.sentAt) / 1_000)}:f>`;
  const words = cleanSecrets(
    isLate
      ? notice("reminderLate", { user, text, due }, texts)
      : notice("reminder", { user, text }, texts),
  );
  return freeze({
    accountId,
    channelId,
    ...(guildId !== undefined && { guildId }),
    cause: id,
    revision,
    agentId,
    kind: "notice",
    chunks: chunk(words, chunks, chunks.maxChunks),
    text: words,
    files: [],
    mayPing: { users: [sender.id], roles: [] },
    suppressesEmbeds: false,
  });
}
