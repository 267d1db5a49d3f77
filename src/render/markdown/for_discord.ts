/**
 * Writes a model's Markdown so that Discord shows it as the model meant it (R2a, R5).
 *
 * Discord's grammar differs from Markdown's: a fence has three backticks and ends at the next three, a
 * mark may end within code, and headings have three levels.
 *
 * Discord fetches a link for its preview, so a link by the model could leak data without a click
 * (SEC-R7). A link whose host is not in `messages.linkHosts` stands in angle brackets, and its
 * message has no previews. An address that the sender wrote stays as it is.
 */

import { type Edit, edited } from "../../lib/text/edits.ts";
import { type CodeFence, codeRegions, readMarkdown } from "./code_fence.ts";
import { isWithin, linksIn, spanAt } from "./spans.ts";
import { boldOf, renderTables, type TableMode } from "./table.ts";

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

/** A text without any of these has nothing that Discord reads otherwise. */
const MAY_DIFFER = /`|~~~|####/;

export function forDiscord(text: string, tables: TableMode): string {
  const tabled = renderTables(text, tables);
  if (!MAY_DIFFER.test(tabled)) return tabled;
  let code: ReturnType<typeof codeRegions> | undefined;
  return withShownCode(tabled.replace(
    DEEP_HEADING,
    (line, prefix: string, title: string, at: number) =>
      isWithin(code ??= codeRegions(tabled), at) ? line : prefix + boldOf(title),
  ));
}

const DEEP_HEADING =
  /^((?:> ?)*[ \t]*(?:(?:[-*+]|\d+[.)]) +)?)#{4,6}[ \t]+(\S+(?:[^\S\n]+\S+)*?)(?:[ \t]+#+)?\s*?$/gm;

function withShownCode(text: string): string {
  const { code, marks } = readMarkdown(text);
  const pairs = Map.groupBy(marks.filter(({ start, end }) => start < end), ({ mark }) => mark);
  const edits: Edit[] = [];
  const lastBroken = new Map<string, number>();
  for (const { start, end, fence, brokenBy } of code) {
    let shown = fence ? fenceOf(text, fence) : text.slice(start, end);
    for (const mark of brokenBy) lastBroken.set(mark, start);
    for (const [mark, same] of brokenBy.length > 0 ? pairs : []) {
      if (mark.length < 2 || (spanAt(same, start)?.end ?? 0) < end) continue;
      shown = shown.replaceAll(mark, `${mark.charAt(0)}${BREAK}${mark.charAt(0)}`);
    }
    if (shown !== text.slice(start, end)) edits.push({ start, end, text: shown });
  }
  // Without a partner, a mark is a character that the model meant.
  const links = lastBroken.size > 0 ? linksIn(text) : [];
  for (const { mark, start, end } of marks) {
    if (start < end || start > (lastBroken.get(mark) ?? 0) || isWithin(links, start)) continue;
    edits.push({ start, end: start + mark.length, text: mark.replace(/./g, "\\$&") });
  }
  return edited(text, edits);
}

/** People do not see it, and Discord reads no mark across it. */
const BREAK = "\u200b";

function fenceOf(text: string, fence: CodeFence): string {
  const { marker, prefix, contentStart, contentEnd, end } = fence;
  const content = text.slice(contentStart, contentEnd).replace(/``(?=`)/g, `$&${BREAK}`);
  const info = text.slice(fence.start + prefix.length + marker.length, contentStart);
  const first = info.endsWith("\n") ? `${/^\s*([a-z0-9_+\-.#]+)/i.exec(info)?.[1] ?? ""}\n` : "";
  const shown = content.trim() === "" ? `${BREAK}\n${prefix}` : content;
  const last = end === Infinity && !shown.endsWith("\n") ? `\n${prefix}` : "";
  return `${prefix}\`\`\`${first}${shown}${last}\`\`\``;
}
