/** Checks the files for service managers: with their own tools where these are installed. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { SaxesParser } from "saxes";
import { layoutOf } from "../../src/features/service/layout.ts";
import { skipUnless } from "../support/skip.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const PACKAGING = join(import.meta.dirname!, "..", "..", "packaging");
const read = (path: string) => readFileSync(join(PACKAGING, path), "utf8");

/** Runs a tool; a missing one has no status. */
function run(name: string, args: readonly string[], env: Record<string, string> = {}) {
  const { error, status, stdout, stderr } = spawnSync(name, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { isHere: error === undefined, status, output: `${stdout}${stderr}` };
}

describe(
  "[O4] systemd-analyze",
  skipUnless(run("systemd-analyze", ["--version"]).isHere, "systemd-analyze is not installed"),
  () => {
    /** Checks units in a folder of their own; the program must exist. */
    function verify(texts: Readonly<Record<string, string>>, ...scope: readonly string[]) {
      using directory = tempDirectory();
      const paths = Object.entries(texts).map(([name, text]) => {
        const path = join(directory.path, name);
        writeFileSync(path, text.replaceAll(/^ExecStart=\S+/gm, "ExecStart=/bin/true"));
        return path;
      });
      return run("systemd-analyze", [...scope, "--man=no", "verify", ...paths], {
        XDG_RUNTIME_DIR: directory.path,
      });
    }

    it("accepts the unit of the machine without a message", () => {
      const { status, output } = verify({ "barnacle.service": read("systemd/barnacle.service") });
      assert.deepEqual([status, output], [0, ""]);
    });

    it("accepts the unit of a user, as it is packaged and as it is installed", () => {
      const packaged = verify(
        { "barnacle.service": read("systemd/user/barnacle.service") },
        "--user",
      );
      assert.deepEqual([packaged.status, packaged.output], [0, ""]);

      using directory = tempDirectory();
      const home = join(directory.path, "a b%c");
      mkdirSync(join(home, ".local", "bin"), { recursive: true });
      writeFileSync(join(home, ".local", "bin", "barnacle"), "", { mode: 0o755 });
      const config = join(home, '"x"$y.jsonc');
      const { unit: { text } } = layoutOf("systemd-user", { home, program: "/tmp/x", config });
      const path = join(directory.path, "barnacle.service");
      writeFileSync(path, text);
      // It looks for the program, so it has read its path as we meant it.
      const args = ["--user", "--man=no", "verify", path];
      const { status, output } = run("systemd-analyze", args, { XDG_RUNTIME_DIR: directory.path });
      assert.deepEqual([status, output], [0, ""]);
    });

    it("finds a wrong line", () => {
      const text = read("systemd/barnacle.service").replace("WatchdogSec=", "WatchdogSecs=");
      assert.match(verify({ "barnacle.service": text }).output, /WatchdogSecs/);
    });

    it("rates the machine's unit 1.1 or better", () => {
      const path = join(PACKAGING, "systemd", "barnacle.service");
      const args = ["security", "--offline=true", "--threshold=11", path];
      const { status, output } = run("systemd-analyze", args);
      assert.equal(status, 0, output);
    });
  },
);

type Plist = string | number | boolean | readonly Plist[] | { readonly [key: string]: Plist };

/** Reads a property list in XML; strict, because launchd ignores a wrong one without a word. */
function parsePlist(text: string): Plist {
  const parser = new SaxesParser();
  const open: { readonly tag: string; readonly items: Plist[]; text: string; key?: string }[] = [
    { tag: "", items: [], text: "" },
  ];
  parser.on("opentag", ({ name }) => open.push({ tag: name, items: [], text: "" }));
  parser.on("text", (text) => {
    const top = open.at(-1);
    if (top) top.text += text;
  });
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("closetag", ({ name }) => {
    const { items, text } = open.pop() ?? { items: [], text: "" };
    const value = valueOf(name, items, text);
    open.at(-1)?.items.push(value);
  });
  parser.write(text).close();
  const [value] = open[0]?.items ?? [];
  assert.ok(value !== undefined);
  return value;
}

function valueOf(tag: string, items: readonly Plist[], text: string): Plist {
  switch (tag) {
    case "string":
    case "key":
      return text;
    case "integer":
      assert.match(text, /^-?\d+$/);
      return Number(text);
    case "true":
    case "false":
      return tag === "true";
    case "array":
      return items;
    case "dict": {
      assert.equal(items.length % 2, 0, "a key without a value");
      const pairs = items.flatMap((key, at) => at % 2 === 0 ? [[String(key), items[at + 1]]] : []);
      assert.equal(new Set(pairs.map(([key]) => key)).size, pairs.length, "a repeated key");
      return Object.fromEntries(pairs);
    }
    case "plist":
      assert.equal(items.length, 1);
      return items[0] ?? "";
    default:
      throw new SyntaxError(`<${tag}> is no part of a property list`);
  }
}

/** Of launchd.plist(5), with the type of the value. */
const LAUNCHD: Readonly<Record<string, string>> = {
  Label: "string",
  ProgramArguments: "array",
  WorkingDirectory: "string",
  EnvironmentVariables: "object",
  RunAtLoad: "boolean",
  KeepAlive: "boolean",
  ThrottleInterval: "number",
  ExitTimeOut: "number",
  ProcessType: "string",
  Umask: "number",
  StandardOutPath: "string",
  StandardErrorPath: "string",
  SoftResourceLimits: "object",
};

describe("[O4] packaging/launchd/bot.barnacle.plist", () => {
  const typeOf = (value: Plist) => Array.isArray(value) ? "array" : typeof value;
  const { unit } = layoutOf("launchd", {
    home: "/Users/a&b <c>",
    program: "/Users/a&b <c>/Downloads/barnacle",
  });
  const texts = { packaged: read("launchd/bot.barnacle.plist"), installed: unit.text };

  for (const [name, text] of Object.entries(texts)) {
    it(`is a property list with keys that launchd knows: ${name}`, () => {
      const plist = parsePlist(text);
      assert.ok(typeof plist === "object" && !Array.isArray(plist));
      const types = Object.entries(plist).map(([key, value]) => [key, typeOf(value)]);
      assert.deepEqual(Object.fromEntries(types), LAUNCHD);
    });
  }

  it("starts the program by its arguments", () => {
    const plist = parsePlist(texts.installed);
    assert.ok(typeof plist === "object" && "ProgramArguments" in plist);
    assert.deepEqual(plist["ProgramArguments"], [
      "/Users/a&b <c>/.local/bin/barnacle",
      "run",
      "--config",
      "/Users/a&b <c>/.config/barnacle/config.jsonc",
    ]);
  });

  it("is checked by a parser that refuses a wrong list", () => {
    assert.throws(() => parsePlist(texts.packaged.replace("</dict>", "")));
    assert.throws(() => parsePlist(texts.packaged.replace("<integer>30", "<integer>soon")));
    assert.throws(() => parsePlist(texts.packaged.replaceAll("string>", "text>")));
  });
});
