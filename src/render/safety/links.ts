/**
 * Keeps links that the model wrote from carrying something out (SEC-R7).
 *
 * Discord fetches a link to show a preview, without anybody's click, so a model
 * that was talked into it could tell a stranger's server whatever it knows. A
 * link to a host that nobody in the conversation has named loses its query and
 * fragment, and stands as code, where Discord fetches nothing.
 *
 * Discord and we need not agree on where code begins. So each message is looked
 * at again as it will be sent; where a link would still be one, all of the text
 * is done over, with links that nothing can read as links any more.
 *
 * @module
 */

import { REDACTED } from "../../lib/text/redactor.ts";
import { codeRegions, isInCode } from "../markdown/code_region.ts";
import { createMarks } from "../markdown/open_marks.ts";

export interface LinkRules {
  /** What the model was shown, and what else may name a host: the operator's words. */
  readonly shown: readonly string[];
  /** `messages.linkHosts`: `"example.org"` is that host, `"*.example.org"` all below it. */
  readonly linkHosts: readonly string[];
}

export interface NeutralizedLinks {
  readonly text: string;
  /** Links that were changed. */
  readonly found: number;
}

export interface Links {
  /**
   * Makes each link to a stranger's host harmless.
   *
   * @param how `code`: it becomes code, and what is code stays. `plain`: it is no link any more,
   * whatever is around it.
   */
  neutralize(text: string, how: "code" | "plain"): NeutralizedLinks;
  /** Whether a message, as it is, holds a link to a stranger's host. */
  hasUntrusted(message: string): boolean;
}

/** All that Discord may take for an address: it looks for the scheme, whatever stands before it. */
const ADDRESS = String.raw`https?:\/\/[^\s<>]*`;
/** `[words](address "title")`; what it holds is limited, so that no text is looked at for ever. */
const MASKED = String
  .raw`\[([^[\]\n]{0,500})\]\(\s{0,9}<?(https?:\/\/(?:[^\s<>()]|\([^\s<>()]{0,500}\)){0,4000})>?(?:\s[^()\n]{0,500})?\)`;
const LINK = new RegExp(`${MASKED}|<(${ADDRESS})>|${ADDRESS}`, "gi");
const SCHEME = /https?:\/\//gi;
/** What ends a sentence or closes marks does not belong to the address before it. */
const TRAIL = /[.,:;!?'"\]}*_~|`]{1,50}$/;

/** Hosts of one answer that are looked for in what was shown; of more of them, none is known. */
const MAX_HOSTS = 200;
/** A host has 253 characters at most. */
const HOST_LENGTH = 300;

export function createLinks({ shown, linkHosts }: LinkRules): Links {
  const known = new Map<string, boolean>();
  let lowered: readonly string[] | undefined; // only where there is a link at all
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
    let isCode: ((position: number) => boolean) | undefined; // only where there is one to treat
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
        // Its brackets are gone, which kept it apart from what could make an address with it.
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

/** Addresses in a text are none any more, and taking one apart makes no other. */
function withoutSchemes(text: string): string {
  return text.replaceAll("://", "[:]//");
}

/** An address without query and fragment, and what only stands behind it. */
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
 * The host of each address in a text, one within another included, in its one spelling.
 *
 * @param authorityOf What of the text behind a scheme is its authority; `undefined` where it is
 * none that is beyond doubt.
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
 * Of a link that somebody is to read. What another reader could take for something else, such as a
 * name or a password before the host, a backslash, or a quote within it, is in doubt.
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

/** Of an address that people wrote, with whatever stands behind it. */
function authorityIn(rest: string): string {
  return /^[^\s<>"'`()[\]{}/?#\\]*/.exec(rest)?.[0] ?? "";
}

function hostOf(authority: string): string | undefined {
  try {
    return new URL(`https://${authority}`).hostname.replace(/\.$/, "");
  } catch {
    return undefined; // a TypeError is how URL says that it is none
  }
}

function matchesRule(rule: string, host: string): boolean {
  const named = rule.toLowerCase();
  return named.startsWith("*.") ? host.endsWith(named.slice(1)) : host === named;
}

/**
 * Whether a host is in what was shown: as it is spelled, or within an address. One without a dot
 * may be any word, and one in other letters is spelled in two ways; for these only an address counts.
 *
 * @param lowered What was shown, in lower case.
 */
function isNamed(host: string, shown: readonly string[], lowered: readonly string[]): boolean {
  return !host.includes(".") || host.includes("xn--")
    ? shown.some((text) => hostsOf(text, authorityIn).includes(host))
    : lowered.some((text) => hasWord(text, host));
}

/** Whether a text has a host that is no part of a longer one. */
function hasWord(text: string, host: string): boolean {
  for (let at = text.indexOf(host); at !== -1; at = text.indexOf(host, at + 1)) {
    const behind = text.slice(at + host.length, at + host.length + 2);
    if (!/[\w.-]/.test(text.charAt(at - 1)) && !/^(?:[\w-]|\.[a-z0-9])/.test(behind)) return true;
  }
  return false;
}

/** Whether a position is within what Discord shows as code, for sure. */
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
