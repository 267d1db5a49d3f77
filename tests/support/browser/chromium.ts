/**
 * The Chromium of a test file: it starts with the first test that needs it, each test has a context of
 * its own in it (cookies, storage, cache), and it ends with the file, whatever failed.
 */

import { existsSync } from "node:fs";
import { after } from "node:test";
import axe from "axe-core";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import { skipUnless } from "../skip.ts";

/** Debian's packages. The shell is the same engine without windows: it needs a third of the CPU time. */
const PROGRAMS = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];

const program = PROGRAMS.find((path) => existsSync(path));

/** Options of a test that needs a browser. */
export const WITH_BROWSER = {
  ...skipUnless(program !== undefined, `a page: no Chromium at ${PROGRAMS.join(" or ")}`),
  timeout: 600_000,
};

let browser: Promise<Browser> | undefined;

after(async () => await (await browser)?.close()); // of the file: no suite is open here

/** A browser without cookies, storage and cache. */
export async function openContext(device: BrowserContextOptions): Promise<BrowserContext> {
  browser ??= chromium.launch({
    ...(program !== undefined && { executablePath: program }),
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  const context = await (await browser).newContext(device);
  context.setDefaultTimeout(90_000); // on a busy machine
  return context;
}

/** The rules of axe whose outcome depends on the colour scheme. */
export const COLOUR_RULES: readonly string[] = ["color-contrast", "link-in-text-block"];

/**
 * What axe finds on a page: `"serious color-contrast: <a>…"`.
 *
 * @param only Rules by their names; absent: all of them, and those for a finger (24 px) and for links of one name.
 */
export async function axeProblems(page: Page, only?: readonly string[]): Promise<string[]> {
  // The page's policy forbids a script of another origin. Half a megabyte, so once a document.
  if (!await page.evaluate("'axe' in globalThis")) await page.evaluate(axe.source);
  const options: axe.RunOptions = {
    resultTypes: ["violations"],
    // Both are off by default.
    rules: { "target-size": { enabled: true }, "identical-links-same-purpose": { enabled: true } },
    ...(only && { runOnly: [...only], rules: {} }),
  };
  return await page.evaluate(async (options) => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(options);
    return violations.map(({ id, impact, nodes }) =>
      `${impact} ${id}: ${nodes.map(({ html }) => html).join(" ").slice(0, 300)}`
    );
  }, options);
}
