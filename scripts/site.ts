/**
 * Makes the static site of `docs/` with a search, by VitePress: `deno task site`, and `--out=<folder>`.
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
import { HOMEPAGE } from "../src/version.ts";

const VITEPRESS = "vitepress@1.6.4";
const ROOT = join(import.meta.dirname ?? ".", "..");

/** A group of the navigation: its title, and its pages or a folder of them. */
const GROUPS: readonly (readonly [title: string, pages: string])[] = [
  ["Start", "how-do-i getting-started troubleshooting coming-from-openclaw"],
  ["Use", "agent access tools voice hooks programs dashboard reverse-proxy delivery privacy"],
  ["Operate", "operating backup upkeep connection"],
  ["Look up", "configuration commands stability"],
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
      collapsed: names.includes("/*"),
      items: found.map((page) => ({ text: titleOf(page), link: `/${page.slice(0, -3)}` })),
    };
  });
}

/** Makes the site. @param out Folder that is replaced. @param base Path of the site on its host. */
function build(out: string, base: string): void {
  const work = mkdtempSync(join(tmpdir(), "barnacle-site-"));
  try {
    const docs = join(work, "docs");
    cpSync(join(ROOT, "docs"), docs, { recursive: true });
    const pages = globSync("**/*.md", { cwd: docs }).toSorted();
    const titles = new Map<string, string>();
    for (const page of pages) {
      const text = readFileSync(join(docs, page), "utf8");
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
      themeConfig: {
        search: { provider: "local" },
        outline: [2, 3],
        sidebar: sidebarOf(pages, (page) => titles.get(page) ?? page),
        socialLinks: [{ icon: "github", link: HOMEPAGE }],
      },
    };
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
      ["install", "--prefer-offline", "--no-audit", "--no-fund", VITEPRESS],
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
