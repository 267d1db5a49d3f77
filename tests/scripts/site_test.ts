/** Tests the parts of `deno task site` that are ours: links that leave the docs, and the navigation. */

import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { sidebarOf, withOuterLinks } from "../../scripts/site.ts";
import { HOMEPAGE } from "../../src/version.ts";

describe("the site of docs/", () => {
  it("links files outside of docs/ at the repository, and leaves other links", () => {
    const out = `[a](${HOMEPAGE}/blob/main`;
    for (
      const [path, link, expected] of [
        ["agent.md", "[a](../examples/a.jsonc)", `${out}/examples/a.jsonc)`],
        ["internals/releases.md", "[a](../../NOTICE#b)", `${out}/NOTICE#b)`],
        ["internals/releases.md", "[a](../stability.md#b)", "[a](../stability.md#b)"],
        ["agent.md", "[a](access.md)", "[a](access.md)"],
        ["agent.md", "[a](https://example.org/a)", "[a](https://example.org/a)"],
      ] as const
    ) assert.equal(withOuterLinks(link, path), expected);
  });

  it("has each page in its navigation, once", () => {
    const pages = globSync("**/*.md", { cwd: join(import.meta.dirname!, "..", "..", "docs") });
    const links = sidebarOf(pages, (page) => page).flatMap(({ items }) => items)
      .map(({ link }) => `${link.slice(1)}.md`);
    assert.deepEqual(links.toSorted(), pages.toSorted());
  });
});
