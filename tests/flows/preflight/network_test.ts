import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startLog } from "../../../src/log.ts";
import { judgeNetwork, type NetworkFacts } from "../../../src/flows/preflight/network.ts";
import type { HttpFound, Reachability, Stage } from "../../../src/lib/network/reachability.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const IN_A_YEAR = Date.parse("2027-11-20T12:00:00Z");
const EARLIER = { kind: "skipped", why: "earlier" } as const;

const REACH: Reachability = {
  host: "discord.com",
  port: 443,
  dns: { kind: "ok", ms: 4, found: { addresses: ["162.159.1.1", "2606::1"] } },
  tcp: {
    kind: "ok",
    ms: 9,
    found: {
      address: "162.159.1.1",
      tried: [{ address: "162.159.1.1", ms: 9 }, { address: "2606::1", code: "ENETUNREACH" }],
    },
  },
  tls: {
    kind: "ok",
    ms: 20,
    found: { protocol: "TLSv1.3", issuer: "Google Trust Services", validTo: IN_A_YEAR },
  },
};

const ANSWER: HttpFound = {
  status: 200,
  server: "cloudflare",
  json: { url: "wss://gateway.discord.gg" },
  skewMs: 300,
};

const GATEWAY: NonNullable<NetworkFacts["gateway"]> = {
  reach: { ...REACH, host: "gateway.discord.gg" },
  hello: { kind: "ok", ms: 130, found: { openMs: 90, heartbeatIntervalMs: 41_250 } },
};

const FACTS: NetworkFacts = {
  rest: { reach: REACH, http: { kind: "ok", ms: 60, found: ANSWER } },
  gateway: GATEWAY,
  isContainer: false,
  unusableProxies: [],
  showsDns: true,
  expectsGateway: true,
};

const withReach = (
  reach: Partial<Reachability>,
  http: Stage<HttpFound> = EARLIER,
): NetworkFacts => ({ ...FACTS, rest: { reach: { ...REACH, ...reach }, http } });

const answering = (found: Partial<HttpFound>): NetworkFacts => ({
  ...FACTS,
  rest: { reach: REACH, http: { kind: "ok", ms: 1, found: { ...ANSWER, ...found } } },
});

const page = (status: number, more: Partial<HttpFound> = {}): NetworkFacts => {
  const { json: _, ...rest } = ANSWER;
  const found = { ...rest, server: "", status, ...more };
  return { ...FACTS, rest: { reach: REACH, http: { kind: "ok", ms: 1, found } } };
};

function row(facts: NetworkFacts, id: string) {
  const found = judgeNetwork(facts, NOW).find((one) => one.id === id);
  assert.ok(found, `no row ${id}`);
  return found;
}

