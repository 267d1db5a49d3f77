import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDetailGate, refusalOf } from "../../src/http/guard.ts";

const asking = (headers: Record<string, string>) => new Request("http://x/healthz", { headers });

describe("[SEC-R31] refusalOf()", () => {
  const own: readonly string[] = [
    "localhost",
    "localhost:8787",
    "LOCALHOST:8787",
    "127.0.0.1:8787",
    "[::1]:8787",
    "[::1]",
    "barnacle.home.arpa:8787",
    "barnacle.home.arpa",
  ];
  for (const host of own) {
    it(`allows ${host}`, () => {
      assert.equal(refusalOf(asking({ host }), ["Barnacle.home.arpa"]), undefined);
    });
  }

  const foreign: readonly string[] = [
    "evil.example",
    "evil.example:8787",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil.example@localhost",
    "localhost:8787@evil.example",
    "localhost:8787:8787",
    "localhost:port",
    "localhost/evil",
    "localhost evil",
    "127.0.0.2",
    "0.0.0.0:8787",
    "[::]:8787",
    "[::1].evil.example",
    "::1",
    "",
  ];
  for (const host of foreign) {
    it(`refuses ${JSON.stringify(host)}`, () => {
      assert.notEqual(refusalOf(asking({ host })), undefined);
    });
  }

  it("refuses a request without a host", () => {
    assert.notEqual(refusalOf(new Request("http://localhost/healthz")), undefined);
  });

  const pages: readonly [what: string, headers: Record<string, string>, isLetIn: boolean][] = [
    ["its own page", { origin: "http://localhost:8787" }, true],
    ["its own page by address", { origin: "http://127.0.0.1:8787" }, true],
    ["its own page in IPv6", { origin: "http://[::1]:8787" }, true],
    ["no page", { "sec-fetch-site": "none" }, true],
    ["a page of the same origin", { "sec-fetch-site": "same-origin" }, true],
    ["another site's page", { origin: "https://evil.example" }, false],
    ["a page without an origin of its own", { origin: "null" }, false],
    ["a page that looks like ours", { origin: "http://localhost.evil.example" }, false],
    ["a page of another site by its fetch header", { "sec-fetch-site": "cross-site" }, false],
  ];
  for (const [what, headers, isLetIn] of pages) {
    it(`${isLetIn ? "lets" : "does not let"} ${what} ask`, () => {
      const refusal = refusalOf(asking({ host: "localhost:8787", ...headers }));
      assert.equal(refusal === undefined, isLetIn, refusal);
    });
  }
});

describe("[SEC-R35] createDetailGate()", () => {
  const TOKEN = "t".repeat(32);
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const OTHER = "k".repeat(64);
  const cases: readonly [what: string, headers: Record<string, string>, shown: boolean][] = [
    ["a client without a token", {}, false],
    ["a client with a token", bearer(TOKEN), true],
    ["a client with the other token", bearer(OTHER), true],
    ["a client with the scheme in small letters", { authorization: `bearer ${TOKEN}` }, true],
    ["a client with a wrong token", bearer("T".repeat(32)), false],
    ["a client with more than the token", bearer(`${TOKEN}t`), false],
    ["a client with both tokens", bearer(`${TOKEN}${OTHER}`), false],
    ["a client with an empty token", { authorization: "Bearer " }, false],
    ["a client with the token as a password", { authorization: `Basic ${TOKEN}` }, false],
    ["a client that claims to be local", { "x-forwarded-for": "127.0.0.1" }, false],
  ];
  for (const [what, headers, shown] of cases) {
    it(`shows ${shown ? "detail" : "no detail"} to ${what}`, () => {
      assert.equal(createDetailGate([OTHER, TOKEN])(asking(headers)), shown);
    });
  }

  it("shows no detail to anyone if there is no token", () => {
    assert.equal(createDetailGate([])(asking(bearer("undefined"))), false);
  });
});
