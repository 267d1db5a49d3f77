/**
 * Renders `docs/` for the dashboard's page Help, on Bun, which has a renderer of Markdown:
 * `bun scripts/reference/help_pages.ts <folder>`. `scripts/compile.ts` embeds the files.
 *
 * A page has no id and no picture: ids would meet those of the dashboard, and pictures are large. A
 * link to a section is a query, because the part after `#` is that of a login.
 */

import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { anchorOf } from "../../src/config/keys/key_facts.ts";
import { helpFile, type HelpSection } from "../../src/extras/dashboard/help/help.tsx";
import { PAGES } from "../../src/extras/dashboard/pages/table.ts";
import { withOuterLinks } from "../site.ts";

declare const Bun: { readonly markdown: { html(markdown: string): string } };

const ROOT = join(import.meta.dirname ?? ".", "..", "..");

/** Pages that a newcomer reads first. */
const FIRST = ["how-do-i", "getting-started", "troubleshooting"];

export interface HelpPage {
  readonly html: string;
  /** The first one is the page itself. */
  readonly sections: readonly HelpSection[];
}

/** Texts of HTML as a person reads them. */
function plain(html: string): string {
  const marks: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"' };
  return html.replaceAll(/<[^>]*>/g, "").replaceAll(
    /&(amp|lt|gt|quot);/g,
    (_, name) => marks[name] ?? "",
  )
    .replaceAll(/\s+/g, " ").trim();
}

/** Attributes of a link in a page of the help. @param target Relative path, or address. */
function linkOf(page: string, target: string, anchor: string): string {
  if (/^[a-z]+:/.test(target)) {
    return `href="${target}${anchor && `#${anchor}`}" target="_blank" rel="noreferrer"`;
  }
  const name = target === "" ? page : posix.join(posix.dirname(page), target).replace(/\.md$/, "");
  const query = new URLSearchParams({ page: name, ...(anchor && { at: anchor }) });
  return `href="help?${query.toString().replaceAll("&", "&amp;")}" data-page`;
}

/** Renders a page. @param name `"configuration/access"`. */
export function helpPage(name: string, markdown: string): HelpPage {
  const tables = markdown.match(/^\| *:?-+/gm)?.length ?? 0;
  let table = 0;
  // For screen readers, links with one name lead to one place.
  const places = new Map(PAGES.map(({ path, title }) => [title, path]));
  const html = Bun.markdown.html(withOuterLinks(markdown, `${name}.md`))
    .replaceAll(/<!--[^]*?-->/g, "")
    .replaceAll(/<a id="([^"]*)"><\/a>/g, '<span data-at="$1"></span>')
    .replaceAll(/<img src="[^"]*" alt="([^"]*)"[^>]*>/g, "<em>$1</em>")
    .replaceAll(/<a href="([^"#]*)#?([^"]*)"[^>]*>(.*?)<\/a>/g, (_, to, at, text) => {
      const link = linkOf(name, to, at);
      const known = places.get(plain(text)) ?? link;
      places.set(plain(text), known);
      const where = known === link ? "" : `<span class="hidden"> (${to} ${at})</span>`;
      return `<a ${link}>${text}${where}</a>`;
    })
    .replaceAll(
      /<h(\d)>(.*?)<\/h\d>/g,
      (_, level, text) =>
        `<h${Number(level) + 1} data-at="${anchorOf(plain(text))}">${text}</h${Number(level) + 1}>`,
    )
    .replaceAll("<table>", () => {
      const label = `Table ${++table} of ${tables}`;
      return `<div class="scrolls" tabindex="0" role="group" aria-label="${label}"><table>` +
        `<caption class="hidden">${label}</caption>`;
    })
    .replaceAll(/<tr><td([^>]*)>(.*?)<\/td>/g, '<tr><th scope="row"$1>$2</th>')
    .replaceAll("</table>", "</table></div>")
    .replaceAll("<pre>", '<pre tabindex="0">');
  const parts = html.split(/(?=<h\d data-at=)/).filter((part) => part.startsWith("<h"));
  const heads = parts.map((part) => /data-at="([^"]*)">(.*?)<\/h\d>/.exec(part) ?? []);
  const title = plain(heads[0]?.[2] ?? name);
  const sections = parts.map((part, index) => ({
    page: name,
    ...(index > 0 && { at: heads[index]?.[1] }),
    name: index === 0 ? title : `${title}: ${plain(heads[index]?.[2] ?? "")}`,
    text: `${title} ${plain(part)}`.toLowerCase(),
  }));
  return { html, sections };
}

/** Renders all pages of `docs/`, those for newcomers first. */
export function helpPages(): ReadonlyMap<string, HelpPage> {
  const names = globSync("**/*.md", { cwd: join(ROOT, "docs") }).map((path) => path.slice(0, -3));
  const inFolders = names.toSorted().toSorted((one, other) =>
    Number(one.includes("/")) - Number(other.includes("/"))
  );
  return new Map([...new Set([...FIRST, ...inFolders])].map((name) => [
    name,
    helpPage(name, readFileSync(join(ROOT, "docs", `${name}.md`), "utf8")),
  ]));
}

if (import.meta.main) {
  const [folder = "."] = process.argv.slice(2);
  const pages = helpPages();
  const sections = [...pages.values()].flatMap((page) => page.sections);
  writeFileSync(join(folder, helpFile()), gzipSync(JSON.stringify(sections)));
  for (const [name, { html }] of pages) {
    writeFileSync(join(folder, helpFile(name)), gzipSync(html));
  }
}
