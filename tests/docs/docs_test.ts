/** Asks the search what a person who hosts a bot would ask it. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { runCommandLine } from "../../src/cli/app.ts";
import { searchPages } from "../../src/cli/help/search.ts";
import { wrongCommand } from "../../src/cli/help/wrong_command.ts";
import { allTasks } from "../../src/cli/tasks.ts";
import type { Terminal } from "../../src/cli/terminal/io.ts";
import { schemaAt } from "../../src/config/schema/parts/key.ts";
import { configSchema } from "../../src/config/schema/root.ts";
import type { Problem } from "../../src/config/text/problem.ts";
import { decide, list } from "../../src/features/access/pairing.ts";
import { checkFile } from "../../src/features/config/check.ts";
import { FEATURES } from "../../src/features/features.ts";
import { secretPath, trySecret } from "../../src/features/setup/files.ts";
import { why } from "../../src/features/why/why.ts";
import { sidebarOf } from "../../scripts/site.ts";
import {
  ACCOUNT,
  directMessage,
  guildMessage,
  messageId,
  sender,
  userId,
} from "../support/discord/builders.ts";
import { batch, frozen, part, ROUTE } from "../support/store/store.ts";
import { PAGES } from "../../docs/pages.js";
import {
  createDataFixture,
  type DataFixture,
  GUILD,
  HELP,
  removeDataFixtures,
} from "../cli/data_fixture.ts";
import { recordingIo } from "../cli/io.ts";

/** A question, and the page that answers it: among the first three hits. */
const QUESTIONS: readonly (readonly [question: string, page: string])[] = [
  ["voice channel", "voice"],
  ["spending limit", "models"],
  ["update", "upkeep"],
  ["allow a friend", "access"],
  ["daylight saving", "memory"],
  ["change name or avatar", "how-do-i"],
  ["who can see my conversations", "privacy"],
  ["change the model", "models"],
  ["follow a web page", "how-do-i"],
  ["a reminder", "memory"],
  ["remove everything", "upkeep"],
  ["uninstall", "upkeep"],
  ["windows", "service"],
  ["make it stop talking", "conversations"],
  ["two servers", "bots"],
  ["language", "agent"],
  ["install on a raspberry pi", "getting-started"],
  ["docker", "containers"],
  ["docker compose", "containers"],
  ["systemd service", "service"],
  ["backup", "backup"],
  ["move to another machine", "backup"],
  ["restore a backup", "backup"],
  ["bot does not answer", "silent"],
  ["bot offline", "troubleshooting"],
  ["invalid token", "connection"],
  ["disallowed intents", "troubleshooting"],
  ["message content intent", "by-hand"],
  ["invite the bot", "by-hand"],
  ["create a discord application", "getting-started"],
  ["local model ollama", "models"],
  ["anthropic api key", "configuration/models"],
  ["home assistant", "skills"],
  ["webhook from github", "hooks"],
  ["pairing code", "access"],
  ["block a person", "access"],
  ["only answer in one channel", "how-do-i"],
  ["answer without a mention", "how-do-i"],
  ["two bots", "bots"],
  ["two agents", "agents"],
  ["persona", "how-do-i"],
  ["system prompt", "agent"],
  ["memory notes", "memory"],
  ["forget a person", "commands"],
  ["read files", "agent"],
  ["run commands on the host", "exec"],
  ["approve a command", "exec"],
  ["mcp server", "mcp"],
  ["fetch an address of the web", "agent-tools"],
  ["scheduled task every morning", "memory"],
  ["time zone", "memory"],
  ["dashboard password", "dashboard"],
  ["reverse proxy nginx", "reverse-proxy"],
  ["caddy", "reverse-proxy"],
  ["log level", "configuration/operating"],
  ["metrics prometheus", "monitoring"],
  ["health check", "monitoring"],
  ["alert when it is down", "alerts"],
  ["rate limit", "limits"],
  ["message sent twice", "delivery"],
  ["slow answers", "silent"],
  ["thread for each answer", "conversations"],
  ["openclaw import", "coming-from-openclaw"],
  ["spoken answers", "voice"],
  ["voice message", "voice"],
  ["delete all data", "privacy"],
  ["which data leaves my machine", "privacy"],
  ["change settings from a phone", "dashboard"],
  ["streaming", "configuration/replies"],
];

