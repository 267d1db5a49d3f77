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
  const cases: readonly [
    what: string,
    remoteAddress: string | undefined,
    headers: Record<string, string>,
    token: string | undefined,
    shown: boolean,
  ][] = [
    ["this machine", "127.0.0.1", {}, undefined, true],
    ["this machine in IPv6", "::1", {}, undefined, true],
    ["this machine in IPv4 within IPv6", "::ffff:127.0.0.1", {}, undefined, true],
    ["this machine without the token, if one is set", "127.0.0.1", {}, TOKEN, false],
    ["this machine with the token", "127.0.0.1", bearer(TOKEN), TOKEN, true],
    ["another machine", "192.0.2.7", {}, undefined, false],
    ["another machine, if a token is set", "192.0.2.7", {}, TOKEN, false],
    ["another machine with the token", "192.0.2.7", bearer(TOKEN), TOKEN, true],
    [
      "another with the scheme in small letters",
      "192.0.2.7",
      {
        authorization: `bearer ${TOKEN}`,
      },
      TOKEN,
      true,
    ],
    ["another with a wrong token", "192.0.2.7", bearer("T".repeat(32)), TOKEN, false],
    ["another with the token's beginning", "192.0.2.7", bearer(TOKEN.slice(1)), TOKEN, false],
    ["another with more than the token", "192.0.2.7", bearer(`${TOKEN}t`), TOKEN, false],
    [
      "another machine without a token, if none is set",
      "192.0.2.7",
      bearer("undefined"),
      undefined,
      false,
    ],
    ["another with an empty token", "192.0.2.7", { authorization: "Bearer " }, TOKEN, false],
    [
      "another with the token as a password",
      "192.0.2.7",
      {
        authorization: `Basic ${TOKEN}`,
      },
      TOKEN,
      false,
    ],
    ["a closed connection", undefined, {}, undefined, false],
    ["a proxy on this machine", "127.0.0.1", { "x-forwarded-for": "192.0.2.7" }, undefined, false],
    ["a proxy that says so otherwise", "::1", { forwarded: "for=192.0.2.7" }, undefined, false],
    [
      "a proxy whose client has the token",
      "127.0.0.1",
      {
        "x-real-ip": "192.0.2.7",
        ...bearer(TOKEN),
      },
      TOKEN,
      true,
    ],
  ];
  for (const [what, remoteAddress, headers, token, shown] of cases) {
    it(`shows ${shown ? "detail" : "no detail"} to ${what}`, () => {
      const peer = remoteAddress === undefined ? {} : { remoteAddress };
      assert.equal(createDetailGate(token)(asking(headers), peer), shown);
    });
  }

  // docs/operating.md lists these headers.
  for (const header of ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"]) {
    it(`shows no detail to a request on this machine with ${header}`, () => {
      const request = asking({ [header]: "192.0.2.7" });
      assert.equal(createDetailGate(undefined)(request, { remoteAddress: "127.0.0.1" }), false);
    });
  }
});
