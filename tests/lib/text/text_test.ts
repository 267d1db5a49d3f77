import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { pathProblemOf } from "../../../src/cli/shared/start_error.ts";
import { codeOf, isUnreachable, PathError } from "../../../src/lib/errors.ts";
import {
  bounded,
  clip,
  endsOf,
  parseForeignJson,
  type PathSegment,
  pathText,
  pathTo,
  printable,
  quoted,
  safeJson,
  safeOutput,
  withoutControls,
  withoutSpoilers,
  wrapped,
} from "../../../src/lib/text/quoted.ts";
import { createRedactor, REDACTED, SECRET_MIN } from "../../../src/lib/text/redactor.ts";
import { sizeOf } from "../../../src/lib/text/units.ts";
import { toPlain } from "../../../src/log.ts";
import { anyCharacter } from "../../support/any_character.ts";

const same = (text: string) => text;
const circle: { self?: unknown } = {};
circle.self = circle;

describe("[SEC-R36] toPlain()", () => {
  const cases: readonly [what: string, value: unknown, plain: unknown][] = [
    ["a text", "hello", "hello"],
    ["a number", 1.5, 1.5],
    ["a number that JSON does not have", NaN, "NaN"],
    ["a bigint", 12345678901234567890n, "12345678901234567890"],
    ["nothing", undefined, null],
    ["null", null, null],
    ["a function", () => 1, "[function]"],
    ["a symbol", Symbol("x"), "[symbol]"],
    ["a date", new Date(0), String(new Date(0))],
    ["a URL", new URL("http://x/y"), "http://x/y"],
    ["bytes", Buffer.from("secret"), "[6 bytes]"],
    ["more bytes", new ArrayBuffer(3), "[3 bytes]"],
    ["a map", new Map([["a", 1]]), { a: 1 }],
    ["a set", new Set([1, 2]), [1, 2]],
    ["a circle", circle, { self: "[circular]" }],
    ["the same thing twice", [[1], [1]], [[1], [1]]],
    ["depth", [[[[[[[1]]]]]]], [[[[[["[deep]"]]]]]]],
    ["a list without an end", Array(99).fill(0), [...Array(50).fill(0), "[49 more]"]],
    ["a getter that throws", {
      get x() {
        throw new Error("no");
      },
    }, "[unreadable]"],
    ["by its name", { token: "abc", inputTokens: 7 }, { token: "[redacted]", inputTokens: 7 }],
    ["a header", { Authorization: "x", "x-api-key": "y", Cookie: "z", Host: "h" }, {
      Authorization: "[redacted]",
      "x-api-key": "[redacted]",
      Cookie: "[redacted]",
      Host: "h",
    }],
  ];
  for (const [what, value, plain] of cases) {
    it(`shows ${what}`, () => assert.deepEqual(toPlain(value, same), plain));
  }

  it("shows an error with its kind and its cause", () => {
    class Refused extends Error {
      override readonly name = "Refused";
      readonly kind = "forbidden";
    }
    const plain = toPlain(new Refused("no", { cause: new TypeError("why") }), same);
    assert.partialDeepStrictEqual(plain, {
      name: "Refused",
      message: "no",
      kind: "forbidden",
      cause: { name: "TypeError", message: "why" },
    });
  });

  it("shows no stack of a file's failure, nor of its cause", () => {
    class FileError extends PathError<"full"> {
      override readonly name = "FileError";
    }
    const cause = new Error("SQLITE_FULL");
    const plain = toPlain(new FileError("no space", { kind: "full", path: "/x", cause }), same);
    assert.deepEqual(plain, {
      name: "FileError",
      message: "no space",
      kind: "full",
      path: "/x",
      cause: "SQLITE_FULL",
    });
  });

  it("cleans every text, every name and every number of it", () => {
    const clean = (text: string) => text.replaceAll("1234", "#");
    const error = new Error("e1234", { cause: "c1234" });
    error.stack = "s1234";
    assert.deepEqual(toPlain({ k1234: "v1234", n: 12345, list: ["1234"], error }, clean), {
      "k#": "v#",
      n: "#5",
      list: ["#"],
      error: { name: "Error", message: "e#", cause: "c#", stack: "s#" },
    });
  });

  it("cleans a text before it is cut, and cuts it before a word", () => {
    const clean = (text: string) => text.replaceAll("SECRET", "#");
    const plain = String(toPlain(`${"w ".repeat(3_998)}SECRET-and-more ${"x".repeat(99)}`, clean));
    assert.doesNotMatch(plain, /SEC/);
    assert.match(plain, /… \[\d+ characters\]$/);
  });

  it("makes JSON of any value", () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withMap: true, withSet: true }), (value) => {
        JSON.stringify(toPlain(value, same));
      }),
    );
  });
});