describe("[O10] the search of the documentation", () => {
  for (const [question, page] of QUESTIONS) {
    it(`answers "${question}" by ${page}`, () => {
      const hits = searchPages(question, PAGES).map(({ path }) => path);
      assert.ok(hits.slice(0, 3).includes(`${page}.md`), hits.join(" "));
    });
  }

  it("shows the section whose heading has the word, of a page whose title has it too", () => {
    const [first] = searchPages("a reminder", PAGES);
    assert.equal(first?.heading, "Reminders and scheduled tasks");
  });

  it("lists the pages for developers last, also where only they have all words", () => {
    const hits = searchPages("embed images", PAGES);
    const isForDevelopers = hits.map(({ path }) => path.startsWith("specification"));
    assert.deepEqual(isForDevelopers, isForDevelopers.toSorted());
    assert.ok(isForDevelopers.includes(true) && isForDevelopers.includes(false));
  });
});

afterEach(removeDataFixtures);

const PAGE = ["why.md", "pairing.md"]
  .map((page) => readFileSync(join(import.meta.dirname!, "..", "..", "docs", page), "utf8"))
  .join("\n");
const ID = messageId("1400000000000000001");
const LINK = `https://discord.com/channels/${GUILD}/${HELP}/${ID}`;
const CODE = "K7XQ2MPR";
const ASKED_MS = 8 * 60_000;

/** A code block of the page, by a text in its beginning. */
function block(start: string): string {
  const blocks = Array.from(PAGE.matchAll(/^```\w*\n(.*?)^```$/gms), ([, text = ""]) => text);
  const found = blocks.filter((text) => text.startsWith(start));
  assert.ok(found.length > 0, `blocks that start with ${start}`);
  return found[0]!;
}

const withoutTimes = (text: string) =>
  text.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, "<time>");

/** What a terminal shows of a command: its line and its output. */
async function shown(
  command: string,
  fixture: DataFixture,
  run: (io: ReturnType<typeof recordingIo>) => Promise<number>,
): Promise<string> {
  const io = recordingIo();
  await run({ ...io, cwd: fixture.data });
  return [`$ barnacle ${command}`, ...io.stderr, ...io.stdout, ""].join("\n");
}

describe("[P1] docs/pairing.md and docs/why.md", () => {
  it("shows the output of `barnacle why` for its config", async () => {
    const fixture = createDataFixture(block("{"));
    await fixture.receive(guildMessage({ id: ID }));
    const real = await shown(`why ${LINK}`, fixture, (io) => why(fixture.flags, LINK, io));
    assert.equal(withoutTimes(block("$ barnacle why")), withoutTimes(real));
  });

  it("quotes the first words of the checks with the current config", async () => {
    const fixture = createDataFixture(block("{"));
    await fixture.receive(guildMessage({ id: ID }));
    fixture.write({ channels: { discord: { guilds: {} } } });
    const real = await shown(`why ${LINK}`, fixture, (io) => why(fixture.flags, LINK, io));
    const [, quoted = ""] = /starts\s+with\s+`([^`]*: )…`/.exec(PAGE) ?? [];
    assert.notEqual(quoted, "");
    assert.ok(real.includes(`\n${quoted}`), real);
  });

  it("[P3] shows the output of `barnacle pairing`", async () => {
    const fixture = createDataFixture({ channels: { discord: {} } });
    const message = directMessage({
      id: ID,
      sender: sender({ id: userId("700000000000000001"), username: "mallory" }),
    });
    const judged = {
      message,
      verdict: { kind: "challenge", why: "pairing", rule: "channels.discord.dm.policy" },
      route: ROUTE,
    } as const;
    const pairing = {
      newCode: () => CODE,
      newButton: () => "button",
      challenge:
        () => [frozen({ accountId: ACCOUNT, nonce: "c", of: part(ID, { kind: "challenge" }) })],
    };
    await fixture.fill((store) =>
      store.inbox.acceptBatch(batch({ judged: [judged], pairing }), Date.now() - ASKED_MS)
    );
    const real = await shown("pairing list", fixture, (io) => list(fixture.flags, io)) +
      await shown(
        `pairing approve ${CODE}`,
        fixture,
        (io) => decide("approve", fixture.flags, [CODE], io),
      );
    assert.equal(block("$ barnacle pairing list"), real);
  });
});

afterEach(removeDataFixtures);

const pageOf = (name: string) =>
  readFileSync(join(import.meta.dirname!, "..", "..", "docs", `${name}.md`), "utf8");
const HOW_DO_I_PAGE = pageOf("how-do-i");
/** The text of each recipe by its heading, without the pages' introductions and the IDs. */
const RECIPES = new Map(
  [HOW_DO_I_PAGE, pageOf("how-do-i-agent"), pageOf("how-do-i-tools"), pageOf("how-do-i-run")]
    .flatMap((page) => page.split(/^## /m).slice(1))
    .map((text) => [text.slice(0, text.indexOf("\n")), text]),
);
RECIPES.delete("IDs");
function configOf(heading: string): string {
  const [, config] = /^```jsonc\n(.*?)^```$/ms.exec(RECIPES.get(heading) ?? "") ?? [];
  assert.ok(config, `config of "${heading}"`);
  return config;
}

/** What a config lacks that is only a part of one: the token, servers and the model stand elsewhere. */
const OF_A_PART = [
  "channels.discord.groupPolicy",
  "channels.discord.token",
  "agents.defaults.model",
];
const isOwn = ({ path = "" }: Problem) => !OF_A_PART.includes(path);

describe("[C4] docs/how-do-i.md", () => {
  it("has a list that names each of its recipes", () => {
    assert.ok(RECIPES.size > 0);
    const slugOf = (text: string) =>
      text.toLowerCase().replace(/[^\w -]/g, "").replaceAll(" ", "-");
    const [list = ""] = HOW_DO_I_PAGE.split("## IDs");
    for (const heading of RECIPES.keys()) {
      assert.ok(list.includes(`#${slugOf(heading)})`), `the list names "${heading}"`);
    }
  });

  for (const [heading, text] of RECIPES) {
    if (!text.includes("```jsonc")) continue;
    it(`"${heading}" passes config check with the secrets that it says to set`, async () => {
      const { config } = createDataFixture(configOf(heading));
      for (const [, name = ""] of text.matchAll(/`barnacle secret set (\w+)`/g)) {
        trySecret(secretPath(config, name), `https://example.org/${"recipe-".repeat(6)}`);
      }
      const { problems } = await checkFile(config, {});
      assert.deepEqual(problems.filter(isOwn), []);
    });
  }
});

