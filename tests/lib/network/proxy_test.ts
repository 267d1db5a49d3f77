import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  nameOfProxy,
  noProxyOf,
  proxyFor,
  proxyRouteTo,
} from "../../../src/lib/network/fetch_plain.ts";

const P = "http://ann:p%40ss@proxy.lan:3128";
const GATEWAY = "wss://gateway.discord.gg/?v=10";

type Row = readonly [
  name: string,
  url: string,
  env: Record<string, string>,
  proxy: string | undefined,
];

/** Bun's `fetch` did the same for each row in our tests; Deno's too, except for marked rows. */
const ROWS: readonly Row[] = [
  ["no variable", GATEWAY, {}, undefined],
  ["HTTPS_PROXY, for wss", GATEWAY, { HTTPS_PROXY: P }, P],
  ["HTTPS_PROXY, for https", "https://discord.com/api", { HTTPS_PROXY: P }, P],
  ["https_proxy", GATEWAY, { https_proxy: P }, P],
  ["the lower case first (not Deno)", GATEWAY, { https_proxy: P, HTTPS_PROXY: "http://b:1" }, P],
  ["an empty lower-case one counts as absent", GATEWAY, { https_proxy: "", HTTPS_PROXY: P }, P],
  ["ALL_PROXY", GATEWAY, { ALL_PROXY: P }, P],
  ["all_proxy", GATEWAY, { all_proxy: P }, P],
  ["the specific one before ALL_PROXY", GATEWAY, { ALL_PROXY: "http://b:1", HTTPS_PROXY: P }, P],
  ["HTTP_PROXY is not for wss", GATEWAY, { HTTP_PROXY: P }, undefined],
  ["HTTP_PROXY, for http", "http://models.lan/v1", { HTTP_PROXY: P }, P],
  ["HTTPS_PROXY is not for http", "http://models.lan/v1", { HTTPS_PROXY: P }, undefined],
  ["text without a scheme (not Deno)", GATEWAY, { HTTPS_PROXY: "proxy.lan:3128" }, undefined],
  ["a proxy of SOCKS", GATEWAY, { HTTPS_PROXY: "socks5://proxy.lan:1080" }, undefined],
];

const EXEMPT: readonly (readonly [list: string, isExempt: boolean])[] = [
  ["gateway.discord.gg", true],
  ["GateWay.Discord.GG", true],
  ["discord.gg", true],
  [".discord.gg", true],
  ["*.discord.gg", true],
  ["*", true],
  ["a.example, gateway.discord.gg ,b.example", true],
  ["a.example gateway.discord.gg", true],
  ["gateway.discord.gg:443", true],
  ["discord.gg:443", true],
  ["gateway.discord.gg:8443", false],
  ["way.discord.gg", false],
  ["iscord.gg", false],
  ["discord.com", false],
  [".", false],
  ["", false],
];

describe("[G15] proxyFor()", () => {
  for (const [name, url, env, proxy] of ROWS) {
    it(name, () => assert.equal(proxyFor(url, env), proxy));
  }

  for (const [list, isExempt] of EXEMPT) {
    it(`NO_PROXY="${list}" ${isExempt ? "exempts" : "does not exempt"} the gateway`, () => {
      assert.equal(proxyFor(GATEWAY, { HTTPS_PROXY: P, NO_PROXY: list }), isExempt ? undefined : P);
    });
  }

  it("takes no_proxy before NO_PROXY", () => {
    const env = { HTTPS_PROXY: P, no_proxy: "a.example", NO_PROXY: "*" };
    assert.equal(proxyFor(GATEWAY, env), P);
  });

  for (const host of ["127.0.0.1", "localhost", "[::1]"]) {
    it(`[G14] sends nothing for ${host} to a proxy`, () => {
      assert.equal(proxyFor(`ws://${host}:8080`, { HTTP_PROXY: P, ALL_PROXY: P }), undefined);
    });
  }
});

describe("[G15] proxyRouteTo()", () => {
  it("says which variable named the proxy", () => {
    assert.deepEqual(proxyRouteTo(GATEWAY, { all_proxy: P }), {
      kind: "proxy",
      variable: "all_proxy",
      url: P,
    });
  });

  for (const value of ["proxy.lan:3128", "socks5://proxy.lan:1080", "nonsense"]) {
    it(`refuses ${value}`, () => {
      const route = proxyRouteTo(GATEWAY, { HTTPS_PROXY: value });
      assert.equal(route.kind, "unusable");
      assert.ok(route.kind === "unusable" && route.variable === "HTTPS_PROXY");
    });
  }
});

it("[G15] proxyRouteTo() with an unsupported kind › names the supported kinds", () => {
  const route = proxyRouteTo(GATEWAY, { HTTPS_PROXY: "socks5://proxy.lan:1080" });
  assert.ok(route.kind === "unusable");
  assert.equal(route.why, "a socks5 proxy is not supported, only http and https");
});

it("[G15] nameOfProxy() › shows neither user nor password", () => {
  assert.equal(nameOfProxy(P), "proxy.lan:3128");
  assert.equal(nameOfProxy("http://ann:secret@proxy.lan"), "proxy.lan:80");
});

describe("[G14] noProxyOf()", () => {
  it("adds this machine to the present value", () => {
    assert.equal(noProxyOf({}), "localhost,127.0.0.1,::1");
    assert.equal(noProxyOf({ NO_PROXY: "lan" }), "lan,localhost,127.0.0.1,::1");
  });

  it("keeps the spelling that counts", () => {
    assert.match(noProxyOf({ NO_PROXY: "a", no_proxy: "b" }), /^b,/);
  });
});
