/**
 * Lists the pictures of README and docs that `deno task screenshots` makes, and checks them: each
 * exists, is small, shows a page that exists, and stands in its documents with its text.
 */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { pageNamed } from "../../src/extras/dashboard/pages/table.ts";

export interface Picture {
  /** `"docs/images/today.webp"` is the file of `"today"`. */
  readonly name: string;
  /** A page of the dashboard by its path, or the page of the demo. */
  readonly page: string;
  readonly width: number;
  readonly height: number;
  readonly isDark?: true;
  /** Selector of a part to scroll to; the top of the page if absent. */
  readonly part?: string;
  /** For people who do not see it. */
  readonly alt: string;
  /** Documents that show it. */
  readonly shownIn: readonly string[];
}

/** The page of `barnacle demo`. */
export const DEMO_PAGE = "demo";

const README = "README.md";
const GUIDE = "docs/dashboard.md";

export const PICTURES: readonly Picture[] = [
  {
    name: "demo",
    page: DEMO_PAGE,
    width: 1240,
    height: 780,
    isDark: true,
    alt:
      "The demo page: a chat with a simulated Discord. An answer of the bot has a button Undo. " +
      "Grace writes without a mention, and the bot ignores it; then to the killed bot, which " +
      "answers once it is back. Beside each message stands the decision with its reason.",
    shownIn: [README],
  },
  {
    name: "today",
    page: "today",
    width: 1280,
    height: 820,
    alt: "The dashboard's page Today: the bot is healthy because all checks pass. A person waits " +
      "for a pairing, with the buttons Approve and Deny. Below are the last messages with their " +
      "outcomes.",
    shownIn: [README, GUIDE],
  },
  {
    name: "activity",
    page: "activity",
    width: 1280,
    height: 760,
    alt: "The dashboard's page Activity with one message open: ignored, because it does not " +
      "mention the bot. A table lists each check with its result, its fact and the rule of the " +
      "config.",
    shownIn: [GUIDE],
  },
  {
    name: "today-phone",
    page: "today",
    width: 390,
    height: 780,
    alt: "The page Today on a phone: the navigation scrolls, and the cards are below each other.",
    shownIn: [GUIDE],
  },
];

export const MAX_BYTES = 60_000;

const FOLDER = "docs/images";

export function pathOf({ name }: Pick<Picture, "name">): string {
  return `${FOLDER}/${name}.webp`;
}

/**
 * Checks the pictures.
 *
 * @param root The project's root.
 * @returns What is wrong, one line each.
 */
export function problemsOf(root: string, pictures: readonly Picture[] = PICTURES): string[] {
  const listed = pictures.map(pathOf);
  const strays = readdirSync(join(root, FOLDER)).map((name) => `${FOLDER}/${name}`)
    .filter((path) => path.endsWith(".webp") && !listed.includes(path));
  return [
    ...strays.map((path) => `${path}: no row of scripts/screenshots/pictures.ts has it`),
    ...pictures.flatMap((picture) => problemsOfOne(root, picture)),
  ];
}

function problemsOfOne(root: string, picture: Picture): readonly string[] {
  const path = pathOf(picture);
  const { page, alt, shownIn } = picture;
  const file = join(root, path);
  return [
    ...(!existsSync(file)
      ? ["the picture is missing"]
      : statSync(file).size > MAX_BYTES
      ? [`it has ${statSync(file).size} bytes, and may have ${MAX_BYTES}`]
      : []),
    ...(page !== DEMO_PAGE && !pageNamed(page) ? [`there is no page ${page}`] : []),
    ...shownIn.filter((name) => !shows(join(root, name), path, alt))
      .map((name) => `${name} does not show it with its text: ${alt}`),
  ].map((problem) => `${path}: ${problem}`);
}

/** Whether a document has the picture with its text, which may be broken into lines. */
function shows(document: string, path: string, alt: string): boolean {
  const text = readFileSync(document, "utf8").replace(/\s+/g, " ");
  return [path, path.replace("docs/", "")].some((link) => text.includes(`![${alt}](${link})`));
}
