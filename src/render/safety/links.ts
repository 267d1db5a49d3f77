/**
 * Keeps links by the model from leaking data (SEC-R7).
 *
 * Discord fetches a link for its preview, without a click. So a person, or a page that a tool has
 * read, can talk a model into sending its knowledge to a foreign server. These links stay whole:
 *
 * 1. Addresses that the sender or the operator wrote, and hosts that the operator lists.
 * 2. Discord's own links, and sites whose requests no stranger can read (`link_hosts.ts`).
 * 3. Addresses that people or tools wrote in the conversation, in angle brackets. Discord fetches
 *    nothing for these: a page with many addresses could else spell data by their order.
 *
 * Of any other link, scheme, host and path stay in angle brackets. Its query or fragment follows as
 * text. If an address has no certain host, it becomes code.
 *
 * Two spellings of one URL differ in characters, and these could carry data: `/data/../page`, a host
 * with some capitals, `?!?!!` at the end. No one documents what Discord's server makes of them. So
 * an address counts only in the spelling that was written, or in the normal form of that URL. Behind
 * it, brackets keep characters out of the link that Discord might take for its end.
 *
 * Discord and Barnacle may disagree about where code begins. So Barnacle checks each message again
 * in its final form. If it still contains such a link, all links of the text are rewritten so that
 * nothing can read them as links.
 */

import { REDACTED } from "../../lib/text/redactor.ts";
import { type CodeRegion, codeRegions } from "../markdown/code_region.ts";
import { isWithin } from "../markdown/spans.ts";
import {
  ADDRESS,
  addressesIn,
  hostsOf,
  LEFT_OUT,
  TRAIL,
  withoutEnd,
  writtenUrls,
} from "./addresses.ts";
import { isPublicSite, matchesHostRule } from "./link_hosts.ts";
import { isVisible } from "./visible.ts";

export interface LinkRules {
  /** The sender's message and the operator's texts. */
  readonly written: readonly string[];
  /** Whether a person or a tool wrote an address in the conversation; absent: no. */
  readonly isKnown?: (address: string) => boolean;
  /**
   * `messages.linkHosts`: `"example.org"` is that host, `"*.example.org"` all its subdomains, `"*"`
   * every host.
   */
  readonly linkHosts: readonly string[];
}

export interface Links {
  /**
   * Neutralizes each untrusted link.
   *
   * @param how `code`: links keep what they may; links within code stay. `plain`: the text is no link
   * any more, inside code or not.
   * @returns `found`: the number of links for which Discord must fetch nothing.
   */
  neutralize(
    text: string,
    how: "code" | "plain",
  ): { readonly text: string; readonly found: number };
  /** Whether a message in its final form contains an untrusted link. */
  hasUntrusted(message: string): boolean;
}

/** A link as a message shows it. */
type LinkVerdict =
  | { readonly kind: "whole" }
  /** `url` stays whole in angle brackets, and `trail` follows. `isWritten`: by the sender. */
  | {
    readonly kind: "bracketed";
    readonly url: string;
    readonly trail: string;
    readonly isWritten: boolean;
  }
  | { readonly kind: "foreign" };

/**
 * `[words](address "title")`. The length of its parts is limited, so that no text takes for ever.
 */
const MASKED = String
  .raw`\[([^[\]\n]{0,500})\]\(\s{0,9}<?(https?:\/\/(?:[^\s<>()]|\([^\s<>()]{0,500}\)){0,4000})>?(?:\s[^()\n]{0,500})?\)`;
const LINK = new RegExp(`${MASKED}|<(${ADDRESS})>|${ADDRESS}`, "gi");
const MAY_LINK = /https?:\/\//i;

export function mayLink(text: string): boolean {
  return MAY_LINK.test(text);
}