describe("[C2] quoted()", () => {
  const texts: readonly [text: string, shown: string][] = [
    ["a b", '"a b"'],
    ['a"b', '"a\\"b"'],
    ["a\nb", '"a\\nb"'],
    ["a\u009bb", '"a\\u{9b}b"'],
    ["a\u202eb", '"a\\u{202e}b"'],
    ["x".repeat(61), `"${"x".repeat(59)}…"`],
    [`${"x".repeat(58)}😀xx`, `"${"x".repeat(58)}…"`],
  ];
  for (const [text, shown] of texts) {
    it(`shows ${JSON.stringify(text)} as ${shown}`, () => assert.equal(quoted(text), shown));
  }
});

describe("[C2] printable()", () => {
  it("removes cursor movements, and cuts nothing", () => {
    assert.equal(printable(`\u001b[2J${"x".repeat(99)}`), `\\u{1b}[2J${"x".repeat(99)}`);
  });
});

describe("[O10] safeOutput()", () => {
  const cases: readonly [text: string, shown: string][] = [
    [
      "\u001b[31m\u001b[1mred\u001b[22m\u001b[39m\tx\ny",
      "\u001b[31m\u001b[1mred\u001b[22m\u001b[39m\tx\ny",
    ],
    [
      "\u001b[1;31merror\u001b[0m \u001b[1;33mwarning \u001b[1;36mnote \u001b[90mdebug",
      "\u001b[1;31merror\u001b[0m \u001b[1;33mwarning \u001b[1;36mnote \u001b[90mdebug",
    ],
    ["\u001b[97;40m█\u001b[0m", "\u001b[97;40m█\u001b[0m"],
    ["one\r\ntwo\r", "one\r\ntwo\r"],
    ["one\rtwo", "one\\u{d}two"],
    ["\u001b[2J\u001b[8mhidden", "\\u{1b}[2J\\u{1b}[8mhidden"],
    ["\u001b]0;title\u0007", "\\u{1b}]0;title\\u{7}"],
    ["\u009b2J\u202egnp\u2066\u2028\u{e0041}", "\\u{9b}2J\\u{202e}gnp\\u{2066}\\u{2028}\\u{e0041}"],
  ];
  for (const [text, shown] of cases) {
    it(`writes ${JSON.stringify(text)}`, () => assert.equal(safeOutput(text), shown));
  }
});

describe("[O10] safeJson()", () => {
  it("escapes the rest that JSON does not, and stays the same data", () => {
    const data = { name: "\u001b[2J\u009b\u202e\u{e0041}\u2028😀" };
    const text = safeJson(JSON.stringify(data, null, 2));
    assert.deepEqual(JSON.parse(text), data);
    assert.doesNotMatch(text, /[^\P{C}\n]/u);
  });
});

describe("[X2] withoutControls()", () => {
  const cases: readonly [text: string, left: string][] = [
    ["", ""],
    ["a\0b", "ab"],
    ["\u001b[31mred\u0007", "[31mred"],
    ["\u007f\u0085\u009b", ""],
    ["a\tb\r\nc\n", "a\tb\r\nc\n"],
    ["Grüße 🐚 日本\u200d語", "Grüße 🐚 日本\u200d語"],
  ];
  for (const [text, left] of cases) {
    it(`${JSON.stringify(text)} is ${JSON.stringify(left)}`, () => {
      assert.equal(withoutControls(text), left);
    });
  }
});

