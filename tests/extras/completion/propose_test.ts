import assert from "node:assert/strict";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { complete, linesFor } from "../../../src/extras/completion/complete.ts";
import { wordsOf } from "../../../src/extras/completion/shell_words.ts";
import { VALUES } from "../../../src/extras/completion/values.ts";
import { allTasks } from "../../../src/cli/tasks.ts";
import { EXTRAS } from "../../../src/extras/extras.ts";
import type { CliCommand } from "../../../src/cli/help/command_help.ts";
import { directMessage } from "../../support/discord/builders.ts";
import { batch, frozen, part, ROUTE } from "../../support/store/store.ts";
import {
  createDataFixture,
  GUILD_SNAPSHOT,
  HELP,
  removeDataFixtures,
} from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";

const TASKS = await allTasks(EXTRAS);

afterEach(removeDataFixtures);

const COMMANDS = Object.fromEntries(TASKS.flatMap(({ commands }) => Object.entries(commands)));

const CONFIG = {
  channels: {
    discord: {
      guilds: { "my guild": {}, friends: { channels: { help: {} } } },
      accounts: { Work: {}, "$(touch x)": {}, "two\nlines": {} },
    },
  },
  agents: { list: [{ id: "main" }, { id: "coder" }, "rubbish"] },
  mcp: { servers: { tides: {}, files: {} } },
};

async function words(line: string, config: object | string = CONFIG) {
  const fixture = createDataFixture(config);
  const io = recordingIo({ BARNACLE_CONFIG: fixture.config, BARNACLE_DATA: fixture.data });
  const lines = await linesFor(wordsOf(`barnacle ${line}`, "").words, COMMANDS, io);
  assert.deepEqual(io.stderr, []);
  return lines.map((text) => text.split("\t")[0]);
}

