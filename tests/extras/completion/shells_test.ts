/** Runs the completion scripts in the real shells; a shell that is not installed is skipped. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { bashWord } from "../../../src/extras/completion/shell_words.ts";
import { SCRIPTS, type Shell } from "../../../src/extras/completion/scripts.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** A folder with the scripts, and a `barnacle` that answers with a file and notes its words. */
function withShell(lines: readonly string[]) {
  const folder = tempDirectory();
  const bin = join(folder.path, "bin");
  mkdirSync(bin);
  for (const [shell, text] of Object.entries(SCRIPTS)) {
    writeFileSync(join(folder.path, shell), text);
  }
  writeFileSync(join(folder.path, "lines"), lines.map((line) => `${line}\n`).join(""));
  const program = join(bin, "barnacle");
  writeFileSync(
    program,
    `#!/bin/sh\nshift\n{ for word; do echo "[$word]"; done; echo "$COMP_LINE"; } >${folder.path}/asked\n` +
      `echo 'an error' >&2\ncat ${folder.path}/lines\n`,
  );
  chmodSync(program, 0o755);
  return {
    [Symbol.dispose]: () => folder[Symbol.dispose](),
    path: folder.path,
    /** Runs a script of a shell; nothing may be on stderr. */
    run(shell: Shell, args: readonly string[]): readonly string[] {
      const { stdout, stderr, error } = spawnSync(shell, args, {
        cwd: folder.path,
        encoding: "utf8",
        env: { ...process.env, PATH: `${bin}:${process.env["PATH"]}`, HOME: folder.path },
      });
      assert.equal(error, undefined);
      assert.equal(stderr, "");
      return stdout.split("\n").filter((line) => line !== "");
    },
    asked: () => readFileSync(join(folder.path, "asked"), "utf8").trimEnd().split("\n"),
    wasRun: (name: string) => existsSync(join(folder.path, name)),
  };
}

function needs(shell: string) {
  const isHere = spawnSync(shell, ["--version"]).error === undefined;
  return skipUnless(isHere, `no ${shell}, so its completion is not run`);
}

const bash = (line: string) => [
  "--norc",
  "-c",
  `source ./bash; COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'; COMP_LINE=$1; COMP_POINT=\${#1}
   read -ra COMP_WORDS <<<"$1"; [[ $1 == *' ' ]] && COMP_WORDS+=("")
   COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); compopt() { echo "compopt $*"; }
   _barnacle barnacle; printf '%s\\n' "\${COMPREPLY[@]}"`,
  "bash",
  line,
];

describe("[O10] the completion of bash", needs("bash"), () => {
  it("takes the words, without the texts about them", () => {
    using shell = withShell(["logs\tShow the log", "list"]);
    assert.deepEqual(shell.run("bash", bash("barnacle l")), ["logs", "list"]);
    assert.deepEqual(shell.asked(), ["[bash]", "barnacle l"]);
  });

  it("keeps the quotes of names of strangers", () => {
    using shell = withShell(["\\$\\(touch\\ pwned\\)\tx", "my\\ guild", "\\#help"]);
    const [one = "", two = "", three = ""] = shell.run("bash", bash("barnacle x "));
    assert.deepEqual([one, two, three], ["\\$\\(touch\\ pwned\\)", "my\\ guild", "\\#help"]);
  });

  const NAMES = [
    "#help",
    "my guild",
    "$(touch pwned)",
    "`touch pwned`",
    "#é'$(touch pwned)",
    '#é"$(touch pwned)"',
    "é;touch pwned;é",
    "a'b\"c\\d!e{f,g}*?[h]~",
    "~root",
    "-rf",
    "日本 語&",
  ];
  for (const locale of ["C", "C.UTF-8"]) {
    for (const quote of ["", "'", '"']) {
      it(`runs no command of a name, in the locale ${locale}, after ${quote || "no quote"}`, () => {
        using shell = withShell([]);
        for (const name of NAMES) {
          const word = bashWord(name, quote);
          if (quote === "") assert.ok(word !== undefined);
          if (word === undefined) continue;
          const command = `export LC_ALL=${locale}; printf '%s\\n' ${quote}${word}${quote}`;
          assert.deepEqual(shell.run("bash", ["--norc", "-c", command]), [name]);
        }
        assert.equal(shell.wasRun("pwned"), false);
      });
    }
  }

  it("quotes files by itself in a bash without compopt, such as that of macOS", () => {
    using shell = withShell([":files"]);
    writeFileSync(join(shell.path, "$(touch pwned)"), "");
    const [options = "", script = "", ...rest] = bash("barnacle run --config $");
    const line = [options, script, ...rest].map((text) =>
      text.replace('compopt() { echo "compopt $*"; }', "compopt() { return 127; }")
    );
    assert.deepEqual(shell.run("bash", line), ["\\$\\(touch\\ pwned\\)"]);
  });

  it("adds no space after a path that goes on, and proposes files", () => {
    using shell = withShell(["channels."]);
    const line = bash("barnacle config get ch");
    assert.deepEqual(shell.run("bash", line), ["compopt -o nospace", "channels."]);
    writeFileSync(join(shell.path, "lines"), ":files\n");
    assert.deepEqual(
      shell.run("bash", bash("barnacle run --config li")),
      ["compopt -o filenames", "lines"],
    );
  });

  it("proposes nothing if the program fails or is gone", () => {
    using shell = withShell([]);
    assert.deepEqual(shell.run("bash", bash("barnacle x")), []);
    writeFileSync(join(shell.path, "bin", "barnacle"), "#!/bin/sh\nexit 3\n");
    assert.deepEqual(shell.run("bash", bash("barnacle x")), []);
  });
});

