/**
 * Keeps links by the model from leaking data without a click (SEC-R7): Discord fetches a link for its
 * preview. A link whose host is not in `messages.linkHosts` stands in angle brackets, and its message
 * has no previews. An address that the sender wrote stays as it is.
 */

export interface LinkRules {
  /** The sender's message and the operator's texts. */
  readonly written: readonly string[];
  /** `"example.org"`: that host; `"*.example.org"`: all its subdomains; `"*"`: every host. */
  readonly linkHosts: readonly string[];
}

/** An address, and what follows it without white space of Discord's: more than the end of a sentence is data. */
const LINK = /<?(https?:\/\/[^\s<>`)\]|]*[^\s<>`)\]|.,;:!?'"*_~])>?(?=([^\t\n\r <>]*))/gi;
const END = /^[.,;:!?'")\]*_~|`]{0,2}$/;

/** @returns `found`: the number of links for which Discord must fetch nothing. */
export function withoutPreviews(
  text: string,
  { written, linkHosts }: LinkRules,
): { readonly text: string; readonly found: number } {
  if (!text.includes("://")) return { text, found: 0 }; // most answers
  let found = 0;
  const bracketed = text.replace(LINK, (link, address: string, rest: string) => {
    const { host = "" } = URL.parse(address) ?? {};
    const isListed = linkHosts.some((rule) =>
      rule === "*" || rule === host || (rule.startsWith("*.") && host.endsWith(rule.slice(1)))
    );
    const isWritten = END.test(rest) && written.some((one) => one.includes(address));
    if (isListed || isWritten) return link;
    found += 1;
    return `<${address}>`;
  });
  return { text: bracketed, found };
}