describe("[H9] withoutSpoilers()", () => {
  const cases: readonly [what: string, text: string, left: string][] = [
    ["hides a spoiler", "It is ||the cook|| again", "It is (spoiler) again"],
    ["hides several, also over lines", "||a|| b ||c\nd||", "(spoiler) b (spoiler)"],
    ["keeps code", "`a || b || c` and ```\n||x||\n```", "`a || b || c` and ```\n||x||\n```"],
    ["keeps a single mark", "a || b", "a || b"],
    ["hides a spoiler around code", "||`x`||", "(spoiler)"],
  ];
  for (const [what, text, left] of cases) {
    it(what, () => assert.equal(withoutSpoilers(text), left));
  }
});

describe("[H1] clip()", () => {
  it("leaves a short text as it is", () => {
    assert.equal(clip("tides", 5), "tides");
  });

  it("keeps the beginning and the end of a long one", () => {
    assert.equal(clip("0123456789", 6), "0123\n[… 4 characters left out …]\n89");
  });

  it("never cuts a surrogate pair, and leaves out what the note says", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });
    fc.assert(fc.property(text, fc.integer({ min: 0, max: 40 }), (text, max) => {
      const clipped = clip(text, max);
      assert.ok(clipped.isWellFormed());
      const left = /\n\[… (\d+) characters left out …\]\n/.exec(clipped);
      if (text.length <= max) return assert.equal(clipped, text);
      assert.ok(left);
      assert.equal(clipped.length - left[0].length + Number(left[1]), text.length);
      assert.ok(clipped.length - left[0].length <= max + 1);
    }));
  });
});

describe("[SEC-R25] endsOf()", () => {
  it("changes nothing of what clip() makes of a text", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });
    fc.assert(fc.property(text, fc.nat({ max: 40 }), fc.nat({ max: 9 }), (text, max, less) => {
      const { text: ends, left } = endsOf(text, max + 3);
      const limit = Math.max(0, max - less);
      assert.ok(ends.length <= max + 3);
      if (left !== undefined) assert.equal(clip(ends, limit, left), clip(text, limit));
      else assert.equal(ends, text);
    }));
  });
});

describe("[H4] bounded()", () => {
  it("leaves a text that fits as it is, and marks one that does not", () => {
    assert.equal(bounded("barnacle", 8), "barnacle");
    assert.equal(bounded("barnacles", 8), "barnacl…");
    assert.equal(bounded("a😀b", 3), "a…");
  });

  it("never exceeds the maximum, nor splits a character", () => {
    fc.assert(fc.property(
      fc.string({ unit: anyCharacter }),
      fc.integer({ min: 1, max: 20 }),
      (text, max) => {
        const short = bounded(text, max);
        assert.ok(short.length <= max && short.isWellFormed());
      },
    ));
  });

  it("mends a text with half a character", () => {
    assert.equal(bounded("a\uD83D", 9).isWellFormed(), true);
  });
});

describe("[O10] wrapped()", () => {
  it("breaks lines between words, and never within one", () => {
    assert.deepEqual(wrapped("one two three", 7), ["one two", "three"]);
    assert.deepEqual(wrapped("a veryverylongword b", 5), ["a", "veryverylongword", "b"]);
  });
});

const LONG = 200_000;
const filler = "x".repeat(LONG);
const nested = (depth: number, inner: unknown) => {
  let value = inner;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { value };
  return value;
};