const ROOT = join(import.meta.dirname!, "..", "..");
const numberIn = (file: string, pattern: RegExp) =>
  Number(pattern.exec(readFileSync(join(ROOT, file), "utf8"))?.[1]);

describe("[B13] the size of the binary", () => {
  it("is the measured one in the README, too", () => {
    const measured = numberIn(
      "docs/internals/measurements.md",
      /^\| binary for Linux x64, MB .*? \| +([\d.]+) \|/m,
    );
    assert.equal(numberIn("README.md", /one file of about (\d+) MB/), Math.round(measured));
  });
});

/**
 * Computes how high the site shows a page, by its style (`STYLE` of `scripts/site.ts`). Of 54 pages
 * measured in Chromium, each was within 6 % of this, and the mean within 1 %.
 */
const TEXT_WIDTH = 800;
const CODE_CHAR = 9.6;
const INLINE_CODE_CHAR = 9;
const CHAR = 8.1;
const SPACE = 4.5;

/** The widths of the words of a text, in pixels. */
function wordWidths(markdown: string): readonly number[] {
  const text = markdown.replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("**", "");
  let isCode = false;
  return text.trim().split(/\s+/).map((word) => {
    let width = 0;
    for (const part of word.split(/(`)/)) {
      if (part === "`") isCode = !isCode;
      width += part === "`" ? 4 : part.length * (isCode ? INLINE_CODE_CHAR : CHAR);
    }
    return width;
  });
}

const sum = (all: readonly number[]) => all.reduce((one, other) => one + other, 0);

function linesOf(markdown: string, width: number): number {
  let lines = 1;
  let used = 0;
  for (const word of wordWidths(markdown)) {
    if (used > 0 && used + SPACE + word > width) [lines, used] = [lines + 1, word];
    else used += (used > 0 ? SPACE : 0) + word;
  }
  return lines;
}

/** A browser gives a column its longest word, and the rest by the lengths of the cells. */
function tableHeight(rows: readonly string[]): number {
  const cells = rows.filter((row) => !/^\|[-| ]+\|$/.test(row))
    .map((row) => row.split(/(?<!\\)\|/).slice(1, -1));
  const columns = cells[0]?.map((_, at) => cells.map((row) => wordWidths(row[at] ?? ""))) ?? [];
  const most = columns.map((column) =>
    21 + Math.max(...column.map((words) => sum(words) + SPACE * (words.length - 1)))
  );
  const least = columns.map((column) => 21 + Math.max(...column.flat()));
  const share = (TEXT_WIDTH - sum(least)) / (sum(most) - sum(least) || 1);
  const widths = least.map((min, at) =>
    min + Math.min(1, Math.max(0, share)) * ((most[at] ?? min) - min)
  );
  return 9 +
    sum(
      cells.map((row) =>
        7 + 24 * Math.max(...row.map((cell, at) => linesOf(cell, (widths[at] ?? 0) - 20)))
      ),
    );
}

/** Reads the size of an SVG, or of a WebP with an extended header. */
function imageHeight(path: string): number {
  const bytes = readFileSync(join(ROOT, "docs", path));
  const [, w, h] = / width="(\d+)" height="(\d+)"/.exec(bytes.toString("latin1")) ?? [];
  const width = Number(w ?? bytes.readUIntLE(24, 3) + 1);
  const height = Number(h ?? bytes.readUIntLE(27, 3) + 1);
  return 13 + height * Math.min(1, TEXT_WIDTH / width);
}

/** The height of a page, in pixels. */
function heightOf(markdown: string): number {
  const blocks = markdown.matchAll(
    /^( *)```.*\n([^]*?)^ *```$|^(?:\|.*\n)+|^(#+) .*|^!\[.*\]\((.*)\)|^( *)(?:- |\d+\. )(.*(?:\n(?! *(?:- |\d+\. |```)).+)*)|^.+(?:\n(?!- |\d+\. |#|\||```).+)*/gm,
  );
  let height = 88; // the bar, and the margins
  for (const [text, indent = "", code, heading, image, inner = "", item] of blocks) {
    if (code !== undefined) {
      const columns = (TEXT_WIDTH - 28 - 8 * indent.length) / CODE_CHAR;
      const lines = code.split("\n").slice(0, -1);
      height += 24 + 22 * sum(lines.map((line) => Math.max(1, Math.ceil(line.length / columns))));
    } else if (heading !== undefined) height += heading === "#" ? 40 : 45;
    else if (image !== undefined) height += imageHeight(image);
    else if (item !== undefined) {
      height += 3 + 24 * linesOf(item, TEXT_WIDTH - 20 - 10 * inner.length);
    } else if (text.startsWith("|")) height += tableHeight(text.trim().split("\n"));
    else height += 8 + 24 * linesOf(text, TEXT_WIDTH);
  }
  return height;
}

/** Two screens of 1280×900. */
const TWO_SCREENS = 1_800;
/** Groups of the navigation to look things up in. */
const REFERENCES = ["Look up", "Configuration", "Specification", "Internals"];

describe("[O10] a page of a person's day", () => {
  const docs = join(ROOT, "docs");
  const files = readdirSync(docs, { recursive: true, encoding: "utf8" });
  const groups = sidebarOf(files.filter((name) => name.endsWith(".md")), (page) => page);
  const pages = groups.filter(({ text }) => !REFERENCES.includes(text))
    .flatMap(({ items }) => items.map(({ text }) => text));
  it("is in the navigation", () => assert.ok(pages.length > 50));

  for (const page of pages) {
    it(`has at most two screens › ${page}`, () => {
      const height = heightOf(readFileSync(join(docs, page), "utf8"));
      assert.ok(height <= TWO_SCREENS, `${Math.round(height)} pixels`);
    });
  }
});

const TASKS = await allTasks(FEATURES);

const TROUBLESHOOTING_PAGE = ["troubleshooting.md", "offline.md", "silent.md", "missing-answers.md"]
  .map((page) => readFileSync(join(import.meta.dirname!, "..", "..", "docs", page), "utf8"))
  .join("\n");

/** The words of each command after `barnacle`, without comments; each command once. */
const WRITTEN = [
  ...TROUBLESHOOTING_PAGE.matchAll(/`barnacle ([^`]+)`/g),
  ...TROUBLESHOOTING_PAGE.matchAll(/^barnacle (.*?)(?: +#.*)?$/gm),
].map(([, words = ""]) => words.trim().replace(/<[^>]*>/g, "1").split(/\s+/));
const COMMANDS = Object.assign({}, ...TASKS.map(({ commands }) => commands));

async function helpOf(words: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const stream = { write: (text: string) => lines.push(text) > 0 };
  const names = words.slice(0, COMMANDS[words[0] ?? ""]?.kind === "group" ? 2 : 1)
    .filter((word) => !word.startsWith("-"));
  const terminal = { stdout: stream, stderr: stream, env: {} } as unknown as Terminal;
  assert.equal(await runCommandLine([...names, "--help"], terminal, FEATURES), 0, names.join(" "));
  return lines.join("");
}

describe("[C10] [O10] the pages of troubleshooting", () => {
  const commands = [...new Map(WRITTEN.map((words) => [words.join(" "), words])).values()];
  it("has commands", () => assert.ok(commands.length > 25));

  for (const words of commands) {
    it(`names a real command: ${words.join(" ")}`, async () => {
      assert.equal(wrongCommand(words, COMMANDS), undefined);
      const help = await helpOf(words);
      for (const option of words.filter((word) => word.startsWith("--"))) {
        assert.match(help, new RegExp(`${option}\\b`), help);
      }
      const [, get, key = ""] = words;
      if (get === "get") assert.ok(schemaAt(configSchema, key.split(".")), key);
    });
  }
});
