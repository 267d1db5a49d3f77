/**
 * Keeps links by the model from leaking data (SEC-R7).
 *
 * Discord fetches a link for its preview, without a click. So a person can talk a model into
 * sending its knowledge to a foreign server. A link stays whole only if the sender or the operator
 * wrote exactly this URL, or if the operator lists its host. A host in a quote, an embed, a file or
 * an overheard message may come from an injection, so it does not count. Any other link loses its
 * query and fragment, and becomes code, for which Discord fetches nothing. Behind a trusted URL,
 * brackets keep characters out of the link that Discord might take for its end.
 *
 * Two spellings of one URL differ in characters, and these could carry data: `/data/../page`, a host
 * with some capitals, `?!?!!` at the end. No one documents what Discord's server makes of them. So
 * an address counts only in the spelling that was written, or in the normal form of that URL.
 *
 * Discord and Barnacle may disagree about where code begins. So Barnacle checks each message again
 * in its final form. If it still contains such a link, all links of the text are rewritten so that
 * nothing can read them as links.
 */

import { REDACTED } from "../../lib/text/redactor.ts";
import { codeRegions, createMarks, isInCode } from "../markdown/code_region.ts";

/**
 * Everything that Discord may take for an address: it searches for the scheme, regardless of the
 * text before it.
 */
const ADDRESS: string = String.raw`https?:\/\/[^\s<>]*`;

