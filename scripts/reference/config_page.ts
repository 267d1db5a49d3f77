/**
 * Writes the reference of the config from its schema (C4): `docs/configuration.md` explains the
 * file, and a page for each task in `docs/configuration/` describes its keys.
 */

import { BOT_TOKEN } from "../../src/config/schema/accounts.ts";
import { VENDORS } from "../../src/config/models.ts";
import {
  allKeys,
  anchorOf,
  docsOf,
  EFFECTS,
  pageOf,
  PAGES,
  valuesOf,
} from "../../src/config/keys/find_keys.ts";
import { defaultText, exampleOf, jsonOnOneLine } from "../../src/config/reference.ts";
import type { ReferenceKey } from "../../src/config/reference.ts";
import type { KeyDoc, ReferencePart } from "../../src/config/schema/parts/key.ts";
import { isSecret } from "../../src/config/schema/parts/key.ts";

/** Headings of the tasks, in the order of the list. */
const TASKS: Readonly<Record<ReferencePart, string>> = {
  access: "Access",
  replies: "Replies",
  models: "Models",
  agents: "Agents and sessions",
  connection: "Connection",
  operating: "Operating",
};

const TASK_WORDS: Readonly<Record<ReferencePart, string>> = {
  access:
    "Who may talk to the bot, and where. [Access](../access.md) explains how the rules combine.",
  replies: "How replies look in Discord. " +
    "[Delivery](../delivery.md) explains how replies get there.",
  models: "Which model answers, and where it runs.",
  agents: "The agent's prompt, its context, its tools and its turns. [The agent](../agent.md) " +
    "explains them.",
  connection:
    "The bot's account and its connection. [Connection](../connection.md) helps with faults.",
  operating:
    "Health checks, logs and stored records. [Operating](../operating.md) covers their use.",
};

const MADE = `<!-- deno-fmt-ignore-file -->
<!-- Made by scripts/reference/config.ts from src/config/schema. Do not edit. -->`;

const INTRO = `${MADE}

# Configuration

The config is one file: JSON with comments. A file without any key is valid.
[\`config.example.jsonc\`](../config.example.jsonc) has the usual keys.

Barnacle reads the file of \`--config\` or \`BARNACLE_CONFIG\`. Without these, it reads the first of
\`./config.jsonc\`, \`~/.config/barnacle/config.jsonc\` (\`$XDG_CONFIG_HOME/barnacle/config.jsonc\` if that variable is set) and
\`/etc/barnacle/config.jsonc\`. Without a file, the environment is enough.

- \`barnacle config explain <key>\` finds a key by any part of its name, also with typing mistakes,
  and says what it does, where your config sets it, and the value that applies.
- \`barnacle config check\` lists every error in the file, with line and column.
- \`barnacle config set <key> <value>\` changes one key, and keeps your comments.
- \`barnacle config schema\` prints a JSON Schema for editors.

A running bot reads a changed file by itself. A change **${EFFECTS.now}**, with the next message, unless
the key says otherwise. Running turns keep the old config.

- **${EFFECTS.reconnect}**: by itself. It resumes its session and loses no message.
- **${EFFECTS.restart}**: the change has no effect before the next start.

Secrets, such as tokens and API keys, are best kept out of the file. \`{ "file": "name" }\` stands for the
content of \`credentials/name\` beside the config, which \`barnacle secret set name\` writes without showing it.
A running bot reads a new secret within two seconds. A relative path also counts from the config's folder and
from \`CREDENTIALS_DIRECTORY\`. \`"\${NAME}"\` stands for an environment variable, which only a new start can
change. A part whose secret is missing does not work, and \`config check\` warns of it; the others work.

In a path, words in angle brackets stand for names of your choice, and \`[]\` for each entry of a list.`;