describe("[SEC-R25] parseForeignJson()", () => {
  it("parses any JSON, long or short", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.boolean(), (value, isLong) => {
        const whole = isLong ? { filler, value } : { value };
        const text = JSON.stringify(whole);
        assert.deepEqual(parseForeignJson(text), JSON.parse(text));
      }),
      { numRuns: 200 },
    );
  });

  const texts: readonly [name: string, text: string, isParsed: boolean][] = [
    ["no JSON", "hello", false],
    ["nothing", "", false],
    ["half a text", '{"a":', false],
    ["200 levels", JSON.stringify([filler, nested(200, 1)]), true],
    ["300 levels", JSON.stringify([filler, nested(300, 1)]), false],
    ["300 levels of a short text", JSON.stringify(nested(300, 1)), true],
    ["300 lists side by side", JSON.stringify([filler, ...Array(300).fill([])]), true],
    ["brackets in a string", JSON.stringify(`"${"[".repeat(LONG)}`), true],
    ["brackets behind escapes", JSON.stringify([`\\${"[".repeat(LONG)}\\`, ']\\"[']), true],
    ["a million brackets", "[".repeat(1_000_000), false],
    ["a million braces", '{"a":'.repeat(200_000), false],
    ["a string without an end", `["${"[".repeat(LONG)}`, false],
  ];
  for (const [name, text, isParsed] of texts) {
    it(`${isParsed ? "parses" : "refuses"} ${name}`, () => {
      assert.deepEqual(parseForeignJson(text), isParsed ? JSON.parse(text) : undefined);
    });
  }
});

const secrets = fc.string({ unit: anyCharacter, minLength: SECRET_MIN, maxLength: 24 })
  .filter((secret) => !REDACTED.includes(secret));

describe("[C8] createRedactor()", () => {
  it("removes a secret everywhere in a text", () => {
    const { add, clean } = createRedactor();
    add("hunter2");
    assert.equal(clean("hunter2 and hunter2!"), `${REDACTED} and ${REDACTED}!`);
  });

  it("removes the longer of two secrets with the same beginning", () => {
    const { add, clean } = createRedactor();
    add("hunter2");
    add("hunter2-and-more");
    assert.equal(clean("x hunter2-and-more y hunter2 z"), `x ${REDACTED} y ${REDACTED} z`);
  });

  it("reads a secret as text, not as a pattern", () => {
    const { add, clean } = createRedactor();
    add("a.c*(d");
    assert.equal(clean("abcd a.c*(d"), `abcd ${REDACTED}`);
  });

  it("removes a secret that HTML escapes", () => {
    const { add, clean } = createRedactor();
    add("https://host.test/?a=1&key='<2>\"");
    assert.equal(
      clean("<p>https://host.test/?a=1&amp;key=&#39;&lt;2&gt;&quot;</p>"),
      `<p>${REDACTED}</p>`,
    );
  });

  it("keeps texts that are too short for a secret", () => {
    const { add, clean } = createRedactor();
    for (const short of ["", "a", "abc"]) add(short);
    assert.equal(clean("abc"), "abc");
  });

  it("leaves no secret in any text, in plain, JSON or URL form", () => {
    fc.assert(fc.property(
      fc.array(secrets, { minLength: 1, maxLength: 4 }),
      fc.string({ unit: anyCharacter }),
      (all, around) => {
        const { add, clean } = createRedactor();
        for (const secret of all) add(secret);
        for (const secret of all) {
          const json = JSON.stringify(secret).slice(1, -1);
          const url = encodeURIComponent(secret.toWellFormed());
          for (const form of [secret, json, url]) {
            const text = clean(`${around}|${form}|${around}`);
            assert.ok(!text.replaceAll(REDACTED, "").includes(form), text);
          }
        }
      },
    ));
  });
});

describe("sizeOf()", () => {
  const cases: readonly [bytes: number, size: string][] = [
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1_000, "1 kB"],
    [12_345, "12.3 kB"],
    [999_949, "999.9 kB"],
    [999_950, "1 MB"],
    [8_000_000, "8 MB"],
    [10_485_760, "10.5 MB"],
    [999_949_999, "999.9 MB"],
    [999_950_000, "1 GB"],
    [12_345_678_901, "12.3 GB"],
    [2_000_000_000_000, "2000 GB"],
  ];
  for (const [bytes, size] of cases) {
    it(`${bytes} are ${size}`, () => assert.equal(sizeOf(bytes), size));
  }
});

