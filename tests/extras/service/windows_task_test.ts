/** Tests the task of Windows: its definition, its command line, and its state. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemProgram } from "../../../src/extras/service/machine.ts";
import { taskState, taskXml, windowsWord } from "../../../src/extras/service/windows_task.ts";

/** Splits a command line as the C runtime of Windows does. */
function split(line: string): readonly string[] {
  const words: string[] = [];
  let word = "";
  let [isQuoted, isWord] = [false, false];
  for (let at = 0; at < line.length; at++) {
    const slashes = /^\\*/.exec(line.slice(at))?.[0].length ?? 0;
    if (slashes > 0) {
      const isMark = line[at + slashes] === '"';
      word += "\\".repeat(isMark ? Math.floor(slashes / 2) : slashes);
      isWord = true;
      at += slashes - 1;
      if (isMark && slashes % 2 === 1) {
        word += '"';
        at += 1;
      }
      continue;
    }
    const char = line[at] ?? "";
    if (char === '"') {
      isQuoted = !isQuoted;
      isWord = true;
    } else if (/\s/.test(char) && !isQuoted) {
      if (isWord) words.push(word);
      [word, isWord] = ["", false];
    } else {
      word += char;
      isWord = true;
    }
  }
  return isWord ? [...words, word] : words;
}

describe("[O4] windowsWord()", () => {
  const WORDS: readonly (readonly [text: string, written: string])[] = [
    ["run", "run"],
    ["C:\\barnacle\\config.jsonc", "C:\\barnacle\\config.jsonc"],
    ["C:\\Program Files\\b.exe", '"C:\\Program Files\\b.exe"'],
    ["C:\\my data\\", '"C:\\my data\\\\"'],
    ["", '""'],
    ['a "b" c', '"a \\"b\\" c"'],
    ['a\\"b', '"a\\\\\\"b"'],
    ["C:\\data\\", "C:\\data\\"],
    ["a\tb", '"a\tb"'],
  ];
  for (const [text, written] of WORDS) {
    it(`writes ${JSON.stringify(text)} so that Windows reads it as one argument`, () => {
      assert.equal(windowsWord(text), written);
      assert.deepEqual(split(`x ${written} y`), ["x", text, "y"]);
    });
  }
});

describe("[O4] taskXml()", () => {
  const xml = taskXml({
    program: "C:\\Users\\Åda & Co\\barnacle.exe",
    args: ["run", "--config", "C:\\Users\\Åda & Co\\config.jsonc"],
    user: "PC\\Åda",
  });

  const textIn = (name: string) => {
    const [, text = ""] = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml) ?? [];
    return text.replace(
      /&#x([0-9a-f]+);/g,
      (_all, hex) => String.fromCodePoint(parseInt(hex, 16)),
    );
  };

  it("is ASCII, and each element is closed", () => {
    assert.match(xml, /^[\n -~]+$/);
    const open: string[] = [];
    for (const [, slash, name = ""] of xml.matchAll(/<(\/?)([A-Za-z]+)[^>?]*>/g)) {
      if (slash === "") open.push(name);
      else assert.equal(open.pop(), name);
    }
    assert.deepEqual(open, []);
    assert.doesNotMatch(xml, /&(?!#x[0-9a-f]+;)/);
  });

  it("starts the bot at log-on without a window, as its user, and again if it has ended", () => {
    assert.equal(textIn("Command"), "%SystemRoot%\\System32\\conhost.exe");
    assert.deepEqual(split(textIn("Arguments")), [
      "--headless",
      "C:\\Users\\Åda & Co\\barnacle.exe",
      "run",
      "--config",
      "C:\\Users\\Åda & Co\\config.jsonc",
    ]);
    assert.equal(textIn("UserId"), "PC\\Åda");
    assert.equal(textIn("RunLevel"), "LeastPrivilege");
    assert.equal(textIn("Interval"), "PT1M");
    assert.equal(textIn("MultipleInstancesPolicy"), "IgnoreNew");
    assert.equal(textIn("ExecutionTimeLimit"), "PT0S");
  });

  it("has its elements in the order of the schema", () => {
    const order = (...names: readonly string[]) => {
      const places = names.map((name) => xml.indexOf(`<${name}`));
      assert.ok(places.every((place) => place > 0), names.join());
      assert.deepEqual(places, places.toSorted((one, other) => one - other));
    };
    order("RegistrationInfo", "Triggers", "Principals", "Settings", "Actions");
    order("Repetition", "UserId", "LogonType", "RunLevel");
  });
});

describe("[O4] systemProgram()", () => {
  it("names a program of Windows by its path, so that none of the working directory runs", () => {
    const env = { SystemRoot: "D:\\Windows" };
    assert.equal(systemProgram("schtasks", env, "win32"), "D:\\Windows\\System32\\schtasks.exe");
    assert.equal(systemProgram("icacls", {}, "win32"), "C:\\Windows\\System32\\icacls.exe");
    assert.equal(systemProgram("systemctl", env, "linux"), "systemctl");
  });
});

describe("[O4] taskState()", () => {
  const row = (result: string) =>
    `"PC","\\Barnacle","N/A","Wird ausgeführt","Interaktiv","23.11.2026 15:00:00","${result}","PC\\ada"`;
  const STATES: readonly (readonly [csv: string, state: object | undefined])[] = [
    [row("267009"), { isRunning: true }],
    [row("267011"), { isRunning: false, lastCode: undefined }],
    [row("0"), { isRunning: false, lastCode: 0 }],
    [row("78"), { isRunning: false, lastCode: 78 }],
    [row("-1073741510"), { isRunning: false, lastCode: 0xc000013a }],
    [`${row("1")}\r\n${row("267009")}\r\n`, { isRunning: false, lastCode: 1 }],
    ['"a ""quoted"" host","t","","","","","75"', { isRunning: false, lastCode: 75 }],
    ["", undefined],
    ["ERROR: The system cannot find the file specified.", undefined],
    ['"PC","\\Barnacle"', undefined],
  ];
  for (const [csv, state] of STATES) {
    it(`reads ${JSON.stringify(csv.slice(0, 40))} … ${csv.slice(-20)}`, () => {
      assert.deepEqual(taskState(csv), state);
    });
  }
});
