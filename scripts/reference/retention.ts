/**
 * Makes the lists of `docs/stored-data.md` that say how long Barnacle keeps which data (X6), from the
 * tables of the store. The defaults are those of the config.
 */

import { store } from "../../src/config/schema/discord.ts";
import { DEFAULT_RETENTION } from "../../src/store/store.ts";
import { TABLES } from "../../src/store/schema/tables.ts";

const { retention } = store.parse({});

/** Numbers of the texts: every key of `store.retention` with its default, and a few bounds. */
const KEYS: Readonly<Record<string, number>> = { ...DEFAULT_RETENTION, ...retention };

/** `"30 days (`decisionsDays`)"`. */
function keyText(name: string): string {
  const number = KEYS[name];
  if (number === undefined) throw new Error(`"store.retention" has no key "${name}"`);
  if (!(name in retention)) return `${number}`;
  if (number === 0) return `for ever (\`${name}\`: 0)`;
  const unit = name.endsWith("Days") ? "days" : name.endsWith("Mb") ? "megabytes" : "of them";
  return `${number} ${unit} (\`${name}\`)`;
}

const filled = (text: string): string =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => keyText(name))
    .replace(/\d{4,}/g, (digits) => Number(digits).toLocaleString("en-US"));

const START = "<!-- Generated: deno run -A scripts/reference/commands.ts -->";
const END = "<!-- End of the generated part -->";

const HEADINGS = ["Texts", "Decisions", "People", "Servers and operation"] as const;

/**
 * Replaces the generated part of the page.
 *
 * @throws {Error} If the page has no generated part.
 */
export function withRetention(page: string): string {
  const from = page.indexOf(START);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`The page has no part from ${START} to ${END}`);
  const bounds = TABLES.flatMap(({ holds }) => typeof holds === "string" ? [] : [holds]);
  const lists = HEADINGS.flatMap((heading) => [
    `### ${heading}`,
    "",
    ...bounds.filter(({ under }) => under === heading).map(({ data, kept }) =>
      `- **${data}**: ${filled(kept)}.`
    ),
    "",
  ]);
  return page.slice(0, from) + [START, "<!-- deno-fmt-ignore-start -->", "", ...lists].join("\n") +
    "<!-- deno-fmt-ignore-end -->\n" + page.slice(to);
}
