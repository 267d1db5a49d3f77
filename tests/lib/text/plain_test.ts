import assert from "node:assert/strict";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { PathError } from "../../../src/lib/errors.ts";
import { toPlain } from "../../../src/log.ts";

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