const COMMON = `## Usual keys

Most people change only some of these keys:`;
/** Variables that Barnacle reads, apart from those of the vendors. */
const VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  [`\`${BOT_TOKEN}\``, "The token of the account `default`, unless the config has one."],
  ["`BARNACLE_CONFIG`", "Path of the config file, if there is no `--config`."],
  [
    "`BARNACLE_DATA`",
    "Path of the data directory, if there is no `--data`. Next come `STATE_DIRECTORY` (systemd), and " +
    "`barnacle` in `XDG_DATA_HOME`.",
  ],
  ["`CREDENTIALS_DIRECTORY`", "Folder of relative secret files, set by systemd."],
  [
    "`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`",
    "Proxies for Discord and the model, in lower case too. [Connection](connection.md) has the forms.",
  ],
  ["`NODE_EXTRA_CA_CERTS`", "File with certificates to trust in addition."],
  [
    "`DISCORD_API_URL`",
    "Address of another Discord-compatible API (default: `https://discord.com/api`). The bot token " +
    "goes there.",
  ],
  ["`NO_COLOR`", "Any value removes colours from the output of commands."],
];

/** Variables that Barnacle reads, with their meanings, as Markdown. */
export function environmentRows(): readonly (readonly [name: string, meaning: string])[] {
  const vendors = VENDORS.flatMap((vendor) => {
    const { id, name, baseUrl, keyVariable, urlVariable, modelVariable } = vendor;
    const without = id === "openai" ? "It works without a key." : `It needs \`${keyVariable}\`.`;
    return [
      [`\`${keyVariable}\``, `API key for ${name}, or for the server of \`${urlVariable}\`.`],
      [
        `\`${urlVariable}\``,
        `Address of another server with ${name}'s API (default: \`${baseUrl}\`). ${without}`,
      ],
      [
        `\`${modelVariable}\``,
        "Name of the model, if the config names none. " +
        (id === "openai"
          ? `Without it, and without a key, the first model of \`${urlVariable}\` answers.`
          : `It is needed with \`${keyVariable}\` then.`),
      ],
    ] as const;
  });
  return [...vendors, ...VARIABLES];
}

function environment(): string {
  return [
    "## Environment variables",
    "Besides variables that the config names, Barnacle reads these. If the config names " +
    "no model, OpenAI's variables come before Anthropic's. A provider with its own `baseUrl` in the " +
    "config never gets a key of the environment.",
    [
      "| variable | meaning |",
      "| --- | --- |",
      ...environmentRows().map(([name, meaning]) => `| ${name} | ${meaning} |`),
    ].join("\n"),
  ].join("\n\n");
}

/** The page about the file as Markdown. */
export function configurationPage(): string {
  const tasks = Object.keys(TASKS).filter(isTask);
  return [
    INTRO,
    "## All keys",
    tasks.map((task) =>
      `- [${TASKS[task]}](${PAGES[task]}): ${TASK_WORDS[task].replaceAll("](../", "](")}`
    ).join("\n"),
    COMMON,
    common(topKeys()).map((key) => `- ${keyLink(key)}: ${firstSentence(key.doc)}`).join("\n"),
    environment(),
  ].join("\n\n") + "\n";
}

/** The pages of the tasks, by their paths in `docs/`. */
export function taskPages(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.keys(TASKS).filter(isTask).map((task) => [PAGES[task], taskPage(task)]),
  );
}

function taskPage(task: ReferencePart): string {
  const sections = Map.groupBy(keysOf(task), sectionOf);
  const described = new Map<string, string>();
  return [
    MADE,
    `# Configuration: ${TASKS[task].toLowerCase()}`,
    TASK_WORDS[task],
    "[Configuration](../configuration.md) says how Barnacle reads the file and " +
    "what each fact below means. A change applies live, unless the key says otherwise. " +
    "`barnacle config explain <key>` shows one in your terminal.",
    ...Array.from(sections).flatMap(([section, keys]) => [
      `## ${titleOf(section)}`,
      ...wordsOf(section),
      ...entriesOf(section, keys, described),
    ]),
  ].join("\n\n") + "\n";
}

