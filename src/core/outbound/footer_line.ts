/**
 * Takes the footer of an answer out of the text that Discord has of it (R15).
 *
 * People see the footer, the model does not. The stored message has it apart
 * (`OutboundMessage.footer`), so Barnacle looks for exactly these lines, and for no pattern.
 */

import type { MessageId } from "../discord/ids.ts";

/** Discord's mark of a line in small letters, as the footer is. */
export const SMALL = "-# ";

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
