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
      offer: {
        code: CODE,
        buttons: { approve: "yes", deny: "no" },
        messages: [
          frozen({ accountId: ACCOUNT, nonce: "c", of: part(ID, { kind: "challenge" }) }),
        ],
      },
    } as const;
    await fixture.fill((store) =>
      store.inbox.acceptBatch(batch({ judged: [judged] }), Date.now() - ASKED_MS)
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

/** Lines of a page: about two screens. */
const MOST_LINES = 110;
/** Groups of the navigation to look things up in. */
const REFERENCES = ["Look up", "Configuration", "Specification", "Internals"];

describe("[O10] a page of a person's day", () => {
  const docs = join(ROOT, "docs");
  const files = readdirSync(docs, { recursive: true, encoding: "utf8" });
  const groups = sidebarOf(files.filter((name) => name.endsWith(".md")), (page) => page);
  const pages = groups.filter(({ text }) => !REFERENCES.includes(text))
    .flatMap(({ items }) => items.map(({ text }) => text));

  it("has at most two screens", () => {
    assert.ok(pages.length > 50);
    const long = pages.filter((page) =>
      readFileSync(join(docs, page), "utf8").split("\n").length > MOST_LINES
    );
    assert.deepEqual(long, []);
  });
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
