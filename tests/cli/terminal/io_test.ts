import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  COLOURED,
  createProcessIo,
  createStatusLine,
  PLAIN,
  styleFor,
  wrapLines,
} from "../../../src/cli/terminal/io.ts";
import { recordedTerminal } from "./recorded_terminal.ts";
import fc from "fast-check";
import { displayWidth } from "../../../src/render/markdown/chunk.ts";

describe("[O10] createProcessIo()", () => {
  it("writes results to stdout, notes and errors to stderr", () => {
    const { terminal, stdout, stderr } = recordedTerminal({ isTTY: false });
    const io = createProcessIo({ json: false }, terminal);
    io.out("result");
    io.err("note");
    io.problem("no token");
    assert.equal(stdout(), "result\n");
    assert.equal(stderr(), "note\nbarnacle: no token\n");
  });

  it("marks an error in bold on a terminal, but not with --json", () => {
    const { terminal, stderr } = recordedTerminal({ isTTY: true });
    createProcessIo({ json: false }, terminal).problem("no token");
    createProcessIo({ json: true }, terminal).problem("no token");
    const bold = "\u001b[31m\u001b[1mbarnacle:\u001b[22m\u001b[39m";
    assert.equal(stderr(), `${bold} no token\nbarnacle: no token\n`);
  });

  it("breaks a result between words on a terminal, unless a program reads it or it has lines", () => {
    const shown = (columns: number, isTTY: boolean, json: boolean, text: string) => {
      const { terminal, stdout } = recordedTerminal({ isTTY });
      Object.assign(terminal.stdout, { columns });
      createProcessIo({ json }, terminal).out(text);
      return stdout();
    };
    const line = `Feeds  ${"word ".repeat(20)}end`;
    for (const columns of [40, 0]) {
      const lines = shown(columns, true, false, line).split("\n");
      assert.ok(lines.length > 2 && lines.every(({ length }) => length <= (columns || 80)));
      assert.deepEqual(lines.join(" ").match(/\S+/g), line.match(/\S+/g));
    }
    const lines = `${line}\n${line}`;
    const { terminal, stdout } = recordedTerminal({ isTTY: true });
    createProcessIo({ json: false }, terminal).out(line, { isWhole: true });
    assert.equal(stdout(), `${line}\n`);
    assert.equal(shown(40, false, false, line), `${line}\n`);
    assert.equal(shown(40, true, true, line), `${line}\n`);
    assert.equal(shown(40, true, false, lines), `${lines}\n`);
  });

  it("takes 80 columns if the terminal does not know how many it has", async () => {
    const { written, timers, done, finish } = started(0);
    timers[0]?.run();
    finish();
    await done;
    assert.equal(written[0], `${ERASE}Asking Discord (1 s)`);
  });

  it("lets no text command a terminal, and gives pipes the data unchanged", () => {
    const evil = "\u001b[2J\u202egnp\u009b";
    const shown = "\\u{1b}[2J\\u{202e}gnp\\u{9b}";
    const onTerminal = recordedTerminal({ isTTY: true });
    const io = createProcessIo({ json: false }, onTerminal.terminal);
    io.out(`${io.style.red("x")} ${evil}`);
    io.err(evil);
    assert.equal(onTerminal.stdout(), `\u001b[31mx\u001b[39m ${shown}\n`);
    assert.equal(onTerminal.stderr(), `${shown}\n`);
    const inPipe = recordedTerminal({ isTTY: false });
    createProcessIo({ json: false }, inPipe.terminal).out(evil);
    createProcessIo({ json: false }, inPipe.terminal).problem(evil);
    assert.equal(inPipe.stdout(), `${evil}\n`);
    assert.equal(inPipe.stderr(), `barnacle: ${shown}\n`);
    const asJson = recordedTerminal({ isTTY: true });
    createProcessIo({ json: true }, asJson.terminal).out(JSON.stringify({ evil }));
    assert.doesNotMatch(asJson.stdout(), /[^\P{C}\n]/u);
    assert.deepEqual(JSON.parse(asJson.stdout()), { evil });
  });

  it("runs work without a status line in a pipe", async () => {
    const { terminal, stderr } = recordedTerminal({ isTTY: false });
    assert.equal(
      await createProcessIo({ json: false }, terminal).during("x", Promise.resolve(7)),
      7,
    );
    assert.equal(stderr(), "");
  });
});

const ERASE = "\r\u001b[K";

function started(columns = 80) {
  const written: string[] = [];
  const timers: { run: () => void; isCancelled: boolean }[] = [];
  const status = createStatusLine({ columns, write: (text) => written.push(text) }, (run) => {
    const timer = { run, isCancelled: false };
    timers.push(timer);
    return () => void (timer.isCancelled = true);
  });
  const work = Promise.withResolvers<number>();
  const done = status.during("Asking Discord", work.promise);
  return { status, written, timers, done, finish: () => work.resolve(7), fail: work.reject };
}

