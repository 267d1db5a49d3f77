/**
 * Searches the pages of the documentation: titles first, then headings, then texts, and the
 * specification and internals last. `barnacle help` and the site use it.
 */

export interface DocPage {
  /** Path in `docs/`: `"configuration/models.md"`. */
  readonly path: string;
  /** Its Markdown. */
  readonly text: string;
}

export interface Hit {
  readonly path: string;
  readonly title: string;
  /** The heading whose text has the words; empty for the beginning of the page. */
  readonly heading: string;
  /** A part of that text, without Markdown. */
  readonly excerpt: string;
}

interface Section {
  readonly path: string;
  readonly title: string;
  readonly heading: string;
  readonly text: string;
  /** The text without code. */
  readonly prose: string;
}

/** What a word counts for in a title, in a heading and in a text. */
const WEIGHTS = { title: 8, heading: 4, text: 1 } as const;

/** Hits, and hits of all words below which any of them are enough. */
const MAX_HITS = 8;
const ENOUGH = 3;

/** Finds at most eight pages, the best first, each with its best section. */
export function searchPages(asked: string, pages: readonly DocPage[]): readonly Hit[] {
  const words = [...new Set(wordsOf(asked))];
  const sections = pages.flatMap(sectionsOf).map((section) => ({
    section,
    words: {
      title: wordsOf(section.title),
      heading: wordsOf(section.heading),
      text: wordsOf(section.text),
    },
  }));
  /** A word of few sections says more than one of many. */
  const rarity = new Map(words.map((word) => {
    const having = sections.filter(({ words: { title, heading, text } }) =>
      [title, heading, text].some((all) => has(all, word))
    );
    return [word, Math.log(1 + sections.length / (1 + having.length))];
  }));
  const found = sections.map(({ section, words: own }) => {
    const places = words.map((word) => {
      const weight = (["title", "heading", "text"] as const)
        .reduce((sum, place) => sum + (has(own[place], word) ? WEIGHTS[place] : 0), 0);
      return weight * (rarity.get(word) ?? 0);
    });
    return {
      section,
      hasAll: places.every((score) => score > 0),
      score: places.reduce((sum, score) => sum + score, 0),
    };
  }).filter(({ score }) => score > 0).toSorted((one, other) => other.score - one.score);
  const all = onePerPage(found.filter(({ hasAll }) => hasAll));
  const shown = all.length >= ENOUGH ? all : onePerPage([...all, ...found]);
  const best = shown.slice(0, MAX_HITS).map(({ section }) => section).toSorted((one, other) =>
    Number(isSpecification(one)) - Number(isSpecification(other))
  );
  return best.map(({ path, title, heading, prose }) => ({
    path,
    title,
    heading,
    excerpt: excerptOf(prose, words),
  }));
}

function onePerPage<Found extends { readonly section: Section }>(
  found: readonly Found[],
): readonly Found[] {
  const paths = new Set<string>();
  return found.filter(({ section: { path } }) => paths.size < paths.add(path).size);
}

/** Pages for developers, which come last. */
const isSpecification = ({ path }: DocPage) => /^(?:specification|internals)\b/.test(path);

/** The parts of a page: its beginning, and one for each heading outside of code. */
function sectionsOf({ path, text }: DocPage): readonly Section[] {
  const lines = text.replaceAll(/<!--[^]*?-->|<a id=[^>]*><\/a>/g, "").split("\n");
  const sections: { heading: string; lines: string[] }[] = [{ heading: "", lines: [] }];
  let title = path;
  let isCode = false;
  for (const line of lines) {
    if (line.startsWith("```")) isCode = !isCode;
    const [, level = "", heading = ""] = isCode ? [] : /^(#{1,4}) (.*)$/.exec(line) ?? [];
    if (level === "#") title = plainText(heading);
    else if (level !== "") sections.push({ heading: plainText(heading), lines: [] });
    else sections.at(-1)?.lines.push(line);
  }
  return sections.map((one) => ({
    path,
    title,
    heading: one.heading,
    text: plainText(one.lines.join("\n")),
    prose: plainText(one.lines.join("\n").replaceAll(/^```[^]*?^```$/gm, "")),
  }));
}

function plainText(markdown: string): string {
  return markdown.replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/^```.*$|^\| ?[-:| ]+\|$|[`*|]/gm, "");
}

/** Words in small letters, without the ending that makes them several. */
function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu)?.map((word) =>
    word.length > 3 ? word.replace(/(?<!s)s$/, "") : word
  ) ?? [];
}

/** The shortest word that may be the beginning of another one: `allow` of `allowed`. */
const MIN_PREFIX = 4;

function has(words: readonly string[], wanted: string): boolean {
  return words.some((word) =>
    word === wanted || (wanted.length >= MIN_PREFIX && word.startsWith(wanted))
  );
}

const EXCERPT_CHARS = 180;

/** The sentences around the place with the most of the words. */
function excerptOf(text: string, words: readonly string[]): string {
  const parts = text.split(/\n\s*\n|\n(?=- |\d\. )/).map((part) =>
    part.replace(/^- /, "").replaceAll(/\s+/g, " ").trim()
  ).filter(Boolean);
  const countIn = (part: string) => {
    const own = wordsOf(part);
    return words.filter((word) => has(own, word)).length;
  };
  const best = parts.map((part) => ({ part, count: countIn(part) }))
    .reduce((one, other) => other.count > one.count ? other : one, { part: "", count: -1 }).part;
  return best.length > EXCERPT_CHARS ? `${best.slice(0, EXCERPT_CHARS).trimEnd()}…` : best;
}
