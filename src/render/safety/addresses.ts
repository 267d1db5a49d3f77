/** Finds addresses of the web in texts, and reads their hosts. */

/**
 * Everything that Discord may take for an address: it searches for the scheme, regardless of the
 * text before it.
 */
export const ADDRESS: string = String.raw`https?:\/\/[^\s<>]*`;

/** Punctuation that ends a sentence or closes marks. */
export const TRAIL = /[.,:;!?'"\]}*_~|`]{1,50}$/;

/** Punctuation that Discord leaves out of a link. A sentence needs no more of it. */
export const LEFT_OUT = /[.,:;'"\]]{1,3}$/;

export function addressesIn(text: string): readonly string[] {
  return Array.from(text.matchAll(new RegExp(ADDRESS, "gi")), ([address]) => address);
}

/** The addresses in a text as a sentence may end with them: with and without punctuation. */
export function writtenUrls(text: string): readonly string[] {
  return addressesIn(text)
    .flatMap((address) => [withoutEnd(TRAIL, address), withoutEnd(LEFT_OUT, address)])
    .flatMap(spellingsOf);
}

/** As it was written, and as a browser shows it; the root also with or without its slash. */
export function spellingsOf(url: string): readonly string[] {
  const spellings = URL.canParse(url) ? [url, new URL(url).href] : [url];
  return spellings.flatMap((spelling) => {
    const [, root] = /^(https?:\/\/[^/?#]+)\/?$/i.exec(spelling) ?? [];
    return root === undefined ? [spelling] : [root, `${root}/`];
  });
}

/** An address without the punctuation at its end, and without a bracket that it does not open. */
export function withoutEnd(punctuation: RegExp, linkText: string): string {
  const [marks = ""] = punctuation.exec(linkText.slice(-50)) ?? [];
  const before = linkText.slice(0, linkText.length - marks.length);
  const isClosing = before.endsWith(")") &&
    before.split(")").length > before.split("(").length;
  return isClosing ? before.slice(0, -1) : before;
}

const SCHEME = /https?:\/\//gi;

/** A host has at most 253 characters. */
const HOST_LENGTH = 300;

/**
 * The normalized host of each address in a text, including addresses within others; `undefined` for
 * one that is not certain.
 */
export function hostsOf(text: string): readonly (string | undefined)[] {
  return Array.from(text.matchAll(SCHEME), ({ 0: { length }, index }) => {
    const behind = index + length;
    const authority = authorityOf(text.slice(behind, behind + HOST_LENGTH));
    return authority === undefined ? undefined : hostOf(authority);
  });
}

/**
 * Reads the authority of a link for people. It is not certain if another parser could read it
 * differently: with a name or a password before the host, a backslash, or a quote within it.
 */
function authorityOf(rest: string): string | undefined {
  const [linkText = ""] = /^[^\s<>/?#]*/.exec(rest) ?? [];
  const authority = linkText.length < rest.length
    ? linkText
    : linkText.replace(END_OF_SENTENCE, "");
  return AUTHORITY.test(authority) ? authority : undefined;
}

const END_OF_SENTENCE = /[.,:;!?'"\])}*_~|`]{1,50}$/;
const AUTHORITY = /^[\p{L}\p{M}\p{N}._-]+(?::\d{1,5})?$/u;

function hostOf(authority: string): string | undefined {
  try {
    return new URL(`https://${authority}`).hostname.replace(/\.$/, "");
  } catch {
    return undefined; // a TypeError means that it is no host
  }
}
