/**
 * Makes the static site of `docs/` by VitePress, with the search of `barnacle help`: `deno task site`, and `--out=<folder>`.
 *
 * VitePress is no package of the project, because only this script needs it. npm installs it into a
 * folder of the system's temporary files, and takes it from its cache the next time.
 */

import { execFileSync } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, posix, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import type { DocPage } from "../src/cli/help/search.ts";
import { HOMEPAGE } from "../src/version.ts";

/** VitePress, and what names the anchors of its headings. */
const PACKAGES = ["vitepress@1.6.4", "@mdit-vue/shared@2.1.3"];
const ROOT = join(import.meta.dirname ?? ".", "..");

/** A group of the navigation: its title, and its pages or a folder of them. */
const GROUPS: readonly (readonly [title: string, pages: string])[] = [
  [
    "Start",
    "how-do-i how-do-i-agent how-do-i-tools how-do-i-run getting-started by-hand by-hand-config coming-from-openclaw",
  ],
  ["If it does not work", "troubleshooting offline silent missing-answers why connection start"],
  [
    "The agent",
    "agent conversations models memory agent-tools mcp signins skills exec agents voice realtime",
  ],
  [
    "People and events",
    "access pairing mentions hooks hook-recipes server-events event-recipes delivery limits replies privacy data-that-leaves",
  ],
  [
    "Operate",
    "operating config-changes service unit containers monitoring alerts bots dashboard reverse-proxy backup litestream upkeep rotate-token phone",
  ],
  [
    "Look up",
    "configuration commands reasons tools stored-data openclaw-meanings stability",
  ],
  ["Configuration", "configuration/*"],
  ["Specification", "specification specification/*"],
  ["Internals", "internals/*"],
];

/** Links to other files than pages and pictures of `docs/` go to the repository. */
export function withOuterLinks(markdown: string, path: string): string {
  return markdown.replaceAll(/\]\((?![a-z]+:)([^)\s#]+)/g, (link, target: string) => {
    const file = posix.join("docs", posix.dirname(path), target);
    const isPage = file.startsWith("docs/") && !file.endsWith(".json");
    return isPage ? link : `](${HOMEPAGE}/blob/main/${file}`;
  });
}

/** The navigation beside a page. @param pages Paths in `docs/`. @param titleOf Reads a page's title. */
export function sidebarOf(pages: readonly string[], titleOf: (page: string) => string) {
  return GROUPS.map(([text, names]) => {
    const found = names.split(" ").flatMap((name) =>
      name.endsWith("/*")
        ? pages.filter((page) => page.startsWith(name.slice(0, -1)))
        : pages.filter((page) => page === `${name}.md`)
    );
    return {
      text,
      items: found.map((page) => ({ text: titleOf(page), link: `/${page.slice(0, -3)}` })),
    };
  });
}

/**
 * The site's own style: pages are read from top to bottom, at 16 pixels in all places, in lines of
 * about 100 characters.
 */
const STYLE = `
:root { --vp-nav-height: 48px; }
#app { --vp-code-font-size: 1em; --vp-code-line-height: 22px; }
#app .VPDoc { padding: 16px 32px; }
#app .VPDoc .container .content { padding: 0; }
#app .VPDoc .content-container { max-width: 800px; }
#app .VPDocFooter { display: none; }
#app .vp-doc { line-height: 24px; }
#app .vp-doc h1 { font-size: 26px; line-height: 32px; }
#app .vp-doc h2 { margin: 20px 0 8px; border: 0; padding: 0; font-size: 21px; line-height: 26px; }
#app .vp-doc h3 { margin: 14px 0 4px; font-size: 17px; line-height: 24px; }
#app .vp-doc :is(p, summary, li, td, th, blockquote) { font-size: 16px; line-height: 24px; }
#app .vp-doc :is(p, ul, ol, table, blockquote, div[class*="language-"]) { margin: 8px 0; }
#app .vp-doc li + li, #app .vp-doc li > :is(ul, ol) { margin-top: 2px; }
#app .vp-doc li > p { margin: 2px 0; }
#app .vp-doc :is(td, th) { padding: 3px 10px; }
#app .vp-doc :not(pre) > code { padding: 1px 4px; font-size: 15px; }
#app .vp-doc .lang { display: none; }
#app .vp-doc [class*="language-"] pre { padding: 8px 0; }
#app .vp-doc [class*="language-"] code { padding: 0 14px; white-space: pre-wrap; }
@media (max-width: 640px) { #app .VPDoc { padding: 16px 20px; } }
`;

