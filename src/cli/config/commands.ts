/**
 * `barnacle config` and what it does: names, flags and help.
 *
 * @module
 */

import { buildCommand, buildRouteMap } from "@stricli/core";
import process from "node:process";
import { COMMON, end, flag, JSON_ANYWAY, NOT_USED, path, word } from "../shared/command.ts";
import type { ImportFlags } from "./import.ts";
import type { ExampleFlags } from "./show.ts";
import type { FmtFlags } from "./diff_and_format.ts";
import type { CommonFlags } from "../shared/flags.ts";
import { processIo } from "../shared/io.ts";

const FLAGS = { ...COMMON, data: path(NOT_USED) };

const KEY = word('Such as channels.discord.guilds."my guild".users[0]', "key");

type ConfigAction = "check" | "schema" | "show";

function configCommand(action: ConfigAction, brief: string, own: Partial<typeof COMMON> = {}) {
  return buildCommand({
    docs: { brief, fullDescription: `${brief}.\n\nExample: barnacle config ${action}` },
    parameters: { flags: { ...FLAGS, ...own } },
    async func(flags: CommonFlags) {
      const commands = await import("./show.ts");
      await end(this, commands[action](flags, processIo()));
    },
  });
}

const example = buildCommand<ExampleFlags>({
  docs: {
    brief: "Print an example config",
    fullDescription: "Print an example config, with comments.\n\n" +
      "Example: barnacle config example > config.jsonc",
  },
  parameters: {
    flags: {
      ...FLAGS,
      config: path(NOT_USED),
      all: flag("Print every key, and not only the usual ones"),
    },
  },
  async func(flags: ExampleFlags) {
    const { example } = await import("./show.ts");
    await end(this, example(flags, processIo()));
  },
});

const get = buildCommand<CommonFlags, [key: string]>({
  docs: {
    brief: "Print what holds at a key; of a secret, only where it is",
    fullDescription: "Print what holds at a key; of a secret, only where it is.\n\n" +
      "It ends with 0, 1 (nothing is set there), 2 (there is no such key) or 78 (the config).\n\n" +
      "Example: barnacle config get channels.discord.dm.policy",
  },
  parameters: { flags: FLAGS, positional: { kind: "tuple", parameters: [KEY] } },
  async func(flags: CommonFlags, key: string) {
    const { get } = await import("./edit.ts");
    await end(this, get(flags, key, processIo()));
  },
});

const set = buildCommand<CommonFlags, [key: string, value: string]>({
  docs: {
    brief: "Set a key; the file keeps its comments and its layout",
    fullDescription: "Set a key; the file keeps its comments and its layout.\n\n" +
      "Nothing is written unless Barnacle would start with it, and what was there stays as .bak.\n" +
      "A running bot reads it by itself. [+] adds an entry to a list.\n" +
      "It ends with 0, 2 (the command line), 74 (the disk), 75 (somebody else wrote it) or 78.\n\n" +
      "Example: barnacle config set 'channels.discord.dm.allowFrom[+]' 123456789012345678",
  },
  parameters: {
    flags: FLAGS,
    positional: {
      kind: "tuple",
      parameters: [KEY, word("JSON, or plain text where the key takes it; - reads stdin", "value")],
    },
  },
  async func(flags: CommonFlags, key: string, value: string) {
    const [{ set }, { text }] = await Promise.all([
      import("./edit.ts"),
      import("node:stream/consumers"),
    ]);
    await end(this, set(flags, { path: key, value }, processIo(), () => text(process.stdin)));
  },
});

const unset = buildCommand<CommonFlags, [key: string]>({
  docs: {
    brief: "Take a key out of the file, so that its default holds",
    fullDescription: "Take a key out of the file, so that its default holds.\n\n" +
      "It ends as set does.\n\n" +
      "Example: barnacle config unset channels.discord.historyLimit",
  },
  parameters: { flags: FLAGS, positional: { kind: "tuple", parameters: [KEY] } },
  async func(flags: CommonFlags, key: string) {
    const { unset } = await import("./edit.ts");
    await end(this, unset(flags, key, processIo()));
  },
});

const diff = buildCommand<CommonFlags, [file?: string]>({
  docs: {
    brief: "Print what the config says beside the defaults, or beside another file",
    fullDescription: "Print what the config says beside the defaults, or beside another file.\n\n" +
      "It ends with 0, 1 (it differs from that file) or 78 (one of them cannot be used).\n\n" +
      "Example: barnacle config diff config.jsonc.bak",
  },
  parameters: {
    flags: FLAGS,
    positional: {
      kind: "tuple",
      parameters: [{ ...word("The file to compare with", "file"), optional: true }],
    },
  },
  async func(flags: CommonFlags, file?: string) {
    const { diff } = await import("./diff_and_format.ts");
    await end(this, diff(flags, file, processIo()));
  },
});

const fmt = buildCommand({
  docs: {
    brief: "Lay the config file out; what it says stays, comments and all",
    fullDescription: "Lay the config file out; what it says stays, comments and all.\n\n" +
      "It ends with 0, 1 (--check, and there is something to do), 74, 75 or 78.\n\n" +
      "Example: barnacle config fmt --check",
  },
  parameters: { flags: { ...FLAGS, check: flag("Write nothing, only tell") } },
  async func(flags: FmtFlags) {
    const { fmt } = await import("./diff_and_format.ts");
    await end(this, fmt(flags, processIo()));
  },
});

const importCommand = buildCommand<ImportFlags, [file: string]>({
  docs: {
    brief: "Make a config of an openclaw.json, and list what was not taken over",
    fullDescription: "Make a config of an openclaw.json, and list what was not taken over.\n\n" +
      "The config goes to stdout, or into the file of --out, which must not be there yet;\n" +
      "the list goes to stderr. Nobody is let in whom OpenClaw would keep out.\n" +
      "It ends with 0, 1 (a file cannot be read, or is there already) or 78 (nothing was imported).\n\n" +
      "Example: barnacle config import ~/.openclaw/openclaw.json --out config.jsonc",
  },
  parameters: {
    flags: {
      ...FLAGS,
      config: path(NOT_USED),
      out: path("The file to make; stdout if absent"),
      dryRun: flag("Make nothing, only list"),
    },
    positional: { kind: "tuple", parameters: [word("OpenClaw's config", "file")] },
  },
  async func(flags: ImportFlags, file: string) {
    const { importFile } = await import("./import.ts");
    await end(this, importFile(flags, file, processIo()));
  },
});

export const config = buildRouteMap({
  docs: { brief: "Check, show, change and import the config" },
  routes: {
    check: configCommand("check", "Check the config file, and list everything that is wrong"),
    schema: configCommand("schema", "Print the config's JSON Schema", {
      config: path(NOT_USED),
      json: flag(JSON_ANYWAY),
    }),
    example,
    show: configCommand("show", "Print the config as it applies, without secrets", {
      json: flag(JSON_ANYWAY),
    }),
    get,
    set,
    unset,
    diff,
    fmt,
    import: importCommand,
  },
});
