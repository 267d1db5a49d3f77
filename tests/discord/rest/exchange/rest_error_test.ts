import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  isFinalRefusal,
  isRefusal,
  type RestErrorKind,
  routeOf,
  toNoAnswer,
  toRestError,
} from "../../../../src/discord/rest/exchange/exchange.ts";

const ROUTE = routeOf("POST", "/channels/77/messages");

describe("[D5] toRestError()", () => {
  const cases: readonly [status: number, kind: RestErrorKind][] = [
    [302, "unavailable"],
    [400, "rate_limited"], // the page of a firewall in front of Discord, which knows no messages,
    [401, "rate_limited"], // no tokens,
    [403, "rate_limited"], // no permissions,
    [404, "rate_limited"], // no channels
    [413, "rate_limited"], // and no files
    [429, "rate_limited"],
    [500, "unavailable"],
    [502, "unavailable"],
  ];
  for (const [status, kind] of cases) {
    it(`has kind ${kind} for status ${status}`, () => {
      const error = toRestError(ROUTE, status, undefined);
      assert.equal(error.kind, kind);
      assert.equal(error.status, status);
    });
  }

  const final: readonly [status: number, kind: RestErrorKind][] = [
    [400, "rejected"],
    [413, "rejected"],
    [401, "unauthorized"],
    [403, "forbidden"],
    [404, "not_found"],
  ];
  for (const [status, kind] of final) {
    it(`has kind ${kind} for status ${status} with Discord's error body`, () => {
      const body = { code: 0, message: `${status}: Told` };
      assert.equal(toRestError(ROUTE, status, body).kind, kind);
    });
  }

  it("has Discord's code and message, and no id", () => {
    const error = toRestError(ROUTE, 403, { code: 50013, message: "Missing Permissions" });
    assert.equal(error.kind, "forbidden");
    assert.equal(error.code, 50013);
    assert.equal(error.route, "POST /channels/:id/messages");
    assert.equal(
      error.message,
      "POST /channels/:id/messages failed with 403: Missing Permissions (50013)",
    );
  });

  it("names the invalid field", () => {
    const body = {
      code: 50035,
      message: "Invalid Form Body",
      errors: {
        content: { _errors: [{ code: "X", message: "Must be 2000 or fewer in length." }] },
      },
    };
    assert.equal(
      toRestError(ROUTE, 400, body).message,
      "POST /channels/:id/messages failed with 400: Invalid Form Body (50035): " +
        "content: Must be 2000 or fewer in length",
    );
  });

  for (const body of [undefined, null, "text", [], { code: "x", message: 1 }]) {
    it(`accepts a body that is not Discord's: ${JSON.stringify(body)}`, () => {
      const error = toRestError(ROUTE, 502, body);
      assert.equal(error.code, undefined);
      assert.match(error.message, /502: no reason given/);
    });
  }

  it("explains that Discord sends no redirects", () => {
    assert.match(toRestError(ROUTE, 302, undefined).message, /a proxy or firewall answers in its/);
  });

  it("truncates long messages, and escapes control characters", () => {
    const _errors = [{ message: `\u001b[2J${"m".repeat(1_000_000)}` }];
    const body = { code: 50035, message: `\u202e\n${"M".repeat(1_000_000)}`, errors: { _errors } };
    const { message } = toRestError(ROUTE, 400, body);
    assert.ok(message.length < 1_000, `${message.length} characters`);
    assert.doesNotMatch(message, /[\p{Cc}\p{Cf}]/u);
  });
});

describe("[D5] isFinalRefusal()", () => {
  const cases: readonly [status: number, code: number | undefined, isFinal: boolean][] = [
    [400, 50007, true],
    [403, 50013, true],
    [404, 10013, true],
    [404, undefined, false], // not Discord's answer
    [400, 40003, false], // direct messages opened too fast
    [403, undefined, false], // a firewall
    [401, 0, false],
    [429, 0, false],
    [500, undefined, false],
  ];
  for (const [status, code, isFinal] of cases) {
    it(`is ${isFinal} for ${status} with code ${code}`, () => {
      const body = code === undefined ? undefined : { code, message: "Told" };
      const error = toRestError(ROUTE, status, body);
      assert.equal(isFinalRefusal(error), isFinal);
      assert.equal(isRefusal(error), isFinal || code === 40003);
    });
  }
});

describe("[D5] toNoAnswer()", () => {
  const withCode = (code: string) => Object.assign(new TypeError("told at length"), { code });
  const inDeno = (words: string) =>
    new TypeError("fetch failed", {
      cause: new Error(`error sending request for url (http://a.example/api/v10/x): ${words}`),
    });
  const cases: readonly [name: string, thrown: unknown, kind: RestErrorKind, words: RegExp][] = [
    ["refused", withCode("ECONNREFUSED"), "unsent", /could not reach Discord: ECONNREFUSED$/],
    ["no such host", withCode("ENOTFOUND"), "unsent", /ENOTFOUND$/],
    [
      "refused, nested",
      new TypeError("fetch failed", { cause: withCode("EHOSTUNREACH") }),
      "unsent",
      /EHOSTUNREACH$/,
    ],
    [
      "refused, with Deno's message",
      inDeno("client error (Connect): tcp connect error: Connection refused (os error 111)"),
      "unsent",
      /client error \(Connect\): tcp connect error: Connection refused/,
    ],
    ["reset", withCode("ECONNRESET"), "unavailable", /got no answer from Discord: ECONNRESET$/],
    [
      "cut, with Deno's message",
      inDeno("client error (SendRequest): connection closed before message completed"),
      "unavailable",
      /client error \(SendRequest\): connection closed before message completed$/,
    ],
    ["deadline", new DOMException("late", "TimeoutError"), "unavailable", /late$/],
    ["no error at all", "oops", "unavailable", /the connection broke$/],
    ["a message with a URL", new Error("at http://a.example/s3cret"), "unavailable", /broke$/],
  ];
  for (const [name, thrown, kind, words] of cases) {
    it(`${name} is ${kind}`, () => {
      const error = toNoAnswer(ROUTE, thrown);
      assert.equal(error.kind, kind);
      assert.equal(error.status, undefined);
      assert.match(error.message, words);
      assert.doesNotMatch(error.message, /:\/\//);
      assert.equal(error.cause, thrown);
    });
  }

  it("omits a cause that may contain the path's token", () => {
    const thrown = new Error("at http://a.example/webhooks/5/s3cret");
    const error = toNoAnswer(routeOf("POST", "/webhooks/5/s3cret"), thrown);
    assert.equal(error.cause, undefined);
    assert.doesNotMatch(error.message, /s3cret/);
  });
});