/** The page that searches, in the browser, by the module that `barnacle help` uses. */
const SEARCH_PAGE = `# Search

<script setup>
import { computed, onMounted, ref } from "vue";
import { slugify } from "@mdit-vue/shared";
import { withBase } from "vitepress";
import { searchPages } from "../search.ts";
import pages from "../pages.json";
const words = ref("");
const field = ref();
onMounted(() => field.value.focus());
const hits = computed(() => searchPages(words.value, pages));
const address = ({ path, heading }) =>
  withBase("/" + path.replace(/\\.md$/, heading && "#" + slugify(heading)));
</script>

<label>Words: <input ref="field" v-model="words" type="search" style="border: 1px solid; padding: 4px 8px" /></label>

<p v-if="words" role="status">{{ hits.length }} pages</p>
<p v-for="hit in hits" :key="hit.path">
<a :href="address(hit)">{{ hit.title }}{{ hit.heading && ": " + hit.heading }}</a><br />
{{ hit.excerpt }}
</p>
`;

/** Makes the site. @param out Folder that is replaced. @param base Path of the site on its host. */
function build(out: string, base: string): void {
  const work = mkdtempSync(join(tmpdir(), "barnacle-site-"));
  try {
    const docs = join(work, "docs");
    cpSync(join(ROOT, "docs"), docs, { recursive: true });
    const pages = globSync("**/*.md", { cwd: docs }).toSorted();
    const titles = new Map<string, string>();
    const texts: DocPage[] = [];
    for (const page of pages) {
      const text = readFileSync(join(docs, page), "utf8");
      texts.push({ path: page, text });
      titles.set(page, /^# (.*)$/m.exec(text)?.[1]?.replaceAll("`", "") ?? page);
      // Vue would take the templates of hooks for its own.
      writeFileSync(join(docs, page), `:::: v-pre\n${withOuterLinks(text, page)}\n::::\n`);
    }
    const [start = ""] = GROUPS[0]?.[1].split(" ") ?? [];
    writeFileSync(join(docs, "index.md"), readFileSync(join(docs, `${start}.md`)));
    const config = {
      title: "Barnacle",
      base,
      outDir: out,
      head: [["style", {}, STYLE]],
      themeConfig: {
        aside: false,
        docFooter: { prev: false, next: false },
        nav: [{ text: "Search", link: "/search" }],
        sidebar: sidebarOf(pages, (page) => titles.get(page) ?? page),
        socialLinks: [{ icon: "github", link: HOMEPAGE }],
      },
    };
    writeFileSync(join(docs, "search.md"), SEARCH_PAGE);
    writeFileSync(join(work, "pages.json"), JSON.stringify(texts));
    cpSync(join(ROOT, "src", "cli", "help", "search.ts"), join(work, "search.ts"));
    writeFileSync(join(work, "package.json"), '{"private":true,"type":"module"}');
    const inWork = { cwd: work, stdio: ["ignore", 2, 2] } satisfies Parameters<
      typeof execFileSync
    >[2];
    mkdirSync(join(docs, ".vitepress"));
    writeFileSync(
      join(docs, ".vitepress", "config.mjs"),
      `export default ${JSON.stringify(config)};\n`,
    );
    execFileSync(
      "npm",
      ["install", "--prefer-offline", "--no-audit", "--no-fund", ...PACKAGES],
      inWork,
    );
    execFileSync(join(work, "node_modules", ".bin", "vitepress"), ["build", "docs"], inWork);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: "string" }, base: { type: "string" } } });
  const out = resolve(values.out ?? join(ROOT, "dist", "site"));
  build(out, values.base ?? "/");
  process.stdout.write(`${out}\n`);
}
