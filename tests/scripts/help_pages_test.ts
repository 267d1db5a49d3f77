/** Tests the pages of the help as a compiled program has them: no link leads nowhere. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { BUN } from "../../scripts/packages.ts";
import { helpFile, type HelpSection } from "../../src/extras/dashboard/help/help.tsx";
import { tempDirectory } from "../support/temp_directory.ts";

describe("[O6] the pages of the help", () => {
  it("have each page of docs/, no picture, no id, no script, and links to sections that exist", () => {
    using folder = tempDirectory();
    execFileSync(BUN, ["scripts/reference/help_pages.ts", folder.path]);
    const read = (page?: string) =>
      gunzipSync(readFileSync(join(folder.path, helpFile(page)))).toString();
    const sections: readonly HelpSection[] = JSON.parse(read());
    const pages = [...new Set(sections.map(({ page }) => page))];
    const documents = globSync("**/*.md", { cwd: "docs" }).map((path) => path.slice(0, -3));
    assert.deepEqual(pages.toSorted(), documents.toSorted());
    assert.equal(pages[0], "how-do-i");
    const known = new Set(pages.flatMap((page) => [
      `${page}#`,
      ...[...read(page).matchAll(/data-at="([^"]*)"/g)].map(([, at]) => `${page}#${at}`),
    ]));
    const unknown = pages.flatMap((page) => {
      const html = read(page);
      assert.doesNotMatch(html, /<(img|script|style|h1)\b|<[a-z][^>]* (id|style|on\w+)=/, page);
      return [...html.matchAll(/<a href="(?!https?:)(?:help\?)?([^"]*)"/g)].filter(
        ([, to = ""]) => {
          const query = new URLSearchParams(to.replaceAll("&amp;", "&"));
          return !known.has(`${query.get("page")}#${query.get("at") ?? ""}`);
        },
      ).map(([link]) => `${page}: ${link}`);
    });
    assert.deepEqual(unknown, []);
  });
});