describe("[O10] createStatusLine()", () => {
  it("writes nothing for work of less than a second", async () => {
    const { written, timers, done, finish } = started();
    finish();
    assert.equal(await done, 7);
    assert.deepEqual(written, []);
    assert.deepEqual(timers.map(({ isCancelled }) => isCancelled), [true]);
  });

  it("counts the seconds in one line, and erases it at the end", async () => {
    const { written, timers, done, finish } = started();
    timers[0]?.run();
    timers[1]?.run();
    finish();
    await done;
    assert.deepEqual(written, [
      `${ERASE}Asking Discord (1 s)`,
      `${ERASE}Asking Discord (2 s)`,
      ERASE,
    ]);
  });

  it("erases the line for other output, once", () => {
    const { status, written, timers } = started();
    timers[0]?.run();
    status.erase();
    status.erase();
    assert.deepEqual(written, [`${ERASE}Asking Discord (1 s)`, ERASE]);
  });

  it("erases the line of work that fails", async () => {
    const { written, timers, done, fail } = started();
    timers[0]?.run();
    fail(new Error("no answer"));
    await assert.rejects(done, /no answer/);
    assert.deepEqual(written, [`${ERASE}Asking Discord (1 s)`, ERASE]);
  });

  it("cuts the line to the terminal's width: a wrapped line could not be erased", () => {
    const { written, timers } = started(10);
    timers[0]?.run();
    assert.deepEqual(written, [`${ERASE}Asking Di`]);
  });
});

const TERMINAL = { isTTY: true };

describe("[O10] styleFor()", () => {
  it("gives a terminal bold text", () => {
    const style = styleFor(TERMINAL, { TERM: "xterm" });
    assert.equal(style.isOn, true);
    assert.equal(style.bold("Usage:"), "\u001b[1mUsage:\u001b[22m");
  });

  it("gives a pipe plain text, though the shell's environment promises colours", () => {
    const env = { TERM: "xterm-256color", COLORTERM: "truecolor" };
    assert.equal(styleFor({}, env), PLAIN);
    assert.equal(styleFor({ isTTY: false }, env), PLAIN);
  });

  it("respects NO_COLOR and TERM=dumb; an empty NO_COLOR does not count", () => {
    assert.equal(styleFor(TERMINAL, { NO_COLOR: "1" }), PLAIN);
    assert.equal(styleFor(TERMINAL, { TERM: "dumb" }), PLAIN);
    assert.equal(styleFor(TERMINAL, { NO_COLOR: "" }), COLOURED);
  });
});

describe("PLAIN", () => {
  it("returns each text unchanged", () => {
    const { isOn, ...painters } = PLAIN;
    assert.equal(isOn, false);
    for (const paint of Object.values(painters)) assert.equal(paint("text"), "text");
  });
});

describe("[O10] wrapLines()", () => {
  it("breaks between words, below the last column that is not too far right", () => {
    const line = "ok    Token    10 ms  it belongs to Barnacle, which ada owns, and it works";
    assert.deepEqual(wrapLines([line, "short"], 50), [
      "ok    Token    10 ms  it belongs to Barnacle,",
      "                      which ada owns, and it works",
      "short",
    ]);
    const far = `  ok  guild  "Krill" is listed  (channels.discord.guilds.1456, config.jsonc:5)`;
    assert.deepEqual(wrapLines([far], 50), [
      '  ok  guild  "Krill" is listed ',
      "             (channels.discord.guilds.1456,",
      "             config.jsonc:5)",
    ]);
  });

  it("begins further to the left where the longest word would not fit", () => {
    const rule = "(channels.discord.guilds.1456074443980800001.requireMention,";
    const line = `  ok  mention  it addresses the bot  ${rule} config.jsonc:5)`;
    for (let columns = rule.length + 4; columns < 100; columns++) {
      const lines = wrapLines([line], columns);
      assert.ok(lines.every(({ length }) => length <= columns), `${columns}: ${lines.join("\n")}`);
    }
    const url = `https://example.org/${"x".repeat(80)}`;
    assert.deepEqual(wrapLines([`  ok  link  it is ${url}`], 60), [
      "  ok  link  it is",
      `            ${url}`,
    ]);
  });

  it("keeps no margin that leaves no room for words", () =>
    assert.deepEqual(
      wrapLines([`${" ".repeat(28)}= give the container a name server, or two`], 40),
      [
        "      = give the container a name",
        "        server, or two",
      ],
    ));

  it("keeps styles, wherever they are", () => {
    const line = `${COLOURED.green("ok")}    Token  it belongs to Barnacle, which ada owns`;
    const [first = ""] = wrapLines([line], 40);
    assert.ok(first.startsWith(`${COLOURED.green("ok")}    Token  it belongs`), first);
    const bold = COLOURED.bold("it belongs to Barnacle, which ada owns, and it works");
    assert.equal(wrapLines([bold], 40).map((one) => one.trim()).join(" "), bold);
  });

  it("breaks no word, and fills no line further than its words need", () => {
    const word = fc.oneof(fc.stringMatching(/^[a-z]{1,25}$/), fc.constantFrom("日本", "👍🏽", "é"));
    const line = fc.array(fc.tuple(word, fc.constantFrom(" ", "  ", "    ")), { minLength: 1 });
    fc.assert(fc.property(line, fc.integer({ min: 30, max: 80 }), (parts, columns) => {
      const text = parts.flat().join("").trimEnd();
      const lines = wrapLines([text], columns);
      const words = (all: readonly string[]) => all.join(" ").split(/ +/).filter((one) => one);
      assert.deepEqual(words(lines), words([text]));
      for (const one of lines) assert.ok(displayWidth(one.trimEnd()) <= columns, one);
    }));
  });
});