export function createLinks({ written, isKnown, linkHosts }: LinkRules): Links {
  let urls: ReadonlySet<string> | undefined; // computed only if there is a link
  const isWritten = (address: string) =>
    (urls ??= new Set(written.flatMap(writtenUrls))).has(address);
  const isListed = (host: string) => linkHosts.some((rule) => matchesHostRule(rule, host));
  const judge = (address: string, isBare: boolean, before: string, after: string): LinkVerdict => {
    const hosts = hostsOf(address);
    if (address.includes(REDACTED) || !hosts.every((host) => host !== undefined)) return FOREIGN;
    const [host] = hosts;
    if (hosts.every(isListed)) return WHOLE;
    if (host !== undefined && hosts.length === 1 && isPublicSite(host, address)) return WHOLE;
    const byPeople = isBare
      ? withinSentence(address, before, after, isWritten)
      : isWritten(address) && WHOLE;
    if (byPeople) return byPeople;
    const ends = isBare ? [withoutEnd(LEFT_OUT, address), withoutEnd(TRAIL, address)] : [address];
    const url = isKnown && ends.find(isKnown);
    return url === undefined
      ? FOREIGN
      : { kind: "bracketed", url, trail: address.slice(url.length), isWritten: false };
  };

  const neutralize: Links["neutralize"] = (text, how) => {
    if (!mayLink(text)) return { text, found: 0 };
    let code: readonly CodeRegion[] | undefined; // computed only if a link changes
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
        const address = bare ?? link;
        const before = text.slice(Math.max(0, at - 20), at);
        const next = text.charAt(at + link.length);
        const judged = judge(address, bare === undefined, before, next);
        const areWordsTrusted = addressesIn(label ?? "")
          .every((one) => judge(one, true, "", "").kind === "whole");
        const words = label !== undefined && isVisible(label) ? label : undefined;
        // Without words, Discord may take the text behind the bracket for a part of the address.
        const isBlank = masked !== undefined && words === undefined;
        if (judged.kind === "whole" && areWordsTrusted && !isBlank) return link;
        const verdict: Exclude<LinkVerdict, typeof WHOLE> = judged.kind === "whole"
          ? { kind: "bracketed", url: address, trail: "", isWritten: isBlank }
          : judged;
        if (how === "code") {
          code ??= codeRegions(text).filter(({ isShown }) => isShown);
          if (isWithin(code, at)) return link;
        }
        found += 1;
        const isSafe = words !== undefined || !isAfterOpening(text, at);
        if (verdict.kind === "bracketed" && (how === "code" || verdict.isWritten) && isSafe) {
          const { url, trail } = verdict;
          if (angled !== undefined) return link;
          return withWords(words, url, `<${url}>`) + trail;
        }
        const { address: whole, trail } = splitTrail(address, bare === undefined);
        const shown = how === "code" && verdict.kind === "foreign" ? shownPartOf(whole) : undefined;
        if (shown && isSafe) {
          if (angled !== undefined && shown.rest === "" && shown.link === whole) return link;
          return withWords(words, whole, bracketed(shown, trail + next)) + trail;
        }
        const shownAs = how === "code"
          ? `\`${withoutQuery(whole).replaceAll("`", "%60")}\``
          : withoutSchemes(withoutQuery(whole));
        // The link has lost its brackets. They kept it apart from text that could form an address with it.
        const gap = bare !== undefined && /\S/.test(text.charAt(at - 1)) ? " " : "";
        const after = how === "plain" && bare !== undefined && /\S/.test(next) ? " " : "";
        if (words === undefined) return gap + shownAs + trail + after;
        // Words that begin with a slash may form an address with a scheme before the bracket.
        const apart = words.startsWith("/") && /\S/.test(text.charAt(at - 1)) ? " " : "";
        return apart + withWords(words, whole, shownAs) + trail;
      },
    );
    return { text: neutralized, found };
  };
  return {
    neutralize,
    hasUntrusted: (message) => neutralize(message, "code").text !== message,
  };
}

const WHOLE = { kind: "whole" } as const;
const FOREIGN = { kind: "foreign" } as const;

