/**
 * Takes lines in small letters, and what they stand for, out of texts that Discord has.
 *
 * People see the footer of an answer, the model does not (R15). The stored message has it apart
 * (`OutboundMessage.footer`), so Barnacle looks for exactly these lines, and for no pattern.
 */

import type { MessageId } from "../discord/ids.ts";

/** Discord's mark of a line in small letters, as the footer is. */
export const SMALL = "-# ";

/**
 * Marks a message with words of a person's own account (T13a). It stands in the message, so it holds as
 * long as Discord has the words: no reader takes them into another conversation.
 */
export const PERSONAL = `${SMALL}🔒`;

export const HIDDEN = "(not shown: it is from a person's own account)";

export const isPersonal = (text: string): boolean => text.includes(PERSONAL);

export const withoutPersonal = (text: string): string => isPersonal(text) ? HIDDEN : text;

/** Finds the footer of a message of ours; `undefined` if it has none. */
export type FooterOf = (messageId: MessageId) => Promise<string | undefined>;

/** A text of a message without the message's footer. Asks only about texts with small letters. */
export async function withoutFooter(
  text: string,
  messageId: MessageId,
  footerOf: FooterOf,
): Promise<string> {
  const footer = text.includes(SMALL) ? await footerOf(messageId) : undefined;
  if (footer === undefined) return text;
  const lines = `\n${text}\n`;
  const at = lines.lastIndexOf(`\n${footer}\n`);
  return at === -1 ? text : (lines.slice(0, at) + lines.slice(at + footer.length + 1)).slice(1, -1);
}
