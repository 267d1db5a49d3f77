/** The page Help: the documentation, rendered by `scripts/reference/help_pages.ts` (O6). */

/** @jsxImportSource hono/jsx */

import { raw } from "hono/html";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Card, Field, PageLink, QueryForm } from "../base/elements.tsx";
import { type AnyPage, page } from "../base/page.ts";

export interface HelpSection {
  /** `"configuration/access"`. */
  readonly page: string;
  /** Absent: the section begins its page. */
  readonly at?: string;
  readonly name: string;
  /** In lower case. */
  readonly text: string;
}

/** Sections that a search lists at most. */
const MAX_FOUND = 40;

/** Name of a page's file in a compiled program; absent: of the list of sections. */
export const helpFile = (page = ""): string => `help-${page.replaceAll("/", "~")}.gz`;

/** `undefined`: there is no such page, or the program runs from source. */
function readHelp(page: string | undefined): string | undefined {
  if (page !== undefined && !/^[\w-]+(\/[\w-]+)?$/.test(page)) return undefined;
  try {
    return gunzipSync(readFileSync(new URL(helpFile(page), import.meta.url))).toString();
  } catch {
    return undefined;
  }
}

/** The first ones have all words in their names. */
function sectionsWith(words: readonly string[], sections: readonly HelpSection[]) {
  const has = (text: string) => words.every((word) => text.toLowerCase().includes(word));
  const rank = ({ name }: HelpSection) => has(name) ? 0 : 1;
  return sections.filter(({ text }) => has(text))
    .toSorted((one, other) => rank(one) - rank(other)).slice(0, MAX_FOUND);
}

export const helpPage: AnyPage = page({
  load: (_parts, query) => {
    const [name, at, search] = ["page", "at", "search"].map((key) => query.get(key) ?? undefined);
    return Promise.resolve({ name, at, search, text: readHelp(name) });
  },
  view({ name, at, search, text }) {
    if (text === undefined) return <p>The folder docs of the source has this page.</p>;
    if (name !== undefined) {
      const html = text.replace(`data-at="${at}"`, 'data-target tabindex="-1"');
      return <article class="card doc">{raw(html)}</article>;
    }
    const all: readonly HelpSection[] = JSON.parse(text);
    const listed = search === undefined
      ? all.filter(({ at }) => at === undefined)
      : sectionsWith(search.toLowerCase().split(/\s+/), all);
    return (
      <Card id="help" title={search === undefined ? "All pages" : `${listed.length} sections`}>
        <QueryForm to="help" label="Search">
          <Field name="search" label="Words" value={search} />
        </QueryForm>
        <ul class="doc">
          {listed.map(({ page, at, name }) => (
            <li>
              <PageLink to="help" query={at === undefined ? { page } : { page, at }}>
                {name}
              </PageLink>
            </li>
          ))}
        </ul>
      </Card>
    );
  },
});
