/**
 * Recognises the footer of an answer: model, tokens, cached share, money and seconds (R15).
 *
 * The model never sees it. `render/footer.ts` writes it, and a test holds both together.
 *
 * @module
 */

const FOOTER =
  /(?:^|\n)-# [^\n]+ · \d+ \+ \d+ tokens · \d+ % cached(?: · \d+(?:\.\d+)?)? · \d+\.\d s$/;

/**
 * A message of the bot without its footer; empty if it was only a footer.
 *
 * @param text As Discord has it. The footer is its last line.
 */
export function withoutFooter(text: string): string {
  return text.replace(FOOTER, "");
}