describe("[G13] judgeNetwork()", () => {
  it("has a row for each step, and passes all of a working network", () => {
    const findings = judgeNetwork(FACTS, NOW);
    assert.deepEqual(findings.map(({ id }) => id), [
      "network.rest.dns",
      "network.rest.tcp",
      "network.rest.tls",
      "network.rest.http",
      "network.clock",
      "network.gateway.dns",
      "network.gateway.tcp",
      "network.gateway.tls",
      "network.gateway.websocket",
    ]);
    assert.deepEqual(findings.filter(({ status }) => status !== "pass"), []);
    assert.deepEqual(findings.filter(({ fix }) => fix !== undefined), []);
  });

  type Row = readonly [
    name: string,
    facts: NetworkFacts,
    id: string,
    status: "warn" | "fail",
    why: RegExp,
    fix: RegExp,
  ];
  const failed = (code: string) => ({ kind: "failed", ms: 5, code }) as const;
  const tls = (refused: string, issuer = "Evil Corp") =>
    withReach({
      tls: { kind: "ok", ms: 1, found: { protocol: "TLSv1.3", issuer, validTo: NOW, refused } },
    });
  const noName = { dns: failed("ENOTFOUND"), tcp: EARLIER, tls: EARLIER };
  const rows: readonly Row[] = [
    [
      "[O8] the same in a container",
      { ...withReach(noName), isContainer: true },
      "network.rest.dns",
      "fail",
      /ENOTFOUND/,
      /docker run --dns 1\.1\.1\.1/,
    ],
    [
      "something else than TLS",
      withReach({ tls: failed("EPROTO") }),
      "network.rest.tls",
      "fail",
      /valid TLS.*EPROTO/,
      /HTTPS_PROXY/,
    ],
    [
      "a certificate that is over",
      tls("CERT_HAS_EXPIRED"),
      "network.rest.tls",
      "fail",
      /CERT_HAS_EXPIRED.*Evil Corp, valid until 2026-11-20/,
      /clock/,
    ],
    [
      "another's certificate",
      tls("ERR_TLS_CERT_ALTNAME_INVALID"),
      "network.rest.tls",
      "fail",
      /is not trusted/,
      /another server answers for discord\.com/,
    ],
    [
      "a proxy that decrypts",
      tls("SELF_SIGNED_CERT_IN_CHAIN"),
      "network.rest.tls",
      "fail",
      /issued by Evil Corp/,
      /NODE_EXTRA_CA_CERTS/,
    ],
    [
      "no answer over HTTP",
      withReach({}, failed("ECONNRESET")),
      "network.rest.http",
      "fail",
      /no answer.*ECONNRESET/,
      /try again/,
    ],
    ["a login page", page(200), "network.rest.http", "fail", /another server answers/, /browser/],
    [
      "a login page by redirect",
      page(302, { location: "http://login.cafe/?mac=1" }),
      "network.rest.http",
      "fail",
      /to login\.cafe \(HTTP 302\)$/,
      /browser/,
    ],
    [
      "a filter's refusal",
      page(403),
      "network.rest.http",
      "fail",
      /another server answers/,
      /filter/,
    ],
    [
      "Discord's 429",
      answering({ status: 429, server: "" }),
      "network.rest.http",
      "fail",
      /too many requests/,
      /stop the program/,
    ],
    [
      "Discord's outage",
      answering({ status: 503 }),
      "network.rest.http",
      "warn",
      /problem of its own/,
      /discordstatus/,
    ],
    [
      "a filter that only knows HTTP",
      { ...FACTS, gateway: { ...GATEWAY, hello: failed("HTTP 403") } },
      "network.gateway.websocket",
      "fail",
      /HTTP 403/,
      /WebSockets/,
    ],
    [
      "[G15] a proxy that wants to know who",
      {
        ...FACTS,
        gateway: { ...GATEWAY, hello: failed("the proxy asks for a user and password (407)") },
      },
      "network.gateway.websocket",
      "fail",
      /407/,
      /to HTTPS_PROXY, .* as USER:PASSWORD@host:port$/,
    ],
    [
      "[G15] a proxy that refuses all",
      { ...FACTS, gateway: { ...GATEWAY, hello: failed("the proxy refused (HTTP 503)") } },
      "network.gateway.websocket",
      "fail",
      /503/,
      /CONNECT gateway\.discord\.gg:443/,
    ],
    [
      "[G15] a proxy that cannot be used",
      { ...FACTS, unusableProxies: [{ variable: "ALL_PROXY", why: "it is no URL" }] },
      "network.proxy",
      "fail",
      /ALL_PROXY is set/,
      /ALL_PROXY=http/,
    ],
  ];
  for (const [name, facts, id, status, why, fix] of rows) {
    it(`reports ${name}, with the next step`, () => {
      const found = row(facts, id);
      assert.equal(found.status, status);
      assert.match(found.why, why);
      assert.match(found.fix ?? "", fix);
    });
  }

  it("[O10] writes nothing that the log would take for a secret", () => {
    const lines: string[] = [];
    const logging = startLog({
      level: "info",
      format: "json",
      write: (line) => void lines.push(line),
    });
    const log = logging.forPart("main");
    for (const [, facts] of rows) {
      for (const { why, fix } of judgeNetwork(facts, NOW)) log.info(why, { fix });
    }
    logging.stop();
    assert.ok(lines.some((line) => line.includes("USER:PASSWORD@host:port")));
    assert.deepEqual(lines.filter((line) => line.includes("[redacted]")), []);
  });

  it("[G15] names the proxy, once", () => {
    const reach: Reachability = {
      ...REACH,
      proxy: "proxy.lan:3128",
      tls: { kind: "skipped", why: "proxy" },
    };
    const findings = judgeNetwork({
      ...FACTS,
      rest: { ...FACTS.rest, reach },
      gateway: { ...GATEWAY, reach: { ...reach, host: "gateway.discord.gg" } },
    }, NOW);
    const named = findings.filter(({ id }) => id === "network.proxy");
    assert.deepEqual(named.map(({ where, status }) => [where, status]), [[
      "proxy.lan:3128",
      "pass",
    ]]);
    assert.equal(findings.some(({ id }) => id.endsWith(".tls")), false);
    assert.equal(findings.find(({ id }) => id === "network.rest.tcp")?.where, "proxy.lan:3128");
  });
});