/**
 * Judges an address in a sentence that people may have written.
 *
 * @param before Text before the address.
 * @param after The character behind it, or `""`.
 * @returns `whole` if Discord's link ends with the URL; `bracketed` if only brackets keep the
 * punctuation out of the link; `undefined` if no one wrote it.
 */
function withinSentence(
  address: string,
  before: string,
  after: string,
  isWritten: (address: string) => boolean,
): LinkVerdict | undefined {
  // JavaScript counts more characters as white space than other programs.
  const isEnd = /^[ \t\r\n]?$/.test(after);
  if (isEnd && isWritten(withoutEnd(LEFT_OUT, address))) return WHOLE;
  const url = withoutEnd(TRAIL, address);
  if (!isWritten(url)) return undefined;
  const trail = address.slice(url.length);
  const marks = trail.replace(/[.,:;'"\])]/g, "");
  const areClosing = marks !== "" && before.endsWith([...marks].reverse().join(""));
  if (isEnd && areClosing && trail.length - marks.length <= 3) return WHOLE;
  return { kind: "bracketed", url, trail, isWritten: true };
}

/**
 * Whether characters before a position could take the opening bracket of a link away from it: Discord
 * escapes it behind a backslash, may read it as a part of another bracket, and hides an address
 * behind words.
 */
function isAfterOpening(text: string, at: number): boolean {
  const line = text.slice(0, at).trimEnd();
  if (line.endsWith("](") || text[at - 1] === "\\") return true;
  for (let before = at - 1; before >= 0; before--) {
    const character = text.charAt(before);
    if (character === "<") return true;
    if (character === ">" || /\s/.test(character)) return false;
  }
  return false;
}

/** A link behind its words. Words that only repeat the address are left out. */
function withWords(words: string | undefined, address: string, shown: string): string {
  return words === undefined || words.trim() === address
    ? shown
    : `${withoutSchemes(words)} (${shown})`;
}

/** The part of a foreign address that stays a link, and its query or fragment. */
interface ShownPart {
  readonly link: string;
  readonly rest: string;
}

/** A longer path is no link: one click must not send a whole conversation. */
const MAX_PATH = 256;

/** Characters of a path that no Markdown reads in brackets. */
const NO_PATH = /[^\w\-.~!$&'()*+,;=:@%/\p{L}\p{M}\p{N}]/gu;

/** Takes a foreign address apart; `undefined` if its host is not certain, or its path too long. */
function shownPartOf(address: string): ShownPart | undefined {
  const base = withoutQuery(address);
  const hosts = hostsOf(base);
  const [, scheme = "", authority = "", path = ""] = /^(https?:\/\/)([^/]*)(.*)$/is.exec(base) ??
    [];
  if (hosts.length !== 1 || hosts[0] === undefined || base.includes(REDACTED)) return undefined;
  if (path.length > MAX_PATH) return undefined;
  // Letters of other scripts look like Latin ones, so a person reads the host that is asked for.
  const host = /[^\0-\x7f]/.test(authority) ? new URL(`https://${authority}`).host : authority;
  const encoded = path.replace(NO_PATH, (one) => encodeURIComponent(one.toWellFormed()));
  return { link: scheme + host + encoded, rest: address.slice(base.length) };
}

/** @param next Text behind the link. */
function bracketed({ link, rest }: ShownPart, next: string): string {
  if (rest.length <= 1) return `<${link}>`;
  const query = withoutSchemes(rest).replaceAll("`", "%60");
  return `<${link}> \`${query}\`${next.startsWith("`") ? " " : ""}`;
}

/** Breaks the scheme of each address in a text. The result contains no new address. */
export function withoutSchemes(text: string): string {
  return text.replaceAll("://", "[:]//");
}

function withoutQuery(address: string): string {
  return address.replace(/[?#].*$/s, "");
}

/** Splits a link into the address and the punctuation after it. */
function splitTrail(linkText: string, isBare: boolean) {
  const address = isBare ? withoutEnd(TRAIL, linkText) : linkText;
  return { address, trail: linkText.slice(address.length) };
}
