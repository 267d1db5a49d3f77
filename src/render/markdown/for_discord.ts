/**
 * Writes a model's Markdown so that Discord shows it as the model meant it (R2a, R5).
 *
 * Discord's grammar differs from Markdown's: a fence has three backticks and ends at the next three, a
 * mark may end within code, and headings have three levels.
 */

import { type Edit, edited } from "../../lib/text/edits.ts";
import { codeRegions, readMarkdown } from "./code_region.ts";
import type { CodeFence } from "./code_fence.ts";
import { renderTables, type TableMode } from "./table.ts";
import { isWithin, linksIn, spanAt } from "./spans.ts";
import { boldOf } from "./table_layout.ts";

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