/** Punctuation that ends a sentence or closes marks. */
const TRAIL = /[.,:;!?'"\]}*_~|`]{1,50}$/;

/** Punctuation that Discord leaves out of a link. A sentence needs no more of it. */
const LEFT_OUT = /[.,:;'"\]]{1,3}$/;

/** The addresses in a text, each with any address within it. */
function addressesIn(text: string): readonly string[] {
  return Array.from(text.matchAll(new RegExp(ADDRESS, "gi")), ([address]) => address);
}

/** The URLs in texts, in each spelling that counts as the same. */
function writtenUrls(texts: readonly string[]): ReadonlySet<string> {
  return new Set(
    texts.flatMap(addressesIn)
      .flatMap((address) => [withoutEnd(TRAIL, address), withoutEnd(LEFT_OUT, address)])
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
 * @returns `whole`: yes, and Discord's link ends with the URL. `without its end`: the same
 * only if {@link trailOf} is kept out of the link. `undefined`: no.
 */
function withinSentence(
  address: string,
  before: string,
  after: string,
  isWritten: (address: string) => boolean,
): "whole" | "without its end" | undefined {
  // JavaScript counts more characters as white space than other programs.
  const isEnd = /^[ \t\r\n]?$/.test(after);
  if (isEnd && isWritten(withoutEnd(LEFT_OUT, address))) return "whole";
  const url = withoutEnd(TRAIL, address);
  if (!isWritten(url)) return undefined;
  const trail = address.slice(url.length);
  const marks = trail.replace(/[.,:;'"\])]/g, "");
  const areClosing = marks !== "" && before.endsWith([...marks].reverse().join(""));
  return isEnd && areClosing && trail.length - marks.length <= 3 ? "whole" : "without its end";
}

/** The punctuation behind an address, which does not belong to it. */
function trailOf(linkText: string): string {
  return linkText.slice(withoutEnd(TRAIL, linkText).length);
}

/** An address without the punctuation at its end, and without a bracket that it does not open. */
function withoutEnd(punctuation: RegExp, linkText: string): string {
  const [marks = ""] = punctuation.exec(linkText.slice(-50)) ?? [];
  const before = linkText.slice(0, linkText.length - marks.length);
  const isClosing = before.endsWith(")") &&
    before.split(")").length > before.split("(").length;
  return isClosing ? before.slice(0, -1) : before;
}

/** Sources of trusted links. */
export interface LinkRules {
  /** The sender's message and the operator's texts. */
  readonly written: readonly string[];
  /** `messages.linkHosts`: `"example.org"` is that host, `"*.example.org"` all its subdomains. */
  readonly linkHosts: readonly string[];
}

/** The check of links in one answer. */
export interface Links {
  /**
   * Neutralizes each untrusted link.
   *
   * @param how `code`: the link becomes code; links within code stay. `plain`: the text is no link
   * any more, whatever surrounds it.
   */
  neutralize(
    text: string,
    how: "code" | "plain",
  ): { readonly text: string; readonly found: number };
  /** Whether a message in its final form contains an untrusted link. */
  hasUntrusted(message: string): boolean;
}

/**
 * `[words](address "title")`. The length of its parts is limited, so that no text takes for ever.
 */
const MASKED = String
  .raw`\[([^[\]\n]{0,500})\]\(\s{0,9}<?(https?:\/\/(?:[^\s<>()]|\([^\s<>()]{0,500}\)){0,4000})>?(?:\s[^()\n]{0,500})?\)`;
const LINK = new RegExp(`${MASKED}|<(${ADDRESS})>|${ADDRESS}`, "gi");
const SCHEME = /https?:\/\//gi;

/** A host has at most 253 characters. */
const HOST_LENGTH = 300;

const MAY_LINK = /https?:\/\//i;

/** Whether a text contains the scheme of a link. */
export function mayLink(text: string): boolean {
  return MAY_LINK.test(text);
}

/** Creates the check for one answer. */
export function createLinks({ written, linkHosts }: LinkRules): Links {
  let urls: ReadonlySet<string> | undefined; // computed only if there is a link
  const isWritten = (address: string) => (urls ??= writtenUrls(written)).has(address);
  const isListed = (host: string | undefined) =>
    host !== undefined && linkHosts.some((rule) => matchesRule(rule, host));
  /** How exactly an address was written; `undefined` if it was not. */
  const trustOf = (address: string, isBare: boolean, before: string, after: string) => {
    if (address.includes(REDACTED)) return undefined;
    const hosts = hostsOf(address);
    if (hosts.every(isListed)) return "whole";
    if (hosts.includes(undefined)) return undefined;
    if (!isBare) return isWritten(address) ? "whole" : undefined;
    return withinSentence(address, before, after, isWritten);
  };

  const neutralize: Links["neutralize"] = (text, how) => {
    if (!mayLink(text)) return { text, found: 0 };
    let isCode: ((position: number) => boolean) | undefined; // computed only if a link changes
    let found = 0;
    const neutralized = text.replace(
      LINK,
      (
        link: string,
        label: string | undefined,
        masked: string | undefined,
        angled: string | undefined,
        at: number,
      ) => {
        const bare = masked ?? angled;
        const before = text.slice(Math.max(0, at - 20), at);
        const trust = trustOf(
          bare ?? link,
          bare === undefined,
          before,
          text.charAt(at + link.length),
        );
        const isLabelTrusted = addressesIn(label ?? "")
          .every((address) => trustOf(address, true, "", "") === "whole");
        if (trust === "whole" && isLabelTrusted) return link;
        if (how === "code") {
          isCode ??= codeTest(text);
          if (isCode(at)) return link;
        }
        found += 1;
        if (trust === "without its end") {
          const trail = trailOf(link);
          return `<${link.slice(0, link.length - trail.length)}>${trail}`;
        }
        const { address, trail } = splitLink(bare ?? link, bare === undefined);
        const shownAs = how === "code"
          ? `\`${address.replaceAll("`", "%60")}\``
          : withoutSchemes(address);
        // The link has lost its brackets. They kept it apart from text that could form an address with it.
        const gap = bare !== undefined && /\S/.test(text.charAt(at - 1)) ? " " : "";
        const touchesNext = how === "plain" && bare !== undefined &&
          /\S/.test(text.charAt(at + link.length));
        const after = touchesNext ? " " : "";
        if (label === undefined) return gap + shownAs + trail + after;
        return label.trim() === ""
          ? gap + shownAs + after
          : `${withoutSchemes(label)} (${shownAs})`;
      },
    );
    return { text: neutralized, found };
  };
  return { neutralize, hasUntrusted: (message) => neutralize(message, "code").found > 0 };
}

/** Breaks the scheme of each address in a text. The result contains no new address. */
function withoutSchemes(text: string): string {
  return text.replaceAll("://", "[:]//");
}

/** Splits a link into the address, without query and fragment, and the punctuation after it. */
function splitLink(linkText: string, isBare: boolean) {
  const trail = isBare ? trailOf(linkText) : "";
  const address = linkText.slice(0, linkText.length - trail.length);
  return { address: address.replace(/[?#].*$/s, ""), trail };
}

/**
 * The normalized host of each address in a text, including addresses within others; `undefined` for
 * one that is not certain.
 */
function hostsOf(text: string): readonly (string | undefined)[] {
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

function matchesRule(rule: string, host: string): boolean {
  const named = rule.toLowerCase();
  return named.startsWith("*.") ? host.endsWith(named.slice(1)) : host === named;
}

/** Creates a test of whether Discord certainly shows a position as code. */
function codeTest(text: string): (position: number) => boolean {
  const marks = createMarks();
  let from = 0;
  const sure = codeRegions(text).filter(({ start, end }) => {
    marks.read(text.slice(from, start));
    const code = text.slice(start, end);
    const isSure = text[start - 1] !== "\\" && isPlainCode(code) && !marks.mayEndIn(code);
    if (!isSure) marks.read(code);
    from = end;
    return isSure;
  });
  return (position) => isInCode(sure, position);
}

/** Three backticks, which Discord ends at the next three; or a span on one line. */
function isPlainCode(code: string): boolean {
  return /^[ \t>]*`{3}(?!`)/.test(code) || /^`{1,2}(?!`)[^\n]*$/.test(code);
}
