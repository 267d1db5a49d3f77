/** Lays out what `barnacle help <words>` has found. A module of its own, which loads all pages. */

import { HOMEPAGE } from "../../version.ts";
import type { Style } from "../terminal/io.ts";
import { PAGES } from "../../../docs/pages.js";
import { searchPages } from "./search.ts";

/** Lines of `barnacle help <words>`; none if nothing has the words. */
export function helpLines(words: string, style: Style): readonly string[] {
  return searchPages(words, PAGES).flatMap(({ path, title, heading, excerpt }) => [
    style.bold(heading === "" ? title : `${title}: ${heading}`),
    excerpt,
    `${HOMEPAGE}/blob/main/docs/${path}`,
    "",
  ]).slice(0, -1);
}
