import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { codeOf, isUnreachable } from "../../src/lib/errors.ts";
import { pathProblemOf } from "../../src/cli/shared/start_error.ts";

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
