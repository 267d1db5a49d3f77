/**
 * Finds out whether an address is exactly one that the sender or the operator wrote (SEC-R7).
 *
 * Two spellings of one URL differ in characters, and these could carry data: `/data/../page`, a host
 * with some capitals, `?!?!!` at the end. No one documents what Discord's server makes of them. So
 * an address counts only in the spelling that was written, or in the normal form of that URL.
 *
 * @module
 */

/**
 * Everything that Discord may take for an address: it searches for the scheme, regardless of the
 * text before it.
 */
export const ADDRESS: string = String.raw`https?:\/\/[^\s<>]*`;

/** Punctuation that ends a sentence or closes marks. */
const TRAIL = /[.,:;!?'"\]}*_~|`]{1,50}$/;

/** Punctuation that Discord leaves out of a link. A sentence needs no more of it. */
const LEFT_OUT = /[.,:;'"\]]{1,3}$/;

/** The addresses in a text, each with any address within it. */
export function addressesIn(text: string): readonly string[] {
  return Array.from(text.matchAll(new RegExp(ADDRESS, "gi")), ([address]) => address);
}

/** The URLs in texts, in each spelling that counts as the same. */
export function writtenUrls(texts: readonly string[]): ReadonlySet<string> {
  return new Set(
    texts.flatMap(addressesIn)
      .flatMap((address) => [without(TRAIL, address), without(LEFT_OUT, address)])
      .flatMap(spellingsOf),
  );
}

/** As it was written, and as a browser shows it; the root also with or without its slash. */
function spellingsOf(url: string): readonly string[] {
  const spellings = URL.canParse(url) ? [url, new URL(url).href] : [url];
  return spellings.flatMap((spelling) => {
    const [, root] = /^(https?:\/\/[^/?#]+)\/?$/i.exec(spelling) ?? [];
    return root === undefined ? [spelling] : [root, `${root}/`];
  });
}

/**
 * Whether an address in a sentence was written.
 *
 * @param before Text before the address.
 * @param after The character behind it, or `""`.
 * @param isWritten Whether an address was written exactly so.
 * @returns `whole`: yes, and Discord's link ends with the URL. `without its end`: the same
 * only if {@link trailOf} is kept out of the link. `undefined`: no.
 */
export function withinSentence(
  address: string,
  before: string,
  after: string,
  isWritten: (address: string) => boolean,
): "whole" | "without its end" | undefined {
  // JavaScript counts more characters as white space than other programs.
  const isEnd = /^[ \t\r\n]?$/.test(after);
  if (isEnd && isWritten(without(LEFT_OUT, address))) return "whole";
  const url = without(TRAIL, address);
  if (!isWritten(url)) return undefined;
  const trail = address.slice(url.length);
  const marks = trail.replace(/[.,:;'"\])]/g, "");
  const areClosing = marks !== "" && before.endsWith([...marks].reverse().join(""));
  return isEnd && areClosing && trail.length - marks.length <= 3 ? "whole" : "without its end";
}

/** The punctuation behind an address, which does not belong to it. */
export function trailOf(linkText: string): string {
  return linkText.slice(without(TRAIL, linkText).length);
}

/** An address without the punctuation at its end, and without a bracket that it does not open. */
function without(punctuation: RegExp, linkText: string): string {
  const [marks = ""] = punctuation.exec(linkText.slice(-50)) ?? [];
  const before = linkText.slice(0, linkText.length - marks.length);
  const isClosing = before.endsWith(")") &&
    before.split(")").length > before.split("(").length;
  return isClosing ? before.slice(0, -1) : before;
}