describe("[O10] barnacle completion", () => {
  it("leaves file names to the shell if a busy machine tells nothing in time", async () => {
    const late = () => new Promise<never>(() => {});
    const linesOf = (...words: string[]) => linesFor(words, COMMANDS, recordingIo(), 1, late);
    assert.deepEqual(await linesOf("verify", "/tmp/x"), [":files"]);
    assert.deepEqual(await linesOf("restore", ""), [":files"]);
  });

  const cases: readonly (readonly [line: string, proposed: readonly string[]])[] = [
    ["lo", ["logs"]],
    ["--v", ["--version"]],
    ["config ge", ["get"]],
    ["config get channels.discord.hist", ["channels.discord.historyLimit"]],
    ["config get log", ["log."]],
    ["config get channels.discord.guilds.", [
      'channels.discord.guilds."my guild".',
      "channels.discord.guilds.friends.",
    ]],
    ['config get "channels.discord.guilds.friends.channels."', [
      "channels.discord.guilds.friends.channels.help.",
    ]],
    ["config get nothing.", []],
    ["config get agents.list[0", []],
    ["config set http.required ", ["true", "false"]],
    ["config set log.level w", ["warn"]],
    ["config set nothing ", ["--config", "--json", "--help"]],
    ["logs --level ", ["error", "warn", "info", "debug"]],
    ["logs --level=w", ["--level=warn"]],
    ["logs --part gateway,tu", ["gateway,turns"]],
    ["logs --acc", ["--account"]],
    ["logs --account w", ["work"]],
    ["logs --account=", ["--account=default", "--account=work", "--account=$(touch x)"]],
    ["logs -n 5 -f --follow --fo", []],
    ["logs -f --f", ["--file"]],
    ["logs --file x", [":files"]],
    ["run --config ", [":files"]],
    ["agents show ", ["main", "coder"]],
    ["mcp logout t", ["tides"]],
    ["outbox ", ["list", "resend", "drop"]],
    ["outbox --js", ["--json"]],
    ["outbox list --js", ["--json"]],
    ["help conf", ["config"]],
    ["help config sh", ["show"]],
    ["help nothing ", []],
    ["nothing ", []],
    ["config nothing ", []],
    ["logs -- --", []],
    ["version --dat", []],
    ["completion ", ["bash", "zsh", "fish", "powershell"]],
  ];
  for (const [line, proposed] of cases) {
    it(`proposes ${proposed.join(" ") || "nothing"} after "${line}"`, async () => {
      assert.deepEqual(await words(line), proposed);
    });
  }

  it("proposes names of a config with mistakes, and none of one that cannot be read", async () => {
    assert.deepEqual(await words("agents show ", { ...CONFIG, colour: "blue" }), ["main", "coder"]);
    assert.deepEqual(await words("agents show c", "{ agents: oops"), []);
    assert.deepEqual(await words("logs --account d --config /dev/null/x --account ", CONFIG), [
      "default",
    ]);
  });

  it("proposes channels, people and codes of the store, and takes no lock", async () => {
    const fixture = createDataFixture(CONFIG);
    const message = directMessage();
    const of = part(message.id, { kind: "challenge" });
    const pairing = {
      newCode: () => "ABCD2345",
      newButton: () => "button",
      challenge: () => [frozen({ nonce: "c", of })],
    };
    const verdict = { kind: "challenge", why: "pairing", rule: "dm.policy" } as const;
    const judged = [{ message, verdict, route: ROUTE }];
    await fixture.fill((store) =>
      store.inbox.acceptBatch(batch({ judged, pairing, guilds: [GUILD_SNAPSHOT] }), Date.now())
    );
    const io = recordingIo({ BARNACLE_CONFIG: fixture.config, BARNACLE_DATA: fixture.data });
    const lines = await linesFor(["send", "channel:"], COMMANDS, io);
    assert.ok(lines.includes(`channel:${HELP}\t#help in Friends of Barnacle`), lines.join("\n"));
    const named = await linesFor(["access", "test", "--channel", "#h"], COMMANDS, io);
    assert.deepEqual(named, ["#help\tFriends of Barnacle"]);
    const codes = await linesFor(["pairing", "approve", ""], COMMANDS, io);
    assert.deepEqual(codes, [`ABCD2345\t${message.sender.username}`]);
  });

  it("writes no error, whatever the line, the store and the config are", async () => {
    const fixture = createDataFixture("{");
    const written: string[] = [];
    const stream = { write: (text: string) => written.push(text) };
    const broken = {
      BARNACLE_CONFIG: "/dev/zero",
      BARNACLE_DATA: join(fixture.data, "config.jsonc"),
    };
    for (const line of ["", "send ", "logs --account ", "config get ", "\u0000", "'", "é\\"]) {
      const env = { ...broken, COMP_LINE: `barnacle ${line}`, COMP_WORDBREAKS: ":=" };
      const stdout = { ...stream, isTTY: false };
      const stderr = { isTTY: false, write: () => assert.fail("wrote an error") };
      await complete(["bash"], COMMANDS, { stdout, stderr, env } as never);
      await complete(["zsh", ...line.split(" ")], COMMANDS, { stdout, stderr, env } as never);
      await complete([], COMMANDS, { stdout, stderr, env } as never);
    }
    assert.ok(written.length > 0);
  });

  it("knows the source of each value in the table of commands", () => {
    const names = new Set<string>();
    const read = ({ target: { parameters: { flags = {}, positional } } }: CliCommand) => {
      for (const [name, option] of Object.entries(flags)) {
        if (option.kind !== "parsed") continue;
        names.add(name === "account" ? name : option.placeholder ?? name);
      }
      const parameters = positional?.kind === "array"
        ? [positional.parameter]
        : positional?.parameters ?? [];
      for (const { placeholder } of parameters) names.add(placeholder ?? "");
    };
    for (const command of Object.values(COMMANDS)) {
      if (command.kind === "command") read(command);
      else Object.values(command.commands).forEach(read);
    }
    assert.deepEqual([...names].filter((name) => !Object.hasOwn(VALUES, name)), []);
    assert.deepEqual(Object.keys(VALUES).filter((name) => !names.has(name)), []);
  });
});

describe("wordsOf()", () => {
  const cases: readonly (readonly [line: string, words: readonly string[], cut: number])[] = [
    ["barnacle ", [""], 0],
    ["barnacle lo", ["lo"], 0],
    ["barnacle  config   get ", ["config", "get", ""], 0],
    [`barnacle get "my guild`, ["get", "my guild"], 0],
    [`barnacle get 'a"b'c`, ["get", `a"bc`], 0],
    [String.raw`barnacle get my\ guild "x\"y`, ["get", "my guild", `x"y`], 0],
    ["barnacle send channel:14", ["send", "channel:14"], 8],
    ["barnacle logs --level=w", ["logs", "--level=w"], 8],
    ['barnacle "" x', ["", "x"], 0],
  ];
  for (const [line, words, cutHead] of cases) {
    it(`reads ${line}`, () => {
      const { quote: _, ...read } = wordsOf(line, " \t\n\"'><=;|&(:");
      assert.deepEqual(read, { words, cutHead });
    });
  }
});