describe("codeOf()", () => {
  const things: readonly [what: string, thrown: unknown, code: string | undefined][] = [
    ["an error with a name", Object.assign(new Error("no"), { code: "EPERM" }), "EPERM"],
    ["one without", new Error("EPERM"), undefined],
    ["one with a number", Object.assign(new Error("no"), { code: 11 }), undefined],
    ["a cause, which is another error", new Error("no", { cause: { code: "EPERM" } }), undefined],
    ["words", "EPERM", undefined],
    ["null", null, undefined],
    ["nothing", undefined, undefined],
  ];
  for (const [what, thrown, code] of things) {
    it(`finds ${code ?? "none"} in ${what}`, () => assert.equal(codeOf(thrown), code));
  }

  it("finds the system's code for a missing file", () => {
    try {
      readFileSync("/nowhere/at all");
      assert.fail("there is such a file");
    } catch (error) {
      assert.equal(codeOf(error), "ENOENT");
    }
  });
});

const coded = (code: string, cause?: unknown) =>
  Object.assign(new Error("failed", { cause }), { code });

describe("[O2] isUnreachable()", () => {
  const offline: readonly [title: string, thrown: unknown][] = [
    ["a failed look-up", coded("ENOTFOUND")],
    ["a look-up that may succeed later", coded("EAI_AGAIN")],
    ["a refused connection", coded("ECONNREFUSED")],
    ["a connection that nothing answers", coded("ETIMEDOUT")],
    ["a network without a route", coded("ENETUNREACH")],
    ["a broken connection", coded("ECONNRESET")],
    ["a time limit", new DOMException("nothing within 10000 ms", "TimeoutError")],
    [
      "an error that one of these caused",
      new Error("a", { cause: new Error("b", { cause: coded("ECONNREFUSED") }) }),
    ],
    [
      "Deno's text",
      new TypeError("error sending request for url (x): client error (Connect): dns error"),
    ],
  ];
  for (const [title, thrown] of offline) {
    it(`recognises ${title}`, () => assert.equal(isUnreachable(thrown), true));
  }

  const others: readonly [title: string, thrown: unknown][] = [
    ["a full disk", coded("ENOSPC")],
    ["a bug", new TypeError("x is not a function")],
    ["a text", "ENOTFOUND"],
    ["a bug in a loop of causes", loop()],
  ];
  for (const [title, thrown] of others) {
    it(`does not take ${title} for one`, () => assert.equal(isUnreachable(thrown), false));
  }
});

function loop(): Error {
  const error = new Error("a");
  error.cause = error;
  return error;
}

describe("pathProblemOf()", () => {
  const rows: readonly [error: unknown, words: string | undefined][] = [
    [{ code: "ENOTDIR", path: "/a/b" }, "cannot use /a/b: a part of its path is no folder"],
    [{ code: "ELOOP", path: "/a\u001b[2J" }, "cannot use /a\\u{1b}[2J: its links lead in a circle"],
    [{ code: "ENAMETOOLONG", path: "/a" }, "cannot use /a: its path is too long"],
    [{ code: "ENOTDIR" }, undefined],
    [{ code: "EOTHER", path: "/a" }, undefined],
    [new TypeError("x is not a function"), undefined],
  ];
  for (const [error, words] of rows) {
    it(`says: ${words}`, () => assert.equal(pathProblemOf(error), words));
  }
});

const paths: readonly [path: readonly PathSegment[], text: string][] = [
  [["agents", "list", 0, "id"], "agents.list[0].id"],
  [["guilds", "*", "channels", "help-desk"], "guilds.*.channels.help-desk"],
  [["guilds", "1400000000000000001"], "guilds.1400000000000000001"],
  [["channels", "a b"], 'channels."a b"'],
  [["channels", "a.b"], 'channels."a.b"'],
  [["channels", "a\u202eb"], 'channels."a\\u{202e}b"'],
  [[], ""],
];
for (const [path, text] of paths) {
  it(`[C2] pathText() › writes ${JSON.stringify(path)} as ${text || "nothing"}`, () => {
    assert.equal(pathText(path), text);
  });
}

it("[P1] pathTo() › appends to a path", () => {
  assert.equal(pathTo("channels.discord.guilds", "help-desk"), "channels.discord.guilds.help-desk");
  assert.equal(pathTo("users", 0), "users[0]");
});