/**
 * The entries of a section. If one above on its page has the same, it names that one.
 *
 * @param described The sections so far, by their entries without paths.
 */
function entriesOf(
  section: string,
  keys: readonly ReferenceKey[],
  described: Map<string, string>,
): readonly string[] {
  const entries = keys.map(entry);
  const words = entries.map((text) => text.replaceAll(`${section}.`, "")).join("\n");
  const same = keys.length === 1 ? undefined : described.get(words);
  if (same === undefined) {
    described.set(words, section);
    return entries;
  }
  const names = keys.map(({ path, name }) => `<a id="${anchorOf(`\`${path}\``)}"></a>\`${name}\``);
  const title = titleOf(same);
  return [`${names.join(", ")}: as those of [\`${same}\`](#${anchorOf(title)}).`];
}

/** Path of the section, or of the entries, that have a key; empty at the top of the file. */
function sectionOf({ path, name }: ReferenceKey): string {
  return path.slice(0, Math.max(0, path.length - name.length - 1));
}

/** The heading of a section. A key with an entry of its own has that anchor already. */
function titleOf(section: string): string {
  if (section === "") return "Top of the file";
  return `${isHeading(section) ? "" : "Keys of "}\`${section}\``;
}

function isHeading(section: string): boolean {
  return allKeys().some(({ path, isSection }) => isSection && path === section);
}

/** The description of a section; that of a record or a list stands with its own key. */
function wordsOf(section: string): readonly string[] {
  const key = allKeys().find(({ path }) => path === section);
  return key?.isSection ? [key.doc.description] : [];
}

function keysOf(task: ReferencePart): readonly ReferenceKey[] {
  return leaves().filter((key) => pageOf(key) === PAGES[task]);
}

function keyLink(key: ReferenceKey): string {
  return `[\`${key.path}\`](${docsOf(key)})`;
}

function topKeys(): readonly ReferenceKey[] {
  return allKeys().filter(({ path }) => !/[.[]/.test(path));
}

/** Keys with values, including those of entries in records and lists. */
function leaves(): readonly ReferenceKey[] {
  return allKeys().filter(({ isSection }) => !isSection);
}

/** The outermost keys of the short example. */
function common(keys: readonly ReferenceKey[]): readonly ReferenceKey[] {
  return keys.flatMap((key) => key.doc.isCommon ? [key] : common(key.keys));
}

function firstSentence({ description }: KeyDoc): string {
  return /^.*?[.](?= |$)/.exec(description)?.[0] ?? description;
}

function entry(key: ReferenceKey): string {
  const example = exampleOf(key);
  return [
    `### \`${key.path}\``,
    "",
    key.doc.description,
    "",
    `- Values: ${valueText(key)}; default: ${defaultText(key)}` +
    (key.doc.unit === undefined ? "" : `; unit: ${key.doc.unit}`),
    ...(example === undefined || valuesOf(key) === "true or false"
      ? [] // an example says no more then
      : [`- Example: ${code(`"${key.name}": ${jsonOnOneLine(example)}`)}`]),
    ...(key.takesEffect === "now" ? [] : [`- A change: ${EFFECTS[key.takesEffect]}`]),
  ].join("\n");
}

/** The values, with code marks. */
function valueText(key: ReferenceKey): string {
  const text = valuesOf(key);
  if (isSecret(key.schema)) {
    return text.replace(/"\$\{NAME\}"|\{ [^{}]* \}/g, (value) => `\`${value}\``);
  }
  return text.replace(/\{ .* \}|"[^"]*"/g, (value) => `\`${value}\``)
    .replace(/\btrue or false\b/, "`true` or `false`");
}

/** Markdown's code, with longer marks if the text contains some. */
function code(text: string): string {
  return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
}

function isTask(name: string): name is ReferencePart {
  return Object.hasOwn(TASKS, name);
}
