/**
 * Keeps links by the model from leaking data (SEC-R7).
 *
 * Discord fetches a link for its preview, without a click. So a person can talk a model into
 * sending its knowledge to a foreign server. A link to a host that no one in the conversation has
 * named loses its query and fragment. It also becomes code, for which Discord fetches nothing.
 *
 * Discord and Barnacle may disagree about where code begins. So Barnacle checks each message again
 * in its final form. If it still contains such a link, all links of the text are rewritten so that
 * nothing can read them as links.
 *
 * @module
 */

import { REDACTED } from "../../lib/text/redactor.ts";
import { codeRegions, isInCode } from "../markdown/code_region.ts";
import { createMarks } from "../markdown/open_marks.ts";

/** Sources of known hosts. */
export interface LinkRules {
  /** Texts that the model received, and the operator's texts. Each may name a host. */
  readonly shown: readonly string[];
  /** `messages.linkHosts`: `"example.org"` is that host, `"*.example.org"` all its subdomains. */
  readonly linkHosts: readonly string[];
}

/** A text with neutralized links. */
export interface NeutralizedLinks {
  /** The changed text. */
  readonly text: string;
  /** Number of changed links. */
  readonly found: number;
}

/** The check of links in one answer. */
export interface Links {
  /**
   * Neutralizes each link to an unknown host.
   *
   * @param how `code`: the link becomes code; links within code stay. `plain`: the text is no link
   * any more, whatever surrounds it.
   */
  neutralize(text: string, how: "code" | "plain"): NeutralizedLinks;
  /** Whether a message in its final form contains a link to an unknown host. */
  hasUntrusted(message: string): boolean;
}

/**
 * Everything that Discord may take for an address: it searches for the scheme, regardless of the
 * text before it.
 */
const ADDRESS = String.raw`https?:\/\/[^\s<>]*`;
/**
 * `[words](address "title")`. The length of its parts is limited, so that no text takes for ever.
 */
const MASKED = String
  .raw`\[([^[\]\n]{0,500})\]\(\s{0,9}<?(https?:\/\/(?:[^\s<>()]|\([^\s<>()]{0,500}\)){0,4000})>?(?:\s[^()\n]{0,500})?\)`;
const LINK = new RegExp(`${MASKED}|<(${ADDRESS})>|${ADDRESS}`, "gi");
const SCHEME = /https?:\/\//gi;
/**
 * Punctuation that ends a sentence or closes marks. It does not belong to the address before it.
 */
const TRAIL = /[.,:;!?'"\]}*_~|`]{1,50}$/;

/** Maximum number of hosts in one answer to search for; further ones count as unknown. */
const MAX_HOSTS = 200;
/** A host has at most 253 characters. */
const HOST_LENGTH = 300;

/** Creates the check for one answer. */
export function createLinks({ shown, linkHosts }: LinkRules): Links {
  const known = new Map<string, boolean>();
  let lowered: readonly string[] | undefined; // computed only if there is a link
  const isKnown = (host: string) => {
    const before = known.get(host);
    if (before !== undefined) return before;
    if (known.size >= MAX_HOSTS) return false;
    const isListed = linkHosts.some((rule) => matchesRule(rule, host)) ||
      isNamed(host, shown, lowered ??= shown.map((text) => text.toLowerCase()));
    known.set(host, isListed);
    return isListed;
  };
  const isUntrusted = (linkText: string) =>
    linkText.includes(REDACTED) ||
    hostsOf(linkText, authorityOf).some((host) => host === undefined || !isKnown(host));

  const neutralize: Links["neutralize"] = (text, how) => {
    if (!/https?:\/\//i.test(text)) return { text, found: 0 };
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
        if (!isUntrusted(bare ?? link) && !isUntrusted(label ?? "")) return link;
        if (how === "code") {
          isCode ??= codeTest(text);
          if (isCode(at)) return link;
        }
        found += 1;
        const { address, trail } = split(bare ?? link, bare === undefined);
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
function split(linkText: string, isBare: boolean) {
  const trail = isBare ? trailOf(linkText) : "";
  const address = linkText.slice(0, linkText.length - trail.length);
  return { address: address.replace(/[?#].*$/s, ""), trail };
}

function trailOf(linkText: string): string {
  const marks = TRAIL.exec(linkText.slice(-50))?.[0] ?? "";
  const before = linkText.slice(0, linkText.length - marks.length);
  const isClosing = before.endsWith(")") &&
    before.split(")").length > before.split("(").length;
  return isClosing ? `)${marks}` : marks;
}

/**
 * The normalized host of each address in a text, including addresses within others.
 *
 * @param authorityOf Reads the authority from the text after a scheme; `undefined` if it is not
 * certain.
 */
function hostsOf(
  text: string,
  authorityOf: (rest: string) => string | undefined,
): readonly (string | undefined)[] {
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

/** Reads the authority of an address in a person's text, which any characters may follow. */
function authorityIn(rest: string): string {
  return /^[^\s<>"'`()[\]{}/?#\\]*/.exec(rest)?.[0] ?? "";
}

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

/**
 * Whether a text names a host: as it is spelled, or within an address. A host without a dot may be
 * any word, and a host with other letters has two spellings. For these two, only an address counts.
 *
 * @param lowered The same texts in lower case.
 */
function isNamed(host: string, shown: readonly string[], lowered: readonly string[]): boolean {
  return !host.includes(".") || host.includes("xn--")
    ? shown.some((text) => hostsOf(text, authorityIn).includes(host))
    : lowered.some((text) => hasWord(text, host));
}

/** Whether a text contains a host that is not part of a longer one. */
function hasWord(text: string, host: string): boolean {
  for (let at = text.indexOf(host); at !== -1; at = text.indexOf(host, at + 1)) {
    const behind = text.slice(at + host.length, at + host.length + 2);
    if (!/[\w.-]/.test(text.charAt(at - 1)) && !/^(?:[\w-]|\.[a-z0-9])/.test(behind)) return true;
  }
  return false;
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