const zsh = (...words: readonly string[]) => [
  "-f",
  "-c",
  `compdef() { :; }; compadd() { local d=$argv[(i)--]; print -r -- "$argv[1,d-1]"; print -rl -- $argv[d+1,-1]; }
   _files() { print files; }; source ./zsh
   words=("$@"); CURRENT=$#words; PREFIX=$words[-1]; _barnacle`,
  "zsh",
  ...words,
];

describe("[O10] the completion of zsh", needs("zsh"), () => {
  it("hands the words over unquoted, and takes the answers with their texts", () => {
    using shell = withShell(["logs\tShow the log", "list", "channels.\tIn Discord"]);
    const shown = shell.run("zsh", zsh("barnacle", "config", String.raw`my\ guild`, ""));
    assert.deepEqual(shown, [
      "-l -S  -d open_about",
      "channels.",
      "-l -d whole_about",
      "logs",
      "list",
    ]);
    assert.deepEqual(shell.asked(), ["[zsh]", "[=config]", "[=my guild]", "[=]"]);
    shell.run("zsh", zsh("barnacle", "l"));
    assert.deepEqual(shell.asked()[1], "[=l]");
  });

  it("proposes files, or nothing", () => {
    using shell = withShell([":files"]);
    assert.deepEqual(shell.run("zsh", zsh("barnacle", "run", "--config", "")), ["files"]);
    writeFileSync(join(shell.path, "lines"), "");
    assert.deepEqual(shell.run("zsh", zsh("barnacle", "x")), []);
  });
});

const fish = (
  line: string,
) => ["--no-config", "-c", `source ./fish; complete -C ${JSON.stringify(line)}`];

describe("[O10] the completion of fish", needs("fish"), () => {
  it("takes the words with their texts", () => {
    using shell = withShell(["logs\tShow the log", "list"]);
    assert.deepEqual(
      shell.run("fish", fish("barnacle config l")).toSorted(),
      ["list", "logs\tShow the log"],
    );
    assert.deepEqual(shell.asked(), ["[fish]", "[=config]", "[=l]"]);
    shell.run("fish", fish("barnacle "));
    assert.deepEqual(shell.asked(), ["[fish]", "[=]"]);
  });

  it("proposes files, or nothing", () => {
    using shell = withShell([":files"]);
    assert.deepEqual(shell.run("fish", fish("barnacle run --config li")), ["lines"]);
    writeFileSync(join(shell.path, "lines"), "");
    assert.deepEqual(shell.run("fish", fish("barnacle x")), []);
  });
});

describe("[O10] the completion of PowerShell", () => {
  it(
    "is valid",
    needs("pwsh"),
    () => {
      using shell = withShell(["logs\tShow the log"]);
      const { stdout, status } = spawnSync("pwsh", [
        "-NoProfile",
        "-Command",
        `. ([scriptblock]::Create((Get-Content -Raw ./powershell)));
       ([System.Management.Automation.CommandCompletion]::CompleteInput('barnacle lo', 11, $null)).CompletionMatches.CompletionText`,
      ], { cwd: shell.path, encoding: "utf8" });
      assert.equal(status, 0);
      assert.match(stdout, /logs/);
    },
  );

  it("doubles each quote that PowerShell knows", () => {
    const { powershell } = SCRIPTS;
    assert.equal(powershell.split(`-replace "['\\u2018-\\u201b]", '$0$0'`).length, 3);
    assert.ok(!powershell.includes("Replace("));
  });

  it("closes each bracket", () => {
    const plain = SCRIPTS.powershell.replaceAll(/'(?:''|[^'])*'|"[^"]*"|#.*/g, "");
    const count = (text: string) => plain.split(text).length - 1;
    for (const [open = "", close = ""] of ["{}", "()", "[]"]) {
      assert.equal(count(open), count(close), `${open}${close}`);
    }
  });
});
